import type { Timer } from '@nestjs-rocketmq/foundation';
import { checkTopic, isRetryTopic, type MessageQueue } from '@nestjs-rocketmq/message';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ConsumerMember } from '../broker-requests.js';
import { milliseconds, type ClientInstance } from '../client-instance.js';
import { ClientConfigurationError, ClientStateError } from '../client.errors.js';
import type { CloseOptions } from '../producer/send-result.js';
import { subscriptionOf, type MessageFilter } from '../subscription.js';
import type { TraceStatistics } from '../trace/trace-dispatcher.js';
import { ConcurrentDelivery } from './concurrent-delivery.js';
import type { ConsumeHook, FilterHook } from './consume-hooks.js';
import type { PushConsumerOptions } from './consumer-options.js';
import { consumeDirectly } from './direct-consumption.js';
import { Farewell } from './farewell.js';
import { GroupShare } from './group-share.js';
import type { ConsumerStatistics, MessageDelivery } from './group-state.js';
import { HeldQueues } from './held-queues.js';
import { Inspection } from './inspection.js';
import { checkFilters, learnRoutes, tellAssignment } from './joining.js';
import { persistOffsets } from './offset-keeping.js';
import { OrderlyDelivery } from './orderly-delivery.js';
import { PushPulls } from './push-pulls.js';
import { pushHeartbeat, pushReport, type PushConsumerStatus } from './push-report.js';
import { pushStateOf, type PushState } from './push-state.js';
import { Rebalancer } from './rebalancer.js';

const defaultCloseDeadline = 30_000;

