import type { Timer } from '@nestjs-rocketmq/foundation';
import { checkTopic, queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ConsumerMember } from '../broker-requests.js';
import { milliseconds } from '../client-instance.js';
import type { Duration } from '../client-options.js';
import {
  AssignmentConflictError,
  ClientConfigurationError,
  ClientStateError,
} from '../client.errors.js';
import type { CloseOptions } from '../producer/send-result.js';
import { subscriptionOf, type MessageFilter, type TopicSubscription } from '../subscription.js';
import type { TraceStatistics } from '../trace/trace-dispatcher.js';
import { activeInspection, activeMember } from './active-member.js';
import { Farewell } from './farewell.js';
import { GroupShare, type QueueShare } from './group-share.js';
import { HandOut } from './hand-out.js';
import { HandShare } from './hand-share.js';
import { HeldQueues } from './held-queues.js';
import type { ConsumerStatusReport, Inspection } from './inspection.js';
import { checkFilters, learnRoutes, tellAssignment } from './joining.js';
import type { LitePullConsumerOptions } from './lite-pull-options.js';
import { LitePulls } from './lite-pulls.js';
import { liteProperties, liteStateOf, type LiteState } from './lite-state.js';
import type { MessageBatch } from './message-batch.js';
import { persistOffsets } from './offset-keeping.js';
import type { QueueOffset } from './offset-store.js';
import { QueueInquiry } from './queue-inquiry.js';
import { QueueSeeks } from './queue-seeks.js';
import { Rebalancer } from './rebalancer.js';
import { TopicWatch, type TopicQueuesListener } from './topic-watch.js';

const defaultCloseDeadline = 30_000;

/** How offsets are committed. */
export interface CommitOptions {
  /** True [default]: resolves when the store has them. False: the next regular round stores them. */
  readonly persist?: boolean;
}

/**
 * A consumer that hands out what it pulled ahead when it is asked: `poll`, or `for await`. Its
 * queues are shared out in the group (`subscribe`) or chosen by the caller (`assign`), never both.
 *
 * What counts as consumed with `autoCommit`: a polled batch when the next `poll` begins, at
 * `assign`, `unsubscribe` and `close`; a batch of `for await` when the loop comes back for the next one. Without it: what
 * `commit` says. Java: DefaultLitePullConsumer.
 */
