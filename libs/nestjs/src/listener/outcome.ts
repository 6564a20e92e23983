import { HttpException, IntrinsicException, type LoggerService } from '@nestjs/common';
import { messageOf, parseDuration } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { PortConsumeVerdict } from '../client-port.js';
import { ConsumeResult, type RetryDelay } from '../consume-result.js';
import { MessageConversionError, NonRetryableError, RetryLaterError } from '../nestjs.errors.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { FailureValue, ListenerPlan } from './listener-plan.js';
import { isLastTry, tryLimit } from './try-limit.js';

/** What the rules say about a message, and how loudly to tell of it. */
export interface Outcome {
  readonly verdict: PortConsumeVerdict;
  /** `quiet`: the handler decided so, nothing went wrong. */
  readonly level: 'quiet' | 'warn' | 'error';
  /** Why, for the log line. */
  readonly reason: string;
  /** What was thrown; absent when nothing was, or when it was only a decision (`RetryLaterError`). */
  readonly error?: unknown;
}

export const success: PortConsumeVerdict = { kind: 'success' };
const done: Outcome = { verdict: success, level: 'quiet', reason: '' };

const shortestSuspend = 10;
const longestSuspend = 30_000;

/** Whether a returned value is more than "done". */
export function isDecision(result: unknown): boolean {
  return (
    (result instanceof ConsumeResult && result.kind !== 'success') ||
    (Array.isArray(result) && result.some((one) => one instanceof ConsumeResult))
  );
}

/** The rules of success, retry and dead letters of one listener. */
export class OutcomeRules {
  private readonly most: number;

  constructor(
    private readonly plan: ListenerPlan,
    private readonly logger: Pick<LoggerService, 'error'>,
  ) {
    this.most = tryLimit(plan);
  }

  /** Whether the message goes to the dead letters when this try fails. */
  isLastTry(message: StoredMessage): boolean {
    return isLastTry(message, this.most);
  }

  /** What a returned value means: everything but a `ConsumeResult` is success. */
  ofResult(result: unknown, context: RocketMQContext): Outcome {
    if (!(result instanceof ConsumeResult) || result.kind === 'success') return done;
    if (result.kind === 'retry') {
      const verdict = this.retry(result.delay, context, undefined);
      return { verdict, level: 'quiet', reason: 'the handler said so' };
    }
    const reason = result.reason ?? 'the handler said so';
    return { verdict: { kind: 'dead-letter', reason }, level: 'warn', reason };
  }

  /** What the answer to a batch means: one result for all, or an array with one for each message. */
  ofBatchResult(result: unknown, context: RocketMQContext): readonly Outcome[] {
    const { length } = context.messages;
    if (!Array.isArray(result) || !isDecision(result)) {
      const outcome = this.ofResult(result, context);
      return Array.from({ length }, () => outcome);
    }
    if (result.length === length) return result.map((one) => this.ofResult(one, context));
    const error = new TypeError(
      `The handler answered ${result.length} results for ${length} messages; answer one for each, ` +
        'in their order, or one ConsumeResult for all',
    );
    const outcome = this.ofError(error, context);
    return Array.from({ length }, () => outcome);
  }

  /** What a thrown error means. */
  ofError(error: unknown, context: RocketMQContext): Outcome {
    const reason = describeError(error);
    if (error instanceof RetryLaterError) {
      return { verdict: this.retry(error.delay, context, error), level: 'warn', reason };
    }
    if (error instanceof NonRetryableError) {
      return { verdict: { kind: 'dead-letter', reason }, level: 'error', reason, error };
    }
    if (error instanceof MessageConversionError || this.isInvalid(error)) {
      const verdict = this.invalid(reason, context, error);
      return { verdict, level: 'error', reason, error };
    }
    return { verdict: this.retry({}, context, error), level: 'error', reason, error };
  }

