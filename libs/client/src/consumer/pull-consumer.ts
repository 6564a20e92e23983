import type { Clock, Logger, Timer } from '@nestjs-rocketmq/foundation';
import { checkTopic, queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import type { PullAnswer } from '../broker-calls.js';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ConsumerMember } from '../broker-requests.js';
import { ClientInstance, memberLogger, milliseconds } from '../client-instance.js';
import { ClientStateError, InvalidPullError } from '../client.errors.js';
import type { CloseOptions } from '../producer/send-result.js';
import { subscriptionOf, type MessageFilter, type TopicSubscription } from '../subscription.js';
import { activeMember } from './active-member.js';
import { Farewell } from './farewell.js';
import { checkConsumerGroup } from './group-name.js';
import { ConsumeHooks } from './consume-hooks.js';
import type { ConsumerGroup } from './group-state.js';
import { GroupMeasures } from './topic-measures.js';
import { offsetStoreOf, persistOffsets } from './offset-keeping.js';
import { OffsetTable } from './offset-store.js';
import {
  checkHeldPulls,
  pullConsumerOptionSet,
  type PullConsumerOptions,
  type PullConsumerSettings,
  type PullResult,
  type PullStatus,
} from './pull-consumer-options.js';
import { carryingPull, wantedOf } from './pull-request.js';
import { QueueInquiry, readPlaceOf } from './queue-inquiry.js';

const defaultCloseDeadline = 30_000;

/**
 * Pulls single queues from where the caller says, and keeps offsets for the caller; no queue is
 * shared out, nothing is pulled ahead. Java: DefaultMQPullConsumer (deprecated there in favour of
 * the lite pull consumer, which does more by itself).
 */
