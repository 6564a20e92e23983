import { Logger } from '@nestjs/common';
import { DeadlineError, messageOf, withDeadline, type Clock } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type {
  ConsumerPort,
  PortConsumeContext,
  PortConsumeVerdict,
  PortConsumeVerdicts,
} from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { RocketMQContext, type ListenerIdentity } from '../rocketmq.context.js';
import type { Invoker } from './handler-invoker.js';
import type { ListenerPlan, Subscription } from './listener-plan.js';
import { OutcomeRules, type Outcome } from './outcome.js';

export type ListenerState = 'idle' | 'disabled' | 'running' | 'paused' | 'stopped';

/** The client gets this much longer than it was given before a stop goes on without it. */
const graceOfStop = 2_000;

/** A listener of the running application. */
export class ListenerContainer {
  private readonly logger: Logger;
  private readonly rules: OutcomeRules;
  private readonly identity: ListenerIdentity;
  private consumer: ConsumerPort | undefined;
  private current: ListenerState;
  private handling = 0;

  constructor(
    private readonly plan: ListenerPlan,
    private readonly invoker: Invoker,
    private readonly converters: MessageConverters,
    private readonly clock: Clock,
  ) {
    this.logger = new Logger(`RocketMQ:Listener:${plan.id}`);
    this.rules = new OutcomeRules(plan);
    const { id, group, connection } = this;
    this.identity = { id, group, connection };
    this.current = plan.enabled ? 'idle' : 'disabled';
  }

  get id(): string {
    return this.plan.id;
  }

  get group(): string {
    return this.plan.group;
  }

  get connection(): string {
    return this.plan.connection.settings.name;
  }

  get subscriptions(): readonly Subscription[] {
    return this.plan.subscriptions;
  }

  get state(): ListenerState {
    return this.current;
  }

  /** How many calls of the handler are under way. */
  get inHand(): number {
    return this.handling;
  }

  /** Starts to consume; nothing happens when disabled or running. */
  async start(): Promise<void> {
    if (this.current !== 'idle' && this.current !== 'stopped') return;
    const { plan } = this;
    const consumer = plan.connection.client.consumer({
      group: plan.group,
      subscriptions: plan.subscriptions,
      mode: plan.mode,
      model: plan.model,
      from: plan.from,
      concurrency: plan.concurrency,
      batch: plan.batch ?? 1,
      pullBatchSize: plan.pullBatchSize,
      maxReconsumeTimes: plan.maxReconsumeTimes,
      consumeTimeout: plan.consumeTimeout,
      offsetDirectory: plan.offsetDirectory,
      listener: (messages, context) => this.handle(messages, context),
    });
    this.consumer = consumer;
    await consumer.start();
    this.current = 'running';
  }

  /**
   * Stops pulling, waits for what is in hand, commits and unregisters. Ends after
   * `shutdownTimeout` and a little grace whatever the servers and handlers do.
   */
  async stop(): Promise<void> {
    const { consumer } = this;
    if (consumer === undefined) return;
    this.consumer = undefined;
    this.current = 'stopped';
    const deadline = this.plan.shutdownTimeout;
    try {
      await withDeadline(
        this.clock,
        deadline + graceOfStop,
        () => consumer.close(deadline),
        () => new DeadlineError(`it took more than ${deadline + graceOfStop} ms`),
      );
    } catch (error) {
      this.logger.warn(
        `The consumer of group '${this.group}' did not close cleanly: ${messageOf(error)}`,
      );
    }
    if (this.handling > 0) {
      this.logger.warn(
        `${this.handling} calls of the handler did not end within ${deadline} ms; their messages ` +
          'will be delivered again.',
      );
    }
  }

  /** Stops pulling until `resume`; what is in hand goes on. */
  pause(): void {
    if (this.current !== 'running') return;
    this.consumer?.pause();
    this.current = 'paused';
  }

  resume(): void {
    if (this.current !== 'paused') return;
    this.consumer?.resume();
    this.current = 'running';
  }