export class LitePullConsumer implements AsyncDisposable, AsyncIterable<MessageBatch> {
  private readonly state: LiteState;
  private readonly ownsInstance: boolean;
  private readonly hand = new HandShare();
  private readonly pulls: LitePulls;
  private readonly handOut: HandOut;
  private readonly held: HeldQueues;
  private readonly rebalancer: Rebalancer;
  private readonly inspection: Inspection;
  private readonly member: ConsumerMember;
  private readonly inquiry: QueueInquiry;
  private readonly watch: TopicWatch;
  private readonly seeks: QueueSeeks;
  private readonly timers: Timer[] = [];
  private ownAdmin: ClientAdmin | undefined;
  private stage: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;
  private stopWatching: () => void = () => undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: LitePullConsumerOptions) {
    this.state = liteStateOf(options);
    this.ownsInstance = options.instance === undefined;
    const { instance, clock, logger } = this.state;
    this.inquiry = new QueueInquiry(instance);
    this.watch = new TopicWatch(this.inquiry, clock, logger);
    this.pulls = new LitePulls(this.state, (one, offset) => void this.held.restart(one, offset));
    this.held = new HeldQueues(this.state, this.pulls);
    this.handOut = new HandOut(this.state, this.pulls);
    this.seeks = new QueueSeeks(this.state, this.held, this.inquiry);
    const inGroup = new GroupShare(this.state, options.strategy);
    const current = (): QueueShare => (this.hand.isEmpty ? inGroup : this.hand);
    const share: QueueShare = {
      topics: () => current().topics(),
      of: (topic) => current().of(topic),
    };
    const onShared = tellAssignment(this.state, options.messageQueueListener);
    this.rebalancer = new Rebalancer(this.state, this.held, share, onShared);
    const own = {
      membersChanged: () => this.rebalancer.request(),
      resetOffsets: (offsets: readonly QueueOffset[]) => this.held.reset(offsets),
    };
    this.inspection = activeInspection(this.state, liteProperties(this.state));
    this.member = activeMember(this.state, own, this.inspection);
  }

  get group(): string {
    return this.state.group;
  }

  /** The client id under which brokers know this consumer. */
  get clientId(): string {
    return this.state.instance.clientId;
  }

  /** What this client may ask and do besides; over the same connections. */
  get admin(): ClientAdmin {
    return (this.ownAdmin ??= new ClientAdmin({ instance: this.state.instance }));
  }

  /** What became of traces; undefined without `enableTrace`. */
  get traceStatistics(): TraceStatistics | undefined {
    return this.state.traces?.statistics;
  }

  get isRunning(): boolean {
    return this.stage === 'running';
  }

  /**
   * Joins the group. Resolves after queues were taken for the first time, or that was tried; what
   * is not there yet is waited for in the background. Rejects with `BrokerRefusedError`, and
   * closes, when a broker does not take an SQL92 filter.
   */
  async start(): Promise<void> {
    if (this.stage !== 'new') {
      throw new ClientStateError(`The consumer of group '${this.group}' was started before.`);
    }
    this.stage = 'running';
    const { instance, settings, clock } = this.state;
    instance.addConsumer(this.member);
    instance.start();
    this.rebalancer.start();
    // Committing comes first, so that what it commits is stored in the same moment.
    if (settings.autoCommit) {
      this.timers.push(clock.every(settings.autoCommitInterval, () => this.commitSettled()));
    }
    const interval = settings.persistConsumerOffsetInterval;
    this.timers.push(clock.every(interval, () => void persistOffsets(this.state)));
    try {
      await this.join([...this.state.subscriptions.values(), ...this.state.filters.values()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (!this.isRunning) return;
    this.stopWatching = instance.routes.onChange((topic) => {
      if (this.state.subscriptions.has(topic)) this.rebalancer.request();
    });
    await this.watch.start(settings.topicMetadataCheckInterval);
  }

  /**
   * Takes part in sharing out the queues of a topic, before or after `start`; a second time for the
   * same topic changes the filter. Throws `FilterError`; rejects with `AssignmentConflictError`
   * after `assign`, and with `BrokerRefusedError` when a broker does not take an SQL92 filter.
   */
  async subscribe(topic: string, filter: MessageFilter = '*'): Promise<void> {
    this.checkNotClosed();
    checkTopic(topic);
    if (!this.hand.isEmpty) throw conflict(this.group);
    const subscription = subscriptionOf(topic, filter, this.state.clock.now());
    this.state.subscriptions.set(topic, subscription);
    if (this.isRunning) await this.join([subscription]);
  }

  /** Leaves the queues of a topic; what was pulled of them and not polled is dropped. */
  async unsubscribe(topic: string): Promise<void> {
    this.checkNotClosed();
    if (!this.state.subscriptions.delete(topic) || !this.isRunning) return;
    this.handOut.end();
    this.rebalancer.request();
    await this.rebalancer.settled();
    await this.state.instance.heartbeat();
  }

  /**
   * Takes exactly these queues, whatever other members of the group have; may be repeated with
   * others. Rejects with `AssignmentConflictError` after `subscribe`.
   */
  async assign(queues: readonly MessageQueue[]): Promise<void> {
    this.checkNotClosed();
    if (queues.length === 0) {
      throw new ClientConfigurationError('A list of queues to assign must not be empty.');
    }
    if (this.state.subscriptions.size > 0) throw conflict(this.group);
    this.hand.set(queues);
    if (!this.isRunning) return;
    this.handOut.end();
    this.rebalancer.request();
    await this.rebalancer.settled();
  }

  /** Before `start`: what is wanted of a topic whose queues are assigned [all]. Java: setSubExpressionForAssign. */
  filterAssigned(topic: string, filter: MessageFilter): void {
    if (this.stage !== 'new') {
      throw new ClientStateError('Filters of assigned queues are set before the start.');
    }
    this.state.filters.set(topic, subscriptionOf(topic, filter, this.state.clock.now()));
  }

  /** How it is doing: what was done lately, and where it stands in each queue. */
  status(): ConsumerStatusReport {
    return this.inspection.report();
  }

  /** The queues that this consumer has now. */
  assignment(): MessageQueue[] {
    return [...this.state.assigned.values()].map((one) => one.queue);
  }

  /**
   * The next messages, at most `pullBatchSize`, all of one queue; undefined when none came within
   * `timeout` (`pollTimeout` by default; 0 does not wait), or the consumer was closed meanwhile.
   */
  async poll(timeout?: Duration): Promise<MessageBatch | undefined> {
    this.checkRunning();
    return this.handOut.poll(milliseconds(timeout, this.state.settings.pollTimeout));
  }

  /**
   * Batches until the consumer is closed. While the loop is busy, pulling goes on up to the
   * thresholds and then waits: nothing is dropped, nothing piles up.
   */
  [Symbol.asyncIterator](): AsyncGenerator<MessageBatch, void, void> {
    this.checkRunning();
    return this.handOut.batches();
  }

  /**
   * Goes on at `offset` of a queue; what was pulled of it is dropped. Rejects with
   * `QueueNotAssignedError`, or `SeekRangeError` when the queue does not reach so far.
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    this.checkRunning();
    await this.seeks.toOffset(queue, offset);
  }

  /** Goes on at the first message that is still there. */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    this.checkRunning();
    await this.seeks.toBegin(queue);
  }

  /** Goes on behind the last message. */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    this.checkRunning();
    await this.seeks.toEnd(queue);
  }

  /** Goes on at the first message stored at or after `time` (ms since 1970, or a date). */
  async seekToTime(queue: MessageQueue, time: number | Date): Promise<void> {
    this.checkRunning();
    await this.seeks.toTime(queue, time);
  }

  /**
   * Stops pulling queues; what was pulled of them before is still handed out. A paused queue stays
   * so until `resume` names it, also when it went to another member and came back.
   */
  pause(queues: readonly MessageQueue[]): void {
    this.held.pause(queues);
  }

  /** Pulls queues again. */
  resume(queues: readonly MessageQueue[]): void {
    this.held.resume(queues);
  }

  /** The queues that are paused. */
  paused(): MessageQueue[] {
    return this.held.paused();
  }

  /**
   * Commits everything handed out, or what is given: batches or other offsets (also back). Queues
   * that are not ours any more are left out: they may be further with their new owner. Rejects when
   * the store does; the offsets come with the next round all the same.
   */
  async commit(
    what?: QueueOffset | readonly QueueOffset[],
    { persist = true }: CommitOptions = {},
  ): Promise<void> {
    this.checkRunning();
    const given = what === undefined ? this.handOut.all() : 'queue' in what ? [what] : what;
    const ours: MessageQueue[] = [];
    for (const { queue, offset } of given) {
      const one = this.state.assigned.get(queueKey(queue));
      if (one === undefined) continue;
      this.pulls.commit(one, offset);
      ours.push(queue);
    }
    if (persist && ours.length > 0) await this.state.offsets.persist(ours);
  }

  /** Where the group stands in a queue; undefined when it never was there. Rejects with `OffsetReadError`. */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    this.checkRunning();
    return this.state.offsets.known(queue) ?? this.state.offsets.read(queue);
  }

  /** The first message of a queue stored at or after `time`. */
  async offsetForTimestamp(queue: MessageQueue, time: number | Date): Promise<number> {
    this.checkRunning();
    return this.inquiry.searchOffset(queue, time);
  }

  /** The queues of a topic that can be read. Rejects with `NoRouteError`. */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    this.checkRunning();
    checkTopic(topic);
    return this.inquiry.queuesOf(topic);
  }

  /**
   * Calls back when a topic got or lost queues, looked at every `topicMetadataCheckInterval`; one
   * listener per topic. Answers how to stop. Java: registerTopicMessageQueueChangeListener.
   */
  onTopicQueuesChanged(topic: string, listener: TopicQueuesListener): () => void {
    this.checkNotClosed();
    checkTopic(topic);
    return this.watch.on(topic, listener);
  }

  /**
   * Leaves in good order: no more pulls, polls and loops end, offsets are committed (`autoCommit`)
   * and stored, brokers told, connections closed; within `deadline` (30 s by default), also when
   * brokers are down. Harmless when repeated.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.closing ??= this.closeAll(milliseconds(options.deadline, defaultCloseDeadline));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async join(subscriptions: readonly TopicSubscription[]): Promise<void> {
    const { state } = this;
    await learnRoutes(state, new Set([...this.hand.topics(), ...this.state.subscriptions.keys()]));
    await checkFilters(state, subscriptions);
    await state.instance.introduce();
    this.rebalancer.request();
    await this.rebalancer.settled();
  }

  private commitSettled(): void {
    for (const one of this.state.assigned.values()) this.pulls.commitSettled(one);
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.stage === 'running';
    this.stage = 'closing';
    for (const timer of this.timers) timer.cancel();
    this.watch.stop();
    this.stopWatching();
    this.state.cache.close();
    if (wasRunning) {
      const farewell = new Farewell(this.state.clock, this.state.logger, deadlineMs);
      await farewell.step('The last rebalance', () => this.rebalancer.stop());
      await farewell.step('A pull', () => this.held.stopPulling());
      this.handOut.end();
      if (this.state.settings.autoCommit) this.commitSettled();
      await farewell.lastWords(async (time) => {
        await persistOffsets(this.state);
        const { instance, traces } = this.state;
        await Promise.all([instance.remove(this.member, time), traces?.close(time)]);
      });
    }
    this.held.dropAll();
    if (this.ownsInstance) await this.state.instance.close();
  }

  private checkRunning(): void {
    this.checkNotClosed();
    if (this.stage === 'running') return;
    throw new ClientStateError(`The consumer of group '${this.group}' waits for 'start()'.`);
  }

  private checkNotClosed(): void {
    if (this.stage !== 'closing') return;
    throw new ClientStateError(`The consumer of group '${this.group}' was closed.`);
  }
}

function conflict(group: string): AssignmentConflictError {
  return new AssignmentConflictError(
    `The consumer of group '${group}' either subscribes topics or has queues assigned, not both; ` +
      'use two consumers.',
    { details: { group } },
  );
}
