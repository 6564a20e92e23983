import { flag, list, object, oneOf, optional, string, table, whole } from '../json/shape.js';
import type { Shape, ValueOfShape } from '../json/shape.js';
import { messageQueueBody } from './common.js';

/**
 * Who a client is and what it listens to. Member names are Java's; defaults are those of the Java
 * classes, so that a body with members left out reads as Java reads it.
 */
export const consumeTypes = ['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP'] as const;
export type ConsumeType = (typeof consumeTypes)[number];
export const messageModels = ['BROADCASTING', 'CLUSTERING'] as const;
export type MessageModel = (typeof messageModels)[number];
export const consumeFromWheres = [
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
] as const;
export type ConsumeFromWhere = (typeof consumeFromWheres)[number];

export const subscriptionData = object({
  classFilterMode: flag(false),
  /** Java hash codes of the tags. */
  codeSet: list(whole()),
  expressionType: string('TAG'),
  /** The expression: `*`, or tags joined by `||`. */
  subString: string(''),
  /** Epoch ms of the subscription; the higher one is newer. */
  subVersion: whole(0),
  tagsSet: list(string()),
  topic: string(),
});
export type SubscriptionData = ValueOfShape<typeof subscriptionData>;

export const consumerData = object({
  consumeFromWhere: oneOf(consumeFromWheres, 'CONSUME_FROM_LAST_OFFSET'),
  consumeType: oneOf(consumeTypes, 'CONSUME_PASSIVELY'),
  groupName: string(),
  messageModel: oneOf(messageModels, 'CLUSTERING'),
  subscriptionDataSet: list(subscriptionData),
  unitMode: flag(false),
});
export type ConsumerData = ValueOfShape<typeof consumerData>;

export const producerData = object({ groupName: string() });
export type ProducerData = ValueOfShape<typeof producerData>;

const heartbeatMembers = object({
  clientID: string(),
  consumerDataSet: list(consumerData),
  /** 0 means heartbeat V1. */
  heartbeatFingerprint: whole(0),
  producerDataSet: list(producerData),
  /** True when the subscriptions are left out because they did not change (V2). */
  withoutSub: flag(false),
});
export type HeartbeatData = ValueOfShape<typeof heartbeatMembers>;

export const heartbeatData: Shape<HeartbeatData> = {
  ...heartbeatMembers,
  read(raw, at) {
    const data = heartbeatMembers.read(raw, at);
    // Some clients spell the member as the field of the Java class.
    const other = (raw as Readonly<Record<string, unknown>>)['isWithoutSub'];
    return other === true ? { ...data, withoutSub: true } : data;
  },
};

/** Queue locks of ordered consumption: who wants (or gives back) which queues. */
export const lockBatch = object({
  clientId: string(),
  consumerGroup: string(),
  mqSet: list(messageQueueBody),
  onlyThisBroker: flag(false),
});
export type LockBatch = ValueOfShape<typeof lockBatch>;

export const lockedQueues = object({ lockOKMQSet: list(messageQueueBody) });
export type LockedQueues = ValueOfShape<typeof lockedQueues>;

export const consumerIds = object({ consumerIdList: list(string()) });
export type ConsumerIds = ValueOfShape<typeof consumerIds>;

export const checkClientRequest = object({
  clientId: string(''),
  group: string(''),
  namespace: optional(string()),
  subscriptionData: optional(subscriptionData),
});
export type CheckClientRequest = ValueOfShape<typeof checkClientRequest>;

export const assignmentRequest = object({
  clientId: string(),
  consumerGroup: string(),
  messageModel: oneOf(messageModels, 'CLUSTERING'),
  strategyName: string(''),
  topic: string(),
});

export const assignmentAnswer = object({
  messageQueueAssignments: optional(
    list(
      object({
        attachments: table(string()),
        messageQueue: messageQueueBody,
        mode: oneOf(['PULL', 'POP'], 'PULL'),
      }),
    ),
  ),
});
