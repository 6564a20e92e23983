import { withDeadline, type Clock, type Logger } from '@nestjs-rocketmq/foundation';
import {
  checkGroup,
  compressBody,
  compressBodyAside,
  encodeBatch,
  isRetryTopic,
  zlibBits,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ProducerMember } from '../broker-requests.js';
import { ClientInstance, milliseconds } from '../client-instance.js';
import {
  ClientConfigurationError,
  ClientStateError,
  CloseDeadlineError,
  InvalidMessageError,
} from '../client.errors.js';
import type { PublishQueue } from '../route-table.js';
import { Delivery, pinnedBy, type Pinned } from './delivery.js';
import { checkBody, CheckedTopics, checkSize, propertiesOf, type Draft } from './draft.js';
import { InFlight } from './in-flight.js';
import type { ReplyMessage } from './pending-replies.js';
import {
  producerOptionSet,
  type ProducerOptions,
  type ProducerSettings,
} from './producer-options.js';
import { replyAddress, Requester, type OutgoingReply } from './requester.js';
import type { BatchSendOptions, CloseOptions, SendOptions, SendResult } from './send-result.js';

const noOptions: SendOptions = {};
/** From this size on a body is compressed on the thread pool. */
const compressAsideFrom = 16 * 1024;
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
  private readonly inFlight: InFlight;
  private readonly requester: Requester;
  private readonly topics = new CheckedTopics();
  private ownAdmin: ClientAdmin | undefined;
  private state: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: ProducerOptions) {
    this.settings = producerOptionSet.load(options as unknown as Record<string, unknown>);
    this.group = this.settings.group;
    checkProducerGroup(this.group);
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
    this.delivery = new Delivery(this.instance, {
      group: this.group,
      retries: this.settings.retryTimesWhenSendFailed,
      retryWhenNotStoreOk: this.settings.retryAnotherBrokerWhenNotStoreOK,
      template: {
        topic: this.settings.createTopicKey,
        queues: this.settings.defaultTopicQueueNums,
      },
    });
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
    await this.meetBrokers();
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
      const draft = await this.draft(message, '', 0);
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
    const draft = this.batchDraft(messages);
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
      const draft = { ...(await this.draft(message, extra, 0)), isReply: true };
      return this.delivery.send(draft, this.timeout(options), pinned);
    });
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
      const isSmall = bytes < this.settings.compressBodyOver;
      const draft = isSmall
        ? this.plainDraft(message, message.body, extra, sysFlag)
        : await this.draft(message, extra, sysFlag);
      const pinned = options === noOptions ? undefined : pinnedBy(options, message);
      return await this.delivery.send(draft, this.timeout(options), pinned);
    } finally {
      this.inFlight.leave(bytes);
    }
  }

  protected checkMessage(message: OutgoingMessage): void {
    this.checkRunning();
    this.topics.check(message.topic);
    checkBody(message, this.settings.maxMessageSize);
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

  private timeout(options: Pick<SendOptions, 'timeout'>): number {
    return options.timeout === undefined
      ? this.settings.sendTimeout
      : milliseconds(options.timeout, this.settings.sendTimeout);
  }

  private plainDraft(
    message: OutgoingMessage,
    body: Uint8Array,
    extra: string,
    sysFlag: number,
  ): Draft {
    const uniqueKey = this.instance.uniqueKeys.next();
    const properties = propertiesOf(message, uniqueKey, extra);
    const { topic, flag = 0 } = message;
    return { topic, body, flag, sysFlag, properties, uniqueKey, isBatch: false };
  }

  private async draft(message: OutgoingMessage, extra: string, sysFlag: number): Promise<Draft> {
    const { compressBodyOver, compressLevel } = this.settings;
    const { body } = message;
    if (body.length < compressBodyOver) return this.plainDraft(message, body, extra, sysFlag);
    const packed =
      body.length < compressAsideFrom
        ? compressBody(body, compressLevel)
        : await compressBodyAside(body, compressLevel);
    return this.plainDraft(message, packed, extra, sysFlag | zlibBits);
  }

  private batchDraft(messages: readonly OutgoingMessage[]): Draft {
    const first = messages[0];
    if (first === undefined) throw new InvalidMessageError('The batch is empty.');
    const { topic } = first;
    const keys: string[] = [];
    const parts = messages.map((message) => {
      this.checkMessage(message);
      checkBatchMember(message, first);
      const key = this.instance.uniqueKeys.next();
      keys.push(key);
      const { body, flag = 0 } = message;
      return { body, flag, properties: propertiesOf(message, key) };
    });
    const body = encodeBatch(parts);
    checkSize(body.length, this.settings.maxMessageSize, `The batch to '${topic}'`, topic);
    const uniqueKey = keys.join(',');
    const own = { topic, body, waitStoreMsgOk: first.waitStoreMsgOk ?? true };
    const properties = propertiesOf(own, this.instance.uniqueKeys.next());
    return { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey, isBatch: true };
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.state === 'running';
    this.state = 'closing';
    this.inFlight.close();
    const end = this.clock.monotonic() + deadlineMs;
    const remaining = (): number => Math.max(end - this.clock.monotonic(), 0);
    if (wasRunning) {
      await this.drain(deadlineMs);
      this.requester.close();
      await this.beforeLeaving(remaining());
      await this.instance.remove(this.member(), Math.max(remaining(), 500));
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

function checkBatchMember(message: OutgoingMessage, first: OutgoingMessage): void {
  const { topic } = first;
  const fail = (why: string): never => {
    throw new InvalidMessageError(`These messages cannot be one batch: ${why}.`, {
      details: { topic },
    });
  };
  if (message.topic !== topic) fail(`they go to the topics '${topic}' and '${message.topic}'`);
  if (isRetryTopic(topic)) fail(`'${topic}' is a retry topic`);
  if ((message.delayLevel ?? 0) > 0) fail('one of them has a delay level');
  if ((message.waitStoreMsgOk ?? true) !== (first.waitStoreMsgOk ?? true)) {
    fail("they differ in 'waitStoreMsgOk'");
  }
}

function checkProducerGroup(group: string): void {
  checkGroup(group);
  if (group !== 'DEFAULT_PRODUCER') return;
  throw new ClientConfigurationError(
    "The group name 'DEFAULT_PRODUCER' is reserved by RocketMQ; choose one of your own.",
    { details: { group } },
  );
}