/** A consumer to which messages are pushed: subscribe by options, `start`, `close`. */
export class PushConsumer implements AsyncDisposable {
  private readonly ownsInstance: boolean;
  private readonly state: PushState;
  private readonly delivery: MessageDelivery;
  private readonly held: HeldQueues;
  private readonly rebalancer: Rebalancer;
  private readonly inspection: Inspection;
  private readonly member: ConsumerMember;
  private readonly timers: Timer[] = [];
  private ownAdmin: ClientAdmin | undefined;
  private stage: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;
  private stopWatching: () => void = () => undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: PushConsumerOptions) {
    const state = pushStateOf(options);
    this.state = state;
    this.ownsInstance = options.instance === undefined;
    const delivery = state.isOrderly ? new OrderlyDelivery(state) : new ConcurrentDelivery(state);
    this.delivery = delivery;
    const pulls = new PushPulls(state, delivery, (one, offset) => this.held.move(one, offset));
    this.held = new HeldQueues(state, pulls, state.isOrderly);
    const share = new GroupShare(state, options.strategy);
    const onShared = tellAssignment(state, options.messageQueueListener);
    this.rebalancer = new Rebalancer(state, this.held, share, onShared);
    const inspection = new Inspection(
      state,
      pushReport(state, () => delivery.running),
    );
    this.inspection = inspection;
    this.member = {
      group: state.group,
      status: (topic) => inspection.status(topic),
      runningInfo: (jstack) => inspection.runningInfo(jstack),
      consumeDirectly: (message, broker) => consumeDirectly(state, message, broker),
      data: () => pushHeartbeat(state),
      membersChanged: () => this.rebalancer.request(),
      resetOffsets: (offsets) => this.held.reset(offsets),
    };
  }

  get group(): string {
    return this.state.group;
  }

  /** The client id under which brokers know this consumer. */
  get clientId(): string {
    return this.instance.clientId;
  }

  /** What this client may ask and do besides; over the same connections. */
  get admin(): ClientAdmin {
    return (this.ownAdmin ??= new ClientAdmin({ instance: this.instance }));
  }

  get isRunning(): boolean {
    return this.stage === 'running';
  }

  /**
   * Joins the group. Resolves after the first sharing out of queues was tried; topics, brokers and
   * name servers that are not there yet are waited for in the background. Rejects with
   * `BrokerRefusedError`, and closes, when a broker does not take an SQL92 filter, or when no broker
   * lets these credentials in (`AccessDeniedError`).
   */
  async start(): Promise<void> {
    if (this.stage !== 'new') {
      throw new ClientStateError(`The consumer of group '${this.group}' was started before.`);
    }
    this.stage = 'running';
    const { instance } = this;
    const { clock, settings, subscriptions } = this.state;
    instance.addConsumer(this.member);
    instance.start();
    this.delivery.start();
    this.rebalancer.start();
    const interval = settings.persistConsumerOffsetInterval;
    this.timers.push(clock.every(interval, () => void persistOffsets(this.state)));
    await learnRoutes(this.state, subscriptions.keys());
    try {
      await checkFilters(this.state, subscriptions.values());
      await instance.introduce();
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.closing !== undefined) return;
    this.stopWatching = instance.routes.onChange((topic) => {
      if (this.state.subscriptions.has(topic)) this.rebalancer.request();
    });
    this.rebalancer.request();
    await this.rebalancer.settled();
  }

  /**
   * Consumes a topic from now on; a second time for the same topic changes the filter. Every member
   * of a group must do the same. Resolves after brokers were told and the queues shared out, or
   * that was tried. Throws `FilterError`; rejects with `BrokerRefusedError`, and stays as it was,
   * when a broker does not take an SQL92 filter.
   */
  async subscribe(topic: string, filter: MessageFilter = '*'): Promise<void> {
    this.checkOwnTopic(topic);
    const { state, instance } = this;
    const before = state.subscriptions.get(topic);
    // Brokers keep the newest wish: two of one moment must differ.
    const version = Math.max(state.clock.now(), (before?.data.subVersion ?? 0) + 1);
    const wish = subscriptionOf(topic, filter, version);
    if (this.isRunning) {
      await learnRoutes(state, [topic]);
      await checkFilters(state, [wish]);
    }
    state.subscriptions.set(topic, wish);
    if (!this.isRunning) return;
    await instance.heartbeat();
    this.rebalancer.request();
    await this.rebalancer.settled();
  }

  /** Leaves the queues of a topic, with their offsets stored. What its listener calls end in counts no more. */
  async unsubscribe(topic: string): Promise<void> {
    this.checkOwnTopic(topic);
    if (!this.state.subscriptions.delete(topic) || !this.isRunning) return;
    this.rebalancer.request();
    await this.rebalancer.settled();
    this.state.measures.forget(topic);
    await this.instance.heartbeat();
  }

  /**
   * Stops pulling, of everything or of these queues; messages in hand are still handled. A paused
   * queue stays so until `resume` names it, also when it went to another member and came back.
   */
  pause(queues?: readonly MessageQueue[]): void {
    if (queues === undefined) this.state.isPaused = true;
    else this.held.pause(queues);
  }

  /** Pulls again: everything that `pause` without queues stopped, or these queues. */
  resume(queues?: readonly MessageQueue[]): void {
    if (queues !== undefined) return this.held.resume(queues);
    this.state.isPaused = false;
    for (const assigned of this.state.assigned.values()) assigned.changed();
    this.rebalancer.request();
  }

  /** The whole consumer. */
  get isPaused(): boolean {
    return this.state.isPaused;
  }

  /** The queues that are paused one by one. */
  paused(): MessageQueue[] {
    return this.held.paused();
  }

  /** From the next call on. */
  addConsumeHook(hook: ConsumeHook): void {
    this.state.hooks.add(hook);
  }

  /** From the next pull on. */
  addFilterHook(hook: FilterHook): void {
    this.state.hooks.addFilter(hook);
  }

  /** The queues that this consumer owns now. */
  assignedQueues(): MessageQueue[] {
    return [...this.state.assigned.values()].map((one) => one.queue);
  }

  /** Counters since the start. */
  statistics(): Readonly<ConsumerStatistics> {
    return { ...this.state.statistics };
  }

  /** What became of traces; undefined without `enableTrace`. */
  get traceStatistics(): TraceStatistics | undefined {
    return this.state.traces?.statistics;
  }

  /** How it is doing: counters, what was done lately, and where it stands in each queue. */
  status(): PushConsumerStatus {
    return {
      ...this.inspection.report(),
      isRunning: this.isRunning,
      isPaused: this.isPaused,
      totals: this.statistics(),
    };
  }

  /**
   * Leaves the group in good order: no more pulls, running listener calls end (at most `deadline`,
   * 30 s by default; then their signals are aborted and their messages will come again), offsets
   * are stored, locks given back, brokers told, connections closed. Always ends, also when brokers
   * are down; harmless when repeated.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.closing ??= this.closeAll(milliseconds(options.deadline, defaultCloseDeadline));
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get instance(): ClientInstance {
    return this.state.instance;
  }

  private checkOwnTopic(topic: string): void {
    if (this.stage === 'closing') {
      throw new ClientStateError(`The consumer of group '${this.group}' was closed.`);
    }
    checkTopic(topic);
    if (!isRetryTopic(topic)) return;
    throw new ClientConfigurationError(
      `The retry topic '${topic}' belongs to its group and is not subscribed by hand.`,
      { details: { topic } },
    );
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.stage === 'running';
    this.stage = 'closing';
    for (const timer of this.timers) timer.cancel();
    this.stopWatching();
    if (wasRunning) {
      const farewell = new Farewell(this.state.clock, this.state.logger, deadlineMs);
      await farewell.step('The last rebalance', () => this.rebalancer.stop());
      await farewell.step('A pull', () => this.held.stopPulling());
      const isDrained = await farewell.step('A listener call', () => this.delivery.drain());
      if (!isDrained) this.delivery.abandon();
      await farewell.lastWords((time) => this.farewell(time));
    }
    this.delivery.close();
    this.held.dropAll();
    if (this.ownsInstance) await this.instance.close();
  }

  /** Offsets first: with the locks, or the membership, the queues go to others. */
  private async farewell(timeMs: number): Promise<void> {
    await persistOffsets(this.state);
    if (this.state.isOrderly && this.state.isClustering) {
      await this.rebalancer.locks.giveBack(this.rebalancer.locked());
    }
    const { traces } = this.state;
    await Promise.all([this.instance.remove(this.member, timeMs), traces?.close(timeMs)]);
  }
}
