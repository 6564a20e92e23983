import type { Clock, Logger, Timer } from '@nestjs-rocketmq/foundation';
import { retryTopic, type MessageQueue } from '@nestjs-rocketmq/message';
import type { ConsumerData } from '@nestjs-rocketmq/protocol';
import { ClientAdmin } from '../admin/client-admin.js';
import type { ConsumerMember } from '../broker-requests.js';
import { ClientInstance, milliseconds } from '../client-instance.js';
import { ClientStateError } from '../client.errors.js';
import type { CloseOptions } from '../producer/send-result.js';
import { TagSubscription } from '../subscription.js';
import { ConcurrentDelivery } from './concurrent-delivery.js';
import {
  pushConsumerOptionSet,
  subscriptionsOf,
  type PushConsumerOptions,
  type PushConsumerSettings,
} from './consumer-options.js';
import { consumeDirectly } from './direct-consumption.js';
import { Farewell } from './farewell.js';
import { checkConsumerGroup } from './group-name.js';
import { GroupShare } from './group-share.js';
import type { ConsumerStatistics, GroupState, MessageDelivery } from './group-state.js';
import { HeldQueues } from './held-queues.js';
import { Inspection } from './inspection.js';
import { checkFilters, learnRoutes } from './joining.js';
import { offsetStoreOf, persistOffsets } from './offset-keeping.js';
import { OffsetTable } from './offset-store.js';
import { OrderlyDelivery } from './orderly-delivery.js';
import { PushPulls } from './push-pulls.js';
import { Rebalancer } from './rebalancer.js';

const defaultCloseDeadline = 30_000;