  /**
   * Hands messages to the handler; their verdicts come back, and never an error. A single message
   * whose handler answers at once is done at once: no promise is made for it.
   */
  handle(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): PortConsumeVerdicts | Promise<PortConsumeVerdicts> {
    const isBatch = this.plan.batch !== undefined || messages.length !== 1;
    return isBatch ? this.handleBatch(messages, port) : this.handleOne(messages, port);
  }

  private handleOne(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): PortConsumeVerdict | Promise<PortConsumeVerdict> {
    const message = messages[0] as StoredMessage;
    this.handling += 1;
    const end = (outcome: Outcome): PortConsumeVerdict => {
      this.handling -= 1;
      return this.conclude(message, outcome);
    };
    const ended = (result: unknown): PortConsumeVerdict => end(this.rules.ofResult(result));
    const failed = (error: unknown): PortConsumeVerdict => end(this.rules.ofError(error));
    let result: unknown;
    try {
      const payload = this.decode(message);
      result = this.invoker.invoke(payload, this.contextOf(messages, port));
    } catch (error) {
      return failed(error);
    }
    return isPromise(result) ? result.then(ended, failed) : ended(result);
  }

  private async handleBatch(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): Promise<readonly PortConsumeVerdict[]> {
    this.handling += 1;
    try {
      const outcomes = await this.outcomes(messages, port);
      return messages.map((message, at) => this.conclude(message, outcomes[at] as Outcome));
    } finally {
      this.handling -= 1;
    }
  }

  private async outcomes(
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): Promise<readonly Outcome[]> {
    const outcomes: (Outcome | undefined)[] = messages.map(() => undefined);
    const payloads: unknown[] = [];
    const readable = messages.filter((message, at) => {
      try {
        payloads.push(this.decode(message));
        return true;
      } catch (error) {
        outcomes[at] = this.rules.ofError(error);
        return false;
      }
    });
    if (readable.length > 0) {
      const handled = await this.call(readable, payloads, port);
      readable.forEach((message, at) => (outcomes[messages.indexOf(message)] = handled[at]));
    }
    return outcomes as Outcome[];
  }

  private decode(message: StoredMessage): unknown {
    const { target } = this.invoker;
    // A handler that asks for no payload takes care of the body itself, whatever it is.
    return target === undefined ? message.body : this.converters.decode(message, target);
  }

  private contextOf(messages: readonly StoredMessage[], port: PortConsumeContext): RocketMQContext {
    return new RocketMQContext(messages, port, this.identity);
  }

  private async call(
    messages: readonly StoredMessage[],
    payloads: readonly unknown[],
    port: PortConsumeContext,
  ): Promise<readonly Outcome[]> {
    const context = this.contextOf(messages, port);
    let outcome: Outcome;
    try {
      const result = await this.invoker.invoke(payloads, context);
      outcome = this.rules.ofResult(result);
    } catch (error) {
      outcome = this.rules.ofError(error);
    }
    const success = this.rules.ofResult(undefined);
    return messages.map((_, at) => (at < context.acknowledged ? success : outcome));
  }

  private conclude(message: StoredMessage, outcome: Outcome): PortConsumeVerdict {
    const { verdict } = outcome;
    const isDropped = verdict.kind !== 'success' && this.plan.model === 'broadcasting';
    this.tell(message, outcome, isDropped);
    return isDropped ? { kind: 'success' } : verdict;
  }

  private tell(message: StoredMessage, outcome: Outcome, isDropped: boolean): void {
    const { verdict, level, reason } = outcome;
    if (level === 'quiet' && !isDropped) return;
    const fate = isDropped
      ? 'it is dropped, because broadcast messages are not delivered again'
      : fateOf(verdict);
    const where = `topic ${message.topic}, queue ${message.queueId}, offset ${message.queueOffset}`;
    const sentence =
      `Message ${message.msgId} (${where}, try ${message.reconsumeTimes + 1}): ` +
      `${reason}; ${fate}.`;
    if (isDropped || level === 'error') this.logger.error(sentence);
    else this.logger.warn(sentence);
  }
}

function fateOf(verdict: PortConsumeVerdict): string {
  if (verdict.kind === 'dead-letter') return 'it goes to the dead letters';
  return verdict.kind === 'retry' ? 'it will be delivered again' : 'it is skipped';
}

function isPromise(result: unknown): result is Promise<unknown> {
  return typeof (result as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
