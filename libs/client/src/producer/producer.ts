import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ProducerMember } from '../broker-requests.js';
import { ClientInstance, memberLogger, milliseconds } from '../client-instance.js';
import { ClientStateError } from '../client.errors.js';
import type { PublishQueue } from '../route-table.js';
import { sendTracesOf } from '../trace/send-trace.js';
import type { TraceDispatcher, TraceStatistics } from '../trace/trace-dispatcher.js';
import type { Pinned } from './delivery.js';
import { noOptions, Outbox } from './outbox.js';
import type { ReplyMessage } from './pending-replies.js';
import {
  loadProducerOptions,
  type ProducerOptions,
  type ProducerSettings,
} from './producer-options.js';
import { recallMessage, watchedRecall } from './recall.js';
import { replyAddress, Requester, type OutgoingReply } from './requester.js';
import { SendHooks, type SendHook } from './send-hooks.js';
import type {
  BatchesSendOptions,
  BatchSendOptions,
  CloseOptions,
  ProducerStatistics,
  SendOptions,
  SendResult,
} from './send-result.js';

const defaultCloseDeadline = 10_000;

/**
 * Sends messages. One object per producer group; `start` before the first send, `close` (or
 * `await using`) when done. Sends beyond `maxInFlight` and `maxInFlightBytes` wait their turn.
 */
