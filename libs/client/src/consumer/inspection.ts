import type { ConsumerRunningInfo, ConsumerStatus, ConsumeType } from '@nestjs-rocketmq/protocol';
import type { AssignedQueue } from './assigned-queue.js';
import type { ConsumerGroup } from './group-state.js';

/** What only one kind of consumer has to tell. */
export interface OwnReport {
  readonly consumeType: ConsumeType;
  /** Further properties, under the names of Apache's `ConsumerRunningInfo`. */
  readonly properties: Readonly<Record<string, string>>;
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

  /** Properties under the names of Apache's `ConsumerRunningInfo`, and the state of each queue. */
  runningInfo(): ConsumerRunningInfo {
    const { state, own } = this;
    const { instance } = state;
    return {
      jstack: undefined,
      properties: {
        PROP_NAMESERVER_ADDR: instance.nameServers.addresses.join(';'),
        PROP_CONSUME_TYPE: own.consumeType,
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedAt),
        messageModel: state.isClustering ? 'CLUSTERING' : 'BROADCASTING',
        consumerGroup: state.group,
        ...own.properties,
      },
      subscriptionSet: [...state.subscriptions.values()].map((one) => one.data),
      mqTable: [...state.assigned.values()].map((one) => [{ ...one.queue }, this.queueInfo(one)]),
      statusTable: {},
    };
  }

  private queueInfo(one: AssignedQueue): ConsumerRunningInfo['mqTable'][number][1] {
    const { process } = one;
    const isLocked = one.lockedUntil > this.state.clock.monotonic();
    return {
      cachedMsgCount: process.count,
      cachedMsgMaxOffset: process.pullOffset,
      cachedMsgMinOffset: process.commitOffset ?? process.pullOffset,
      cachedMsgSizeInMiB: Math.floor(process.bytes / (1024 * 1024)),
      commitOffset: this.state.offsets.known(one.queue) ?? 0,
      droped: one.isDropped,
      lastConsumeTimestamp: one.consumedAt,
      lastLockTimestamp: 0,
      lastPullTimestamp: one.pulledAt,
      locked: isLocked,
      transactionMsgCount: 0,
      transactionMsgMaxOffset: 0,
      transactionMsgMinOffset: 0,
      tryUnlockTimes: 0,
    };
  }
}