export class PullConsumer implements AsyncDisposable {
  readonly group: string;
  private readonly settings: PullConsumerSettings;
  private readonly instance: ClientInstance;
  private readonly ownsInstance: boolean;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly state: ConsumerGroup;
  private readonly member: ConsumerMember;
  private readonly inquiry: QueueInquiry;
  private readonly aborting = new AbortController();
  /** Broker ids that answers suggested, by queue key. */
  private readonly suggested = new Map<string, number>();
  private ownAdmin: ClientAdmin | undefined;
  private timer: Timer | undefined;
  private stage: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: PullConsumerOptions) {
    this.settings = pullConsumerOptionSet.load(options as unknown as Record<string, unknown>);
    this.group = this.settings.group;
    checkConsumerGroup(this.group);
    checkHeldPulls(this.settings);
    this.ownsInstance = options.instance === undefined;
    this.instance = options.instance ?? new ClientInstance(options);
    this.clock = this.instance.clock;
    this.logger = memberLogger(this.instance, this.group, options.logger);
    const isClustering = this.settings.model === 'clustering';
    this.state = {
      group: this.group,
      instance: this.instance,
      clock: this.clock,
      logger: this.logger,
      isClustering,
      subscriptions: new Map(),
      offsets: new OffsetTable(offsetStoreOf(this.instance, this.group, isClustering, options)),
      assigned: new Map(),
      hooks: new ConsumeHooks(this.logger),
      measures: new GroupMeasures(),
    };
    this.inquiry = new QueueInquiry(this.instance);
    this.member = activeMember(this.state, {
      membersChanged: () => undefined,
      resetOffsets: async (offsets) => {
        for (const { queue, offset } of offsets) this.state.offsets.set(queue, offset);
        await this.state.offsets.persist();
      },
    });
  }

  /** The client id under which brokers know this consumer. */
  get clientId(): string {
    return this.instance.clientId;
  }

  /** What this client may ask and do besides; over the same connections. */
  get admin(): ClientAdmin {
    return (this.ownAdmin ??= new ClientAdmin({ instance: this.instance }));
  }

  /** Gets known to the brokers as they are met. */
  async start(): Promise<void> {
    if (this.stage !== 'new') {
      throw new ClientStateError(`The pull consumer of group '${this.group}' was started before.`);
    }
    this.stage = 'running';
    this.instance.addConsumer(this.member);
    this.instance.start();
    const interval = this.settings.persistConsumerOffsetInterval;
    this.timer = this.clock.every(interval, () => void persistOffsets(this.state));
    await this.instance.introduce();
  }

  /** The queues of a topic that can be read. Java: fetchSubscribeMessageQueues. */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    this.checkRunning();
    checkTopic(topic);
    return this.inquiry.queuesOf(topic);
  }

  /**
   * Asks once for at most `max` messages of a queue from `offset` on; the broker answers at once,
   * also when there is nothing. Offsets are not moved: see `updateConsumeOffset`. Rejects with
   * `InvalidPullError`, `BrokerRefusedError`, `NoRouteError`, or what the network made of it.
   */
  pull(
    queue: MessageQueue,
    filter: MessageFilter,
    offset: number,
    max: number,
  ): Promise<PullResult> {
    return this.pullOnce(queue, filter, { offset, max, suspendMs: 0 });
  }

  /** The same, but the broker waits up to `pullSuspend` for messages. Java: pullBlockIfNotFound. */
  pullBlockIfNotFound(
    queue: MessageQueue,
    filter: MessageFilter,
    offset: number,
    max: number,
  ): Promise<PullResult> {
    return this.pullOnce(queue, filter, { offset, max, suspendMs: this.settings.pullSuspend });
  }

  /**
   * Where the group stands in a queue: as set here last, else (or with `fromStore`) as stored;
   * undefined when it never was. Rejects with `OffsetReadError`.
   */
  async fetchConsumeOffset(
    queue: MessageQueue,
    options: { readonly fromStore?: boolean } = {},
  ): Promise<number | undefined> {
    this.checkRunning();
    const known = options.fromStore === true ? undefined : this.state.offsets.known(queue);
    return known ?? this.state.offsets.read(queue);
  }

  /**
   * Everything below `offset` is finished; may also go back. Stored with `persist`, every
   * `persistConsumerOffsetInterval`, and at close.
   */
  updateConsumeOffset(queue: MessageQueue, offset: number): void {
    this.checkRunning();
    checkWhole('offset', offset, 0);
    this.state.offsets.set(queue, offset);
  }

  /** Stores offsets now: of the queues given, else all. Rejects when that cannot be done. */
  async persist(queues?: readonly MessageQueue[]): Promise<void> {
    this.checkRunning();
    await this.state.offsets.persist(queues);
  }

  /** One past the last message of a queue. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.inquiry.maxOffset(queue);
  }

  /** The first message that is still in a queue. */
  async minOffset(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.inquiry.minOffset(queue);
  }

  /** When that message was stored, ms since 1970; -1 when the queue is empty. */
  async earliestMessageStoreTime(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.inquiry.earliestMessageStoreTime(queue);
  }

  /** The first message stored at or after `time` (ms since 1970, or a date). */
  async searchOffset(queue: MessageQueue, time: number | Date): Promise<number> {
    this.checkRunning();
    return this.inquiry.searchOffset(queue, time);
  }

  /**
   * Gives up pulls under way, stores offsets, tells the brokers, closes connections; within
   * `deadline` (30 s by default), also when brokers are down. Harmless when repeated.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.closing ??= this.closeAll(milliseconds(options.deadline, defaultCloseDeadline));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.stage === 'running';
    this.stage = 'closing';
    this.timer?.cancel();
    this.aborting.abort(new ClientStateError('The pull consumer was closed.'));
    if (wasRunning) {
      const farewell = new Farewell(this.clock, this.logger, deadlineMs);
      await farewell.lastWords(async (time) => {
        await persistOffsets(this.state);
        await this.instance.remove(this.member, time);
      });
    }
    if (this.ownsInstance) await this.instance.close();
  }

  private async pullOnce(
    queue: MessageQueue,
    filter: MessageFilter,
    how: { readonly offset: number; readonly max: number; readonly suspendMs: number },
  ): Promise<PullResult> {
    this.checkRunning();
    checkWhole('offset', how.offset, 0);
    checkWhole('number of messages', how.max, 1);
    const { instance, group, settings } = this;
    const subscription = subscriptionOf(queue.topic, filter, this.clock.now());
    const key = queueKey(queue);
    const asked = carryingPull({ group, queue, subscription, isLite: false, ...how });
    const timeoutMs = how.suspendMs > 0 ? settings.pullSuspendTimeout : settings.pullTimeout;
    try {
      const place = await readPlaceOf(instance, queue, this.suggested.get(key));
      const { signal } = this.aborting;
      const answer = await instance.calls.pull(place.address, asked, { timeoutMs, signal });
      this.suggested.set(key, answer.header.suggestWhichBrokerId);
      return resultOf(answer, subscription);
    } catch (error) {
      this.suggested.delete(key);
      if (this.aborting.signal.aborted) throw this.aborting.signal.reason;
      throw error;
    }
  }

  private checkRunning(): void {
    if (this.stage === 'running') return;
    throw new ClientStateError(
      `The pull consumer of group '${this.group}' does not run: ` +
        (this.stage === 'new' ? "call 'start()' first." : 'it was closed.'),
    );
  }
}

function checkWhole(what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new InvalidPullError(`The ${what} must be a whole number from ${least} on, not ${value}.`, {
    details: { value },
  });
}

function statusOf(code: number): PullStatus {
  if (code === ResponseCode.SUCCESS) return 'found';
  if (code === ResponseCode.PULL_NOT_FOUND) return 'no-new-message';
  return code === ResponseCode.PULL_OFFSET_MOVED ? 'offset-illegal' : 'no-matched-message';
}

function resultOf(answer: PullAnswer, subscription: TopicSubscription): PullResult {
  const { nextBeginOffset: nextOffset, minOffset, maxOffset } = answer.header;
  const status = statusOf(answer.code);
  const messages = status === 'found' ? wantedOf(answer.body, subscription) : [];
  return { status, messages, nextOffset, minOffset, maxOffset };
}
