import { decodeRecords, type MessageQueue, type StoredMessage } from '@nestjs-rocketmq/message';
import { PullSysFlag, type Asking, type PullMessage } from '@nestjs-rocketmq/protocol';
import type { TopicSubscription } from '../subscription.js';

/** A pull that carries its own subscription, so that the broker needs no heartbeat for it. */
export interface CarryingPull {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly subscription: TopicSubscription;
  readonly offset: number;
  /** Messages at most. */
  readonly max: number;
  /** Bytes at most, where the broker knows that (5.x); undefined: as it is set up. */
  readonly maxBytes?: number | undefined;
  /** How long the broker may hold it, ms; 0: it answers at once. */
  readonly suspendMs: number;
  /** From a lite pull consumer; brokers count and may forbid those apart. */
  readonly isLite: boolean;
}

export function carryingPull(pull: CarryingPull): Asking<typeof PullMessage> {
  const { queue, subscription, suspendMs } = pull;
  const { subString, expressionType, subVersion } = subscription.data;
  const suspend = suspendMs > 0 ? PullSysFlag.suspend : 0;
  const lite = pull.isLite ? PullSysFlag.litePull : 0;
  return {
    consumerGroup: pull.group,
    topic: queue.topic,
    queueId: queue.queueId,
    queueOffset: pull.offset,
    maxMsgNums: pull.max,
    sysFlag: PullSysFlag.subscription | suspend | lite,
    commitOffset: 0,
    suspendTimeoutMillis: suspendMs,
    subscription: subString,
    // The version of a tag expression does not matter when the expression itself is there.
    subVersion: expressionType === 'TAG' ? 0 : subVersion,
    expressionType,
    maxMsgBytes: pull.maxBytes,
    requestSource: -1,
    brokerName: queue.brokerName,
  };
}

/** The messages of a pull answer; the broker compared hashes only, here tags are compared themselves. */
export function wantedOf(
  body: Uint8Array,
  subscription: TopicSubscription | undefined,
): StoredMessage[] {
  const messages = decodeRecords(body);
  if (subscription === undefined || subscription.acceptsAll) return messages;
  return messages.filter((message) => subscription.accepts(message.tags));
}