/** A consumer to which messages are pushed: subscribe by options, `start`, `close`. */
export class PushConsumer implements AsyncDisposable {
  readonly group: string;
  private readonly settings: PushConsumerSettings;
  private readonly instance: ClientInstance;
  private readonly ownsInstance: boolean;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly state: GroupState;
  private readonly delivery: MessageDelivery;
  private readonly held: HeldQueues;
  private readonly rebalancer: Rebalancer;
  private readonly member: ConsumerMember;
  private readonly timers: Timer[] = [];
  private ownAdmin: ClientAdmin | undefined;
  private stage: 'new' | 'running' | 'closing' = 'new';
  private closing: Promise<void> | undefined;
  private stopWatching: () => void = () => undefined;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: PushConsumerOptions) {
    this.settings = pushConsumerOptionSet.load(options as unknown as Record<string, unknown>);
    this.group = this.settings.group;
    checkConsumerGroup(this.group);
    const isClustering = this.settings.model === 'clustering';
    const isOrderly = this.settings.mode === 'orderly';
    this.ownsInstance = options.instance === undefined;
    this.instance = options.instance ?? new ClientInstance(options);
    this.clock = this.instance.clock;
    this.logger = (options.logger ?? this.instance.logger).child(this.group);
    const version = this.clock.now();
    const subscriptions = subscriptionsOf(options.subscriptions, this.group, version);
    const retries = retryTopic(this.group);
    if (isClustering) subscriptions.set(retries, new TagSubscription(retries, '*', version));
    const store = offsetStoreOf(this.instance, this.group, isClustering, options);
    this.state = {
      group: this.group,
      settings: this.settings,
      instance: this.instance,
      clock: this.clock,
      logger: this.logger,
      listener: options.listener,
      isClustering,
      isOrderly,
      lockInterval: isOrderly && isClustering ? this.settings.lockInterval : undefined,
      subscriptions,
      offsets: new OffsetTable(store),
      statistics: newStatistics(),
      assigned: new Map(),
      isPaused: false,
      requestRebalance: () => this.rebalancer.request(),
    };
    this.delivery = this.state.isOrderly
      ? new OrderlyDelivery(this.state)
      : new ConcurrentDelivery(this.state);
    this.held = new HeldQueues(this.state, new PushPulls(this.state, this.delivery));
    const share = new GroupShare(this.state, options.strategy);
    this.rebalancer = new Rebalancer(this.state, this.held, share);
    const inspection = new Inspection(this.state, {
      consumeType: 'CONSUME_PASSIVELY',
      properties: {
        PROP_CONSUME_ORDERLY: String(this.state.isOrderly),
        PROP_THREADPOOL_CORE_SIZE: String(this.settings.concurrency),
      },
    });
    this.member = {
      group: this.group,
      status: (topic) => inspection.status(topic),
      runningInfo: () => inspection.runningInfo(),
      consumeDirectly: (message, broker) => consumeDirectly(this.state, message, broker),
      data: () => this.heartbeatData(),
      membersChanged: () => this.rebalancer.request(),
      resetOffsets: async (offsets) => {
        await this.held.reset(offsets);
        this.rebalancer.request();
      },
    };
  }

  /** The client id under which brokers know this consumer. */
  get clientId(): string {
    return this.instance.clientId;
  }

  /** What this client may ask and do besides; over the same connections. */
  get admin(): ClientAdmin {
    return (this.ownAdmin ??= new ClientAdmin({ instance: this.instance }));
  }

  /**
   * Joins the group. Resolves after the first sharing out of queues was tried; topics, brokers and
   * name servers that are not there yet are waited for in the background. Rejects with
   * `BrokerRefusedError`, and closes, when a broker does not take an SQL92 filter.
   */
  async start(): Promise<void> {
    if (this.stage !== 'new') {
      throw new ClientStateError(`The consumer of group '${this.group}' was started before.`);
    }
    this.stage = 'running';
    const { instance, settings } = this;
    instance.addConsumer(this.member);
    instance.start();
    this.delivery.start();
    this.rebalancer.start();
    this.timers.push(
      this.clock.every(
        settings.persistConsumerOffsetInterval,
        () => void persistOffsets(this.state),
      ),
    );
    const { subscriptions } = this.state;
    await learnRoutes(this.state, subscriptions.keys());
    try {
      await checkFilters(this.state, subscriptions.values());
    } catch (error) {
      await this.close();
      throw error;
    }
    await instance.heartbeat();
    if (this.closing !== undefined) return;
    this.stopWatching = instance.routes.onChange((topic) => {
      if (this.state.subscriptions.has(topic)) this.rebalancer.request();
    });
    this.rebalancer.request();
    await this.rebalancer.settled();
  }

  /** Stops pulling; messages in hand are still handled. */
  pause(): void {
    this.state.isPaused = true;
  }

  resume(): void {
    this.state.isPaused = false;
    for (const assigned of this.state.assigned.values()) assigned.changed();
    this.rebalancer.request();
  }

  get isPaused(): boolean {
    return this.state.isPaused;
  }

  /** The queues that this consumer owns now. */
  assignedQueues(): MessageQueue[] {
    return [...this.state.assigned.values()].map((one) => one.queue);
  }

  /** Counters since the start. */
  statistics(): Readonly<ConsumerStatistics> {
    return { ...this.state.statistics };
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

  private heartbeatData(): ConsumerData {
    const { from, model } = this.settings;
    return {
      groupName: this.group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: model === 'broadcasting' ? 'BROADCASTING' : 'CLUSTERING',
      consumeFromWhere:
        from === 'first'
          ? 'CONSUME_FROM_FIRST_OFFSET'
          : from === 'last'
            ? 'CONSUME_FROM_LAST_OFFSET'
            : 'CONSUME_FROM_TIMESTAMP',
      subscriptionDataSet: [...this.state.subscriptions.values()].map((one) => one.data),
      unitMode: false,
    };
  }

  private async closeAll(deadlineMs: number): Promise<void> {
    const wasRunning = this.stage === 'running';
    this.stage = 'closing';
    for (const timer of this.timers) timer.cancel();
    this.stopWatching();
    if (wasRunning) {
      const farewell = new Farewell(this.clock, this.logger, deadlineMs);
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
    await this.instance.remove(this.member, timeMs);
  }
}

function newStatistics(): ConsumerStatistics {
  return {
    pulled: 0,
    consumed: 0,
    failed: 0,
    sentBack: 0,
    deadLettered: 0,
    timedOut: 0,
    running: 0,
  };
}