export class Producer implements AsyncDisposable {
  readonly group: string;
  protected readonly instance: ClientInstance;
  protected readonly settings: ProducerSettings;
  protected readonly clock: Clock;
  protected readonly logger: Logger;
  private readonly ownsInstance: boolean;
  private readonly outbox: Outbox;
  protected readonly hooks: SendHooks;
  private readonly requester: Requester;
  private readonly traces: TraceDispatcher | undefined;
  private ownAdmin: ClientAdmin | undefined;
  private state: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: ProducerOptions) {
    this.settings = loadProducerOptions(options);
    this.group = this.settings.group;
    this.ownsInstance = options.instance === undefined;
    this.instance = options.instance ?? new ClientInstance(options);
    this.clock = this.instance.clock;
    this.logger = memberLogger(this.instance, this.group, options.logger);
    this.hooks = new SendHooks(this.logger);
    for (const hook of options.hooks ?? []) this.hooks.add(hook);
    this.traces = sendTracesOf(this.instance, this.settings, this.hooks);
    this.outbox = new Outbox(this.instance, this.settings, this.logger, this.hooks);
    this.requester = new Requester(
      this.instance,
      (message, options, extra) => this.deliver(message, options, extra, 0),
      this.settings.maxWaitingRequests,
    );
  }

  /** The client id under which brokers know this producer. */
  get clientId(): string {
    return this.instance.clientId;
  }

  /** What this client may ask and do besides; over the same connections. */
  get admin(): ClientAdmin {
    return (this.ownAdmin ??= new ClientAdmin({ instance: this.instance }));
  }

  /** Sends under way and sends waiting for their turn. */
  get inFlightCount(): { readonly running: number; readonly waiting: number } {
    const { running, waiting } = this.outbox.inFlight;
    return { running, waiting };
  }

  /** Counters since the start, and what is under way now. */
  statistics(): ProducerStatistics {
    return { ...this.outbox.statistics, lateReplies: this.lateReplies };
  }

  /** What became of traces; undefined without `enableTrace`. */
  get traceStatistics(): TraceStatistics | undefined {
    return this.traces?.statistics;
  }

  /** Replies that came when nobody waited for them any more; dropped. */
  get lateReplies(): number {
    return this.instance.replies.late;
  }

  /**
   * Registers the group and gets known to the brokers that make topics by themselves. Name servers
   * that are down do not make it fail; the first send does.
   */
  async start(): Promise<void> {
    if (this.state !== 'new') {
      throw new ClientStateError(`The producer of group '${this.group}' was started before.`);
    }
    this.state = 'running';
    this.instance.addProducer(this.member());
    this.instance.start();
    await this.instance.routes.refresh(this.settings.createTopicKey).catch((error: unknown) => {
      this.logger.warn('The name servers cannot be asked yet; sends will try again.', { error });
    });
    await Promise.all(this.settings.topics.map((topic) => this.learnRoute(topic)));
    await this.meetBrokers();
    if (this.state === 'running') this.outbox.start();
    await this.instance.heartbeat();
  }

  /**
   * Sends a message and resolves when a broker has stored it; see `SendResult.status` for how
   * safely. Rejects with `InvalidMessageError`, `MessageTooLargeError`, `NoRouteError`,
   * `BrokerRefusedError`, `SendTimeoutError`, `SendFailedError` or `ClientStateError`.
   */
  send(message: OutgoingMessage, options: SendOptions = noOptions): Promise<SendResult> {
    // Not `async`: that would be one more promise for every send.
    try {
      this.checkMessage(message);
      return this.outbox.send(message, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Sends without waiting for the broker: resolves when the connection took it. May be lost. */
  async sendOneWay(message: OutgoingMessage, options: SendOptions = noOptions): Promise<void> {
    this.checkMessage(message);
    await this.outbox.sendOneWay(message, options);
  }

  /**
   * Sends several messages of one topic in one request; all are stored or none. The encoded batch
   * counts against `maxMessageSize`; it is never compressed. Delay levels are refused.
   */
  async sendBatch(
    messages: readonly OutgoingMessage[],
    options: BatchSendOptions = noOptions,
  ): Promise<SendResult> {
    this.checkRunning();
    return this.outbox.sendBatch(messages, options);
  }

  /**
   * Sends messages of one topic in as few requests as their sizes allow, one after the other, and
   * resolves with a result for each message. Rejects with `InvalidMessageError` or
   * `MessageTooLargeError` before anything is sent, or with `BatchIncompleteError`.
   */
  async sendInBatches(
    messages: readonly OutgoingMessage[],
    options: BatchesSendOptions = noOptions,
  ): Promise<SendResult[]> {
    this.checkRunning();
    return this.outbox.sendInBatches(messages, options);
  }

  /**
   * Sends a message and resolves with the reply of whoever consumes it. `timeout` (default: that of
   * a send) is for all of it. Rejects with `RequestTimeoutError`, or as `send` does.
   */
  async request(message: OutgoingMessage, options: SendOptions = noOptions): Promise<ReplyMessage> {
    this.checkMessage(message);
    return this.requester.request(message, options, this.outbox.timeout(options));
  }

  /**
   * Answers a request that a consumer got. It goes to the one broker to which the asking client is
   * surely connected, and comes once or not at all: `BrokerRefusedError` says that nobody waits.
   * Rejects with `InvalidMessageError` when the message is no request, or as `send` does.
   */
  async reply(
    request: StoredMessage,
    answer: OutgoingReply,
    options: Pick<SendOptions, 'timeout'> = noOptions,
  ): Promise<SendResult> {
    const { topic, extra, pick } = replyAddress(request);
    const message = { ...answer, topic };
    this.checkMessage(message);
    const pinned: Pinned = ({ publish }) => pick(publish) ?? (publish[0] as PublishQueue);
    return this.outbox.sendReply(message, extra, pinned, options);
  }

  /**
   * Takes a timer message back before it is due (brokers from 5.3.2 on, with timers); `handle` is the
   * `recallHandle` of its result. Answers the message's unique key. Rejects with
   * `InvalidMessageError`, `NoRouteError` or `BrokerRefusedError`: too late, or not known there.
   */
  async recall(
    topic: string,
    handle: string,
    options: Pick<SendOptions, 'timeout'> = noOptions,
  ): Promise<string> {
    this.checkRunning();
    const asked = {
      producerGroup: this.group,
      topic,
      handle,
      timeoutMs: this.outbox.timeout(options),
    };
    return watchedRecall(this.hooks, asked, () =>
      recallMessage(this.instance, this.outbox.delivery, asked),
    );
  }

  /** Adds somebody who looks on while messages are sent; answers how to take it out again. */
  addHook(hook: SendHook): () => void {
    return this.hooks.add(hook);
  }

  /**
   * Refuses new sends, waits for those under way (at most `deadline`, 10 s by default), leaves the
   * group and closes the connections. Always ends; harmless when repeated.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.closing ??= this.closeAll(milliseconds(options.deadline, defaultCloseDeadline));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whoever is asked by brokers must be known to them before the first send. */
  protected meetBrokers(): Promise<void> {
    return Promise.resolve();
  }

  private async learnRoute(topic: string): Promise<void> {
    await this.outbox.delivery.route(topic).catch((error: unknown) => {
      this.logger.warn('The route of a topic cannot be had now; the first send asks again.', {
        topic,
        error,
      });
    });
  }

  /** What the instance knows of this producer. */
  protected member(): ProducerMember {
    return this;
  }

  /** Runs after the last send and before the group is left; must end within `deadlineMs`. */
  protected beforeLeaving(_deadlineMs: number): Promise<void> {
    return Promise.resolve();
  }

  /** `extra` is property text of ours, `sysFlag` bits of ours. The message was checked. */
  protected deliver(
    message: OutgoingMessage,
    options: SendOptions,
    extra: string,
    sysFlag: number,
  ): Promise<SendResult> {
    return this.outbox.deliver(message, options, extra, sysFlag);
  }

  protected checkMessage(message: OutgoingMessage): void {
    this.checkRunning();
    this.outbox.drafts.check(message);
  }

  protected checkRunning(): void {
    if (this.state === 'running') return;
    throw new ClientStateError(
      this.state === 'new'
        ? `The producer of group '${this.group}' is not started; call start() first.`
        : `The producer of group '${this.group}' is closed.`,
    );
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.state === 'running';
    this.state = 'closing';
    this.outbox.refuseMore();
    const end = this.clock.monotonic() + deadlineMs;
    const remaining = (): number => Math.max(end - this.clock.monotonic(), 0);
    if (wasRunning) {
      await this.outbox.drain(deadlineMs);
      this.requester.close();
      await this.beforeLeaving(remaining());
      const time = Math.max(remaining(), 500);
      await Promise.all([this.instance.remove(this.member(), time), this.traces?.close(time)]);
    }
    if (this.ownsInstance) await this.instance.close();
  }
}
