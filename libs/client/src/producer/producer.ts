import { withDeadline, type Clock, type Logger } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ProducerMember } from '../broker-requests.js';
import { ClientInstance, milliseconds } from '../client-instance.js';
import { ClientStateError, CloseDeadlineError } from '../client.errors.js';
import type { PublishQueue } from '../route-table.js';
import { sendTracesOf } from '../trace/send-trace.js';
import type { TraceDispatcher, TraceStatistics } from '../trace/trace-dispatcher.js';
import { pinnedBy, type Delivery, type Pinned } from './delivery.js';
import { deliveryOf } from './delivery-settings.js';
import type { Draft } from './draft.js';
import { Drafts } from './drafts.js';
import type { FaultDetector } from './fault-detector.js';
import { InFlight } from './in-flight.js';
import type { ReplyMessage } from './pending-replies.js';
import {
  loadProducerOptions,
  type ProducerOptions,
  type ProducerSettings,
} from './producer-options.js';
import { recallMessage } from './recall.js';
import { replyAddress, Requester, type OutgoingReply } from './requester.js';
import { SendHooks, type SendHook } from './send-hooks.js';
import type { BatchSendOptions, CloseOptions, SendOptions, SendResult } from './send-result.js';

const noOptions: SendOptions = {};
const defaultCloseDeadline = 10_000;

/**
 * Sends messages. One object per producer group; `start` before the first send, `close` (or
 * `await using`) when done. Sends beyond `maxInFlight` and `maxInFlightBytes` wait their turn.
 */
