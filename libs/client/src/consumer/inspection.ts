import type { MessageQueue } from '@nestjs-rocketmq/message';
import {
  currentVersion,
  versionName,
  type ConsumerRunningInfo,
  type ConsumerStatus,
  type ConsumeType,
} from '@nestjs-rocketmq/protocol';
import type { AssignedQueue } from './assigned-queue.js';
import type { ConsumerGroup } from './group-state.js';
import type { ListenerCall } from './listener-call.js';
import { stackText } from './stack-text.js';
import type { TopicRates } from './topic-measures.js';

/** What only one kind of consumer has to tell. */
export interface OwnReport {
  readonly consumeType: ConsumeType;
  /** Further properties, under the names of Apache's `ConsumerRunningInfo` and its consumers. */
  properties(): Readonly<Record<string, string>>;
  /** Listener calls that have not ended. */
  running(): Iterable<ListenerCall>;
}

/** Where a consumer stands in one of its queues. */
export interface QueueReport {
  readonly queue: MessageQueue;
  /** Everything below is finished; undefined while that is not known. */
  readonly committed: number | undefined;
  /** Where the next pull begins. */
  readonly pullOffset: number;
  /** Messages in hand that are not finished, and the bytes of their records. */
  readonly held: number;
  readonly heldBytes: number;
  /** One past the last message of the queue, as the broker said last. */
  readonly end: number;
  readonly isPaused: boolean;
  /** Orderly: the broker's lock counts here. */
  readonly isLocked: boolean;
  /** ms since 1970; 0: never. */
  readonly pulledAt: number;
  readonly consumedAt: number;
}

/** How a consumer is doing. */
export interface ConsumerStatusReport {
  readonly group: string;
  readonly clientId: string;
  /** What was done lately, by topic. */
  readonly topics: Readonly<Record<string, TopicRates>>;
  readonly queues: readonly QueueReport[];
}

/** What operators may ask of a running consumer, by way of a broker. */
export class Inspection {
  private readonly startedAt: number;

  constructor(
    private readonly state: ConsumerGroup,
    private readonly own: OwnReport,
  ) {
    this.startedAt = state.clock.now();
  }

  /** Where this member stands in its queues of a topic. */
  status(topic: string): ConsumerStatus {
    const { offsets } = this.state;
    const rows = offsets.all().filter(({ queue }) => queue.topic === topic);
    return {
      consumerTable: {},
      messageQueueTable: rows.map(({ queue, offset }) => [{ ...queue }, offset]),
    };
  }

  report(): ConsumerStatusReport {
    const { group, instance } = this.state;
    return { group, clientId: instance.clientId, topics: this.rates(), queues: this.queues() };
  }

  private queues(): QueueReport[] {
    return [...this.state.assigned.values()].map((one) => ({
      queue: one.queue,
      committed: this.state.offsets.known(one.queue),
      pullOffset: one.process.pullOffset,
      held: one.process.count,
      heldBytes: one.process.bytes,
      end: one.queueEnd,
      isPaused: one.isPaused,
      isLocked: this.isLocked(one),
      pulledAt: one.pulledAt,
      consumedAt: this.consumedAt(one),
    }));
  }

  /** By topic, retries included. */
  private rates(): Record<string, TopicRates> {
    const { measures, subscriptions, clock } = this.state;
    const now = clock.monotonic();
    const topics = [...subscriptions.keys()];
    return Object.fromEntries(topics.map((topic) => [topic, measures.of(topic, now).rates(now)]));
  }

  /**
   * Properties under the names of Apache's `ConsumerRunningInfo`, the state of each queue, and what
   * was done lately. `jstack`: with what runs here now; there are no threads to show.
   */
  runningInfo(jstack: boolean): ConsumerRunningInfo {
    const { state, own } = this;
    const { instance, clock } = state;
    return {
      jstack: jstack ? stackText(clock.monotonic(), own.running()) : undefined,
      properties: {
        messageModel: state.isClustering ? 'CLUSTERING' : 'BROADCASTING',
        consumerGroup: state.group,
        clientId: instance.clientId,
        ...own.properties(),
        PROP_NAMESERVER_ADDR: instance.nameServers.addresses.map((one) => `${one};`).join(''),
        PROP_CONSUME_TYPE: own.consumeType,
        PROP_CLIENT_VERSION: versionName(currentVersion),
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedAt),
      },
      subscriptionSet: [...state.subscriptions.values()].map((one) => one.data),
      mqTable: [...state.assigned.values()].map((one) => [{ ...one.queue }, this.queueInfo(one)]),
      statusTable: Object.fromEntries(
        Object.entries(this.rates()).map(([topic, rates]) => [topic, statusOf(rates)]),
      ),
    };
  }

  /** When a message of the queue was last finished, ms since 1970; 0 before that. */
  private consumedAt({ finishedAt }: AssignedQueue): number {
    const { clock } = this.state;
    if (finishedAt === undefined) return 0;
    return Math.round(clock.now() - (clock.monotonic() - finishedAt));
  }

  private isLocked(one: AssignedQueue): boolean {
    return one.lockedUntil > this.state.clock.monotonic();
  }

  private queueInfo(one: AssignedQueue): ConsumerRunningInfo['mqTable'][number][1] {
    const { process } = one;
    const isEmpty = process.count === 0;
    return {
      cachedMsgCount: process.count,
      cachedMsgMaxOffset: isEmpty ? 0 : process.pullOffset - 1,
      cachedMsgMinOffset: isEmpty ? 0 : (process.commitOffset ?? 0),
      cachedMsgSizeInMiB: Math.floor(process.bytes / (1024 * 1024)),
      // As Java: -1 while nothing is known.
      commitOffset: this.state.offsets.known(one.queue) ?? -1,
      droped: one.isDropped,
      lastConsumeTimestamp: this.consumedAt(one),
      lastLockTimestamp: one.lockedAt,
      lastPullTimestamp: one.pulledAt,
      locked: this.isLocked(one),
      transactionMsgCount: 0,
      transactionMsgMaxOffset: 0,
      transactionMsgMinOffset: 0,
      tryUnlockTimes: 0,
    };
  }
}

function statusOf(rates: TopicRates): ConsumerRunningInfo['statusTable'][string] {
  return {
    pullRT: rates.pullRt,
    pullTPS: rates.pullTps,
    consumeRT: rates.consumeRt,
    consumeOKTPS: rates.consumeOkTps,
    consumeFailedTPS: rates.consumeFailedTps,
    consumeFailedMsgs: rates.consumeFailedInHour,
  };
}
