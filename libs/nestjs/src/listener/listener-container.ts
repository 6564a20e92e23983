import { Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type {
  PortConsumeContext,
  PortConsumeVerdict,
  PortConsumeVerdicts,
} from '../client-port.js';
import { CONTENT_TYPE_PROPERTY, type MessageConverters } from '../converter/message-converters.js';
import { MessageConversionError } from '../nestjs.errors.js';
import { RocketMQContext, type ListenerIdentity } from '../rocketmq.context.js';
import type { Invoker } from './handler-invoker.js';
import type { ListenerPlan } from './listener-plan.js';
import { isDecision, OutcomeRules, success, type Outcome } from './outcome.js';
import { OutcomeTeller, type ListenerCounters } from './outcome-teller.js';

/** Calls one handler, and says what becomes of its messages. */
export class ListenerContainer {
  private readonly rules: OutcomeRules;
  private readonly teller: OutcomeTeller;
  private readonly identity: ListenerIdentity;
  private handling = 0;

  constructor(
    readonly plan: ListenerPlan,
    private readonly invoker: Invoker,
    private readonly converters: MessageConverters,
  ) {
    const { id, group, connection } = plan;
    const logger = new Logger(`RocketMQ:Listener:${id}`);
    this.rules = new OutcomeRules(plan, logger);
    this.teller = new OutcomeTeller(plan, logger);
    this.identity = { id, group, connection: connection.settings.name };
  }

  get id(): string {
    return this.plan.id;
  }

  /** How many calls of the handler are under way. */
  get inHand(): number {
    return this.handling;
  }

  get counters(): Readonly<ListenerCounters> {
    return this.teller.counters;
  }

  /**
   * Hands messages to the handler; their verdicts come back, and never an error. A single message
   * whose handler answers at once is done at once: no promise is made for it.
   */
  handle(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): PortConsumeVerdicts | Promise<PortConsumeVerdicts> {
    const isSingle = this.plan.batch === undefined && messages.length === 1;
    return isSingle ? this.handleOne(messages, port) : this.handleBatch(messages, port);
  }

  private handleOne(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): PortConsumeVerdict | Promise<PortConsumeVerdict> {
    const message = messages[0] as StoredMessage;
    const context = new RocketMQContext(messages, port, this.identity);
    this.handling += 1;
    if (this.rules.isLastTry(message)) this.watchTime([message], port);
    let result: unknown;
    try {
      result = this.invoker.invoke(this.decode(message), context);
    } catch (error) {
      return this.failed(error, context, port);
    }
    if (!isPromise(result)) return this.ended(result, context, port);
    return result.then(
      (value) => this.ended(value, context, port),
      (error: unknown) => this.failed(error, context, port),
    );
  }

  private ended(
    result: unknown,
    context: RocketMQContext,
    port: PortConsumeContext,
  ): PortConsumeVerdict | Promise<PortConsumeVerdict> {
    if (isDecision(result) || this.isLate(port)) {
      return this.conclude(this.rules.ofResult(result, context), context, port);
    }
    this.handling -= 1;
    this.teller.counters.succeeded += 1;
    return success;
  }

  private failed(
    error: unknown,
    context: RocketMQContext,
    port: PortConsumeContext,
  ): PortConsumeVerdict | Promise<PortConsumeVerdict> {
    return this.conclude(this.rules.ofError(error, context), context, port);
  }

  private conclude(
    outcome: Outcome,
    context: RocketMQContext,
    port: PortConsumeContext,
  ): PortConsumeVerdict | Promise<PortConsumeVerdict> {
    const settled = this.settle([context.message], [outcome], context, port);
    if (!isPromise(settled)) {
      this.handling -= 1;
      return settled[0] as PortConsumeVerdict;
    }
    return settled
      .then(([verdict]) => verdict as PortConsumeVerdict)
      .finally(() => (this.handling -= 1));
  }

  private async handleBatch(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): Promise<readonly PortConsumeVerdict[]> {
    this.handling += 1;
    try {
      const last = messages.filter((message) => this.rules.isLastTry(message));
      if (last.length > 0) this.watchTime(last, port);
      const context = new RocketMQContext(messages, port, this.identity);
      const outcomes = await this.outcomes(messages, port);
      return await this.settle(messages, outcomes, context, port);
    } finally {
      this.handling -= 1;
    }
  }

  /** What cannot be read has its outcome; the handler gets the rest. */
  private async outcomes(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): Promise<readonly Outcome[]> {
    const outcomes: (Outcome | undefined)[] = [];
    const readable: StoredMessage[] = [];
    const payloads: unknown[] = [];
    for (const message of messages) {
      try {
        const payload = this.decode(message);
        payloads.push(await (this.invoker.checkItem?.(payload) ?? payload));
        readable.push(message);
        outcomes.push(undefined);
      } catch (error) {
        const context = new RocketMQContext([message], port, this.identity);
        outcomes.push(this.rules.ofError(error, context));
      }
    }
    if (readable.length === 0) return outcomes as Outcome[];
    const handled = await this.call(readable, payloads, port);
    let at = 0;
    return outcomes.map((outcome) => outcome ?? (handled[at++] as Outcome));
  }

  private async call(
    messages: readonly StoredMessage[],
    payloads: readonly unknown[],
    port: PortConsumeContext,
  ): Promise<readonly Outcome[]> {
    const context = new RocketMQContext(messages, port, this.identity);
    const done = this.rules.ofResult(undefined, context);
    let outcomes: readonly Outcome[];
    try {
      const isBatch = this.plan.batch !== undefined;
      const result = await this.invoker.invoke(isBatch ? payloads : payloads[0], context);
      outcomes = this.rules.ofBatchResult(result, context);
    } catch (error) {
      const outcome = this.rules.ofError(error, context);
      outcomes = messages.map(() => outcome);
    }
    return outcomes.map((outcome, at) => (at < context.acknowledged ? done : outcome));
  }

  /** Tells of what is not plain success, and gives the verdicts; a promise where hooks are told. */
  private settle(
    messages: readonly StoredMessage[],
    outcomes: readonly Outcome[],
    context: RocketMQContext,
    port: PortConsumeContext,
  ): readonly PortConsumeVerdict[] | Promise<readonly PortConsumeVerdict[]> {
    const { teller, rules } = this;
    const isLate = this.isLate(port);
    const final = isLate
      ? outcomes
      : messages.map((message, at) => rules.forMessage(message, outcomes[at] as Outcome));
    if (isLate) teller.late(messages, final);
    else teller.tell(messages, final);
    const isBroadcast = this.plan.model === 'broadcasting';
    const verdicts = final.map(({ verdict, error }) => {
      const given = isBroadcast ? success : verdict;
      return error === undefined ? given : { ...given, error };
    });
    if (!teller.hasHooks) return verdicts;
    const contextOf = (message: StoredMessage): RocketMQContext =>
      messages.length === 1 ? context : new RocketMQContext([message], port, this.identity);
    // What comes late has been told of when it was given back.
    const told = isLate ? [] : messages;
    return teller.callHooks(told, final, context, contextOf).then(() => verdicts);
  }

  private decode(message: StoredMessage): unknown {
    const { target } = this.invoker;
    // A handler that asks for no payload takes care of the body itself, whatever it is.
    if (target === undefined) return message.body;
    try {
      return this.converters.decode(message, target);
    } catch (error) {
      const { topic } = message;
      const contentType = message.property(CONTENT_TYPE_PROPERTY);
      throw new MessageConversionError(
        `${this.plan.name} cannot read a message of topic '${topic}' (content type ` +
          `${contentType ?? 'not told'}): ${messageOf(error)}`,
        { cause: error, details: { listener: this.plan.name, topic, contentType } },
      );
    }
  }

  /** The client took the messages away meanwhile; an orderly queue waits for its handler instead. */
  private isLate(port: PortConsumeContext): boolean {
    return port.isTimedOut === true && this.plan.mode === 'concurrent';
  }

  /** On a last try, time-out means the dead letters: the client sends them there by itself. */
  private watchTime(messages: readonly StoredMessage[], port: PortConsumeContext): void {
    if (this.plan.mode === 'orderly') return;
    const onAbort = (): void => {
      if (port.isTimedOut !== true) return;
      const contextOf = (message: StoredMessage): RocketMQContext =>
        new RocketMQContext([message], port, this.identity);
      void this.teller.timedOut(messages, contextOf);
    };
    port.signal.addEventListener('abort', onAbort, { once: true });
  }
}

function isPromise<T>(result: T | Promise<T>): result is Promise<T> {
  return typeof (result as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