export class Producer implements AsyncDisposable {
  readonly group: string;
  protected readonly instance: ClientInstance;
  protected readonly settings: ProducerSettings;
  protected readonly delivery: Delivery;
  protected readonly clock: Clock;
  protected readonly logger: Logger;
  private readonly ownsInstance: boolean;
  private readonly drafts: Drafts;
  private readonly inFlight: InFlight;
  protected readonly hooks: SendHooks;
  private readonly detector: FaultDetector | undefined;
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
    this.logger = (options.logger ?? this.instance.logger).child(this.group);
    this.inFlight = new InFlight(this.settings.maxInFlight, this.settings.maxInFlightBytes);
    this.requester = new Requester(
      this.instance,
      (message, options, extra) => this.deliver(message, options, extra, 0),
      this.settings.maxWaitingRequests,
    );
    this.drafts = new Drafts(this.settings, () => this.instance.uniqueKeys.next());
    this.hooks = new SendHooks(this.logger);
    for (const hook of options.hooks ?? []) this.hooks.add(hook);
    this.traces = sendTracesOf(this.instance, this.settings, this.hooks);
    const delivery = deliveryOf(this.instance, this.settings, this.hooks);
    this.delivery = delivery.delivery;
    this.detector = delivery.detector;
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
    return { running: this.inFlight.running, waiting: this.inFlight.waiting };
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
    this.detector?.start();
    await this.instance.heartbeat();
  }

  /**
   * Sends a message and resolves when a broker has stored it; see `SendResult.status` for how
   * safely. Rejects with `InvalidMessageError`, `MessageTooLargeError`, `NoRouteError`,
   * `BrokerRefusedError`, `SendTimeoutError`, `SendFailedError` or `ClientStateError`.
   */
  async send(message: OutgoingMessage, options: SendOptions = noOptions): Promise<SendResult> {
    this.checkMessage(message);
    return this.deliver(message, options, '', 0);
  }

  /** Sends without waiting for the broker: resolves when the connection took it. May be lost. */
  async sendOneWay(message: OutgoingMessage, options: SendOptions = noOptions): Promise<void> {
    this.checkMessage(message);
    await this.inTurn(message, async () => {
      const draft = await this.draft(message, '');
      const pinned = pinnedBy(options, message);
      await this.delivery.sendOneWay(draft, this.timeout(options), pinned);
    });
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
    const draft = this.drafts.batch(messages);
    const first = messages[0] as OutgoingMessage;
    return this.inTurn(draft, () =>
      this.delivery.send(draft, this.timeout(options), pinnedBy(options, first)),
    );
  }

  /**
   * Sends a message and resolves with the reply of whoever consumes it. `timeout` (default: that of
   * a send) is for all of it. Rejects with `RequestTimeoutError`, or as `send` does.
   */
  async request(message: OutgoingMessage, options: SendOptions = noOptions): Promise<ReplyMessage> {
    this.checkMessage(message);
    return this.requester.request(message, options, this.timeout(options));
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
    return this.inTurn(message, async () => {
      const draft = { ...(await this.draft(message, extra)), isReply: true };
      return this.delivery.send(draft, this.timeout(options), pinned);
    });
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
    return recallMessage(this.instance, this.delivery, {
      producerGroup: this.group,
      topic,
      handle,
      timeoutMs: this.timeout(options),
    });
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
    await this.delivery.route(topic).catch((error: unknown) => {
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
  protected async deliver(
    message: OutgoingMessage,
    options: SendOptions,
    extra: string,
    sysFlag: number,
  ): Promise<SendResult> {
    const bytes = message.body.length;
    if (!this.inFlight.tryEnter(bytes)) await this.inFlight.wait(bytes);
    try {
      const { drafts } = this;
      const draft = drafts.staysPlain(message)
        ? drafts.plain(message, extra, sysFlag)
        : await drafts.packed(message, extra, sysFlag);
      const pinned = options === noOptions ? undefined : pinnedBy(options, message);
      return await this.delivery.send(draft, this.timeout(options), pinned);
    } finally {
      this.inFlight.leave(bytes);
    }
  }

  protected checkMessage(message: OutgoingMessage): void {
    this.checkRunning();
    this.drafts.check(message);
  }

  protected checkRunning(): void {
    if (this.state === 'running') return;
    throw new ClientStateError(
      this.state === 'new'
        ? `The producer of group '${this.group}' is not started; call start() first.`
        : `The producer of group '${this.group}' is closed.`,
    );
  }

  /** Waits until the message may be under way and counts it while it is. */
  private async inTurn<T>({ body }: { body: Uint8Array }, send: () => Promise<T>): Promise<T> {
    if (!this.inFlight.tryEnter(body.length)) await this.inFlight.wait(body.length);
    try {
      return await send();
    } finally {
      this.inFlight.leave(body.length);
    }
  }

  private draft(message: OutgoingMessage, extra: string): Draft | Promise<Draft> {
    const { drafts } = this;
    return drafts.staysPlain(message)
      ? drafts.plain(message, extra, 0)
      : drafts.packed(message, extra, 0);
  }

  private timeout(options: Pick<SendOptions, 'timeout'>): number {
    return options.timeout === undefined
      ? this.settings.sendTimeout
      : milliseconds(options.timeout, this.settings.sendTimeout);
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.state === 'running';
    this.state = 'closing';
    this.inFlight.close();
    this.detector?.close();
    const end = this.clock.monotonic() + deadlineMs;
    const remaining = (): number => Math.max(end - this.clock.monotonic(), 0);
    if (wasRunning) {
      await this.drain(deadlineMs);
      this.requester.close();
      await this.beforeLeaving(remaining());
      const time = Math.max(remaining(), 500);
      await Promise.all([this.instance.remove(this.member(), time), this.traces?.close(time)]);
    }
    if (this.ownsInstance) await this.instance.close();
  }

  private async drain(deadlineMs: number): Promise<void> {
    try {
      await withDeadline(
        this.clock,
        deadlineMs,
        () => this.inFlight.idle(),
        () => {
          const { running, waiting } = this.inFlight;
          return new CloseDeadlineError(
            `${running} sends and ${waiting} waiting ones had not ended.`,
          );
        },
      );
    } catch (error) {
      this.logger.warn('The producer closes before all sends ended.', { error });
      this.inFlight.abandon();
    }
  }
}
