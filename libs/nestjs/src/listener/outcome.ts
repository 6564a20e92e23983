import { HttpException } from '@nestjs/common';
import { messageOf, parseDuration } from '@nestjs-rocketmq/foundation';
import type { PortConsumeVerdict } from '../client-port.js';
import { ConsumeResult, type RetryDelay } from '../consume-result.js';
import { MessageConversionError, NonRetryableError, RetryLaterError } from '../nestjs.errors.js';
import type { ListenerPlan } from './listener-plan.js';

/** What the rules say about a message, and how loudly to tell of it. */
export interface Outcome {
  readonly verdict: PortConsumeVerdict;
  /** `quiet`: the handler decided so, nothing went wrong. */
  readonly level: 'quiet' | 'warn' | 'error';
  /** Why, for the log line. */
  readonly reason: string;
}

const done: Outcome = { verdict: { kind: 'success' }, level: 'quiet', reason: '' };

/** The rules of success, retry and dead letters of one listener. */
export class OutcomeRules {
  constructor(private readonly plan: ListenerPlan) {}

  /** What a returned value means: everything but a `ConsumeResult` is success. */
  ofResult(result: unknown): Outcome {
    if (!(result instanceof ConsumeResult) || result.kind === 'success') return done;
    if (result.kind === 'retry') {
      return { verdict: this.retry(result.delay), level: 'quiet', reason: 'the handler said so' };
    }
    const reason = result.reason ?? 'the handler said so';
    return { verdict: { kind: 'dead-letter', reason }, level: 'warn', reason };
  }

  /** What a thrown error means. */
  ofError(error: unknown): Outcome {
    const reason = describeError(error);
    if (error instanceof RetryLaterError) {
      return { verdict: this.retry(error.delay), level: 'warn', reason };
    }
    if (error instanceof NonRetryableError) {
      return { verdict: { kind: 'dead-letter', reason }, level: 'error', reason };
    }
    if (error instanceof MessageConversionError || this.isInvalid(error)) {
      return { verdict: this.invalid(reason), level: 'error', reason };
    }
    return { verdict: this.retry({}), level: 'warn', reason };
  }

  private isInvalid(error: unknown): boolean {
    try {
      return this.plan.nonRetryable(error);
    } catch {
      // A user's predicate that fails must not lose the message: it is tried again.
      return false;
    }
  }

  private invalid(reason: string): PortConsumeVerdict {
    const { onInvalid } = this.plan;
    if (onInvalid === 'retry') return this.retry({});
    return onInvalid === 'skip' ? { kind: 'success' } : { kind: 'dead-letter', reason };
  }

  private retry(delay: RetryDelay): PortConsumeVerdict {
    const { delayMs } = delay;
    const { delayLevels } = this.plan.connection.settings;
    const ms = delayMs === undefined ? undefined : parseDuration(delayMs);
    // Longer than the longest level: the longest, since a message must not get lost over it.
    const fromTime = ms === undefined ? undefined : (delayLevels.levelFor(ms) ?? delayLevels.last);
    const wanted = delay.delayLevel ?? fromTime ?? this.plan.retryDelayLevel;
    const delayLevel = Math.min(Math.max(Math.trunc(wanted) || 0, 0), delayLevels.count);
    return { kind: 'retry', delayLevel, suspendMs: ms ?? this.plan.suspend };
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
