import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type {
  ConsumeMessageDirectlyResult,
  ConsumerRunningInfo,
  ConsumerStatus,
} from '@nestjs-rocketmq/protocol';
import { AssignedQueue } from './assigned-queue.js';
import { showOriginalTopic, type GroupState } from './group-state.js';
import { ListenerCall } from './listener-call.js';

/** What operators may ask of a running consumer, by way of a broker. */
export class Inspection {
  private readonly startedAt: number;

  constructor(private readonly state: GroupState) {
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
    const { state } = this;
    const { settings, instance } = state;
    return {
      jstack: undefined,
      properties: {
        PROP_NAMESERVER_ADDR: instance.nameServers.addresses.join(';'),
        PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
        PROP_CONSUME_ORDERLY: String(state.isOrderly),
        PROP_THREADPOOL_CORE_SIZE: String(settings.concurrency),
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedAt),
        messageModel: state.isClustering ? 'CLUSTERING' : 'BROADCASTING',
        consumerGroup: state.group,
      },
      subscriptionSet: [...state.subscriptions.values()].map((one) => one.data),
      mqTable: [...state.assigned.values()].map((one) => [{ ...one.queue }, this.queueInfo(one)]),
      statusTable: {},
    };
  }

  /** Runs the listener for one message, outside of all queues; offsets do not move. */
  async consumeDirectly(
    message: StoredMessage,
    brokerName: string,
  ): Promise<ConsumeMessageDirectlyResult> {
    const { state } = this;
    const { topic, queueId, queueOffset, reconsumeTimes, storeSize: bytes } = message;
    const queue = { topic, queueId, brokerName };
    showOriginalTopic(message, state.group);
    const held = { message, offset: queueOffset, bytes, reconsumeTimes, isDone: false };
    const started = state.clock.monotonic();
    const call = new ListenerCall(new AssignedQueue(queue, queueOffset), [held], started);
    const { verdict, error } = await call.run(state.listener);
    const only = Array.isArray(verdict) ? verdict[0] : verdict;
    const isGood = only.kind === 'success' && call.ackIndex >= 0;
    return {
      order: state.isOrderly,
      autoCommit: true,
      consumeResult:
        error !== undefined ? 'CR_THROW_EXCEPTION' : isGood ? 'CR_SUCCESS' : 'CR_LATER',
      remark: error === undefined ? undefined : messageOf(error),
      spentTimeMills: Math.round(state.clock.monotonic() - started),
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