  /** The same for one message, whose tries may be over. */
  forMessage(message: StoredMessage, outcome: Outcome): Outcome {
    if (outcome.verdict.kind !== 'retry' || !this.isLastTry(message)) return outcome;
    const times = message.reconsumeTimes + 1;
    const reason = `delivered ${times} times without success, at last: ${outcome.reason}`;
    return { ...outcome, level: 'error', reason, verdict: { kind: 'dead-letter', reason } };
  }

  private isInvalid(error: unknown): boolean {
    try {
      return this.plan.nonRetryable(error);
    } catch (fault) {
      // A user's predicate that fails must not lose the message: it is tried again.
      this.tell('nonRetryable', fault);
      return false;
    }
  }

  private invalid(reason: string, context: RocketMQContext, error: unknown): PortConsumeVerdict {
    const { onInvalid } = this.plan;
    if (onInvalid === 'retry') return this.retry({}, context, error);
    return onInvalid === 'skip' ? success : { kind: 'dead-letter', reason };
  }

  private retry(delay: RetryDelay, context: RocketMQContext, error: unknown): PortConsumeVerdict {
    const { delayMs } = delay;
    const { delayLevels } = this.plan.connection.settings;
    const ms = delayMs === undefined ? undefined : parseDuration(delayMs);
    // Longer than the longest level: the longest, since a message must not get lost over it.
    const fromTime = ms === undefined ? undefined : (delayLevels.levelFor(ms) ?? delayLevels.last);
    const given = delay.delayLevel ?? fromTime;
    const wanted = given ?? this.levelOf(context, error);
    if (given === undefined && wanted < 0) {
      return { kind: 'dead-letter', reason: `retryDelayLevel is ${wanted}` };
    }
    const delayLevel = Math.min(Math.max(Math.trunc(wanted) || 0, 0), delayLevels.count);
    return { kind: 'retry', delayLevel, suspendMs: ms ?? this.suspendOf(context, error) };
  }

  private levelOf(context: RocketMQContext, error: unknown): number {
    const { retryDelayLevel } = this.plan;
    return this.asked('retryDelayLevel', retryDelayLevel, Number, 0, context, error);
  }

  private suspendOf(context: RocketMQContext, error: unknown): number {
    const { suspend } = this.plan;
    const ms = this.asked('suspend', suspend, parseDuration, 1_000, context, error);
    return Math.min(Math.max(ms, shortestSuspend), longestSuspend);
  }

  /** What a function of the options says of this failure, or `fallback` when it fails itself. */
  private asked(
    name: string,
    value: FailureValue,
    read: (value: unknown) => number | undefined,
    fallback: number,
    context: RocketMQContext,
    error: unknown,
  ): number {
    if (typeof value !== 'function') return value;
    try {
      const answer = value(context, error);
      const number = read(answer);
      if (number !== undefined && !Number.isNaN(number)) return number;
      throw new TypeError(`it answered ${String(answer)}`);
    } catch (fault) {
      this.tell(name, fault);
      return fallback;
    }
  }

  private tell(name: string, fault: unknown): void {
    const stack = fault instanceof Error ? fault.stack : undefined;
    const sentence = `'${name}' of ${this.plan.name} failed: ${messageOf(fault)}`;
    this.logger.error(`${sentence}; its default is used.`, stack);
  }
}

/** The message of an error; a validation error tells each field. */
export function describeError(error: unknown): string {
  if (!(error instanceof HttpException)) return messageOf(error);
  const response = error.getResponse();
  const told =
    typeof response === 'object' ? (response as { message?: unknown }).message : response;
  const text = Array.isArray(told) ? told.join(', ') : String(told ?? error.message);
  return `${error.message}${text === error.message ? '' : `: ${text}`}`;
}

/** The stack of an error that nobody expected; decisions and invalid messages have none to show. */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof IntrinsicException) return undefined;
  if (error instanceof MessageConversionError) return undefined;
  return error instanceof HttpException ? undefined : error.stack;
}
