import { flag, list, object, oneOf, optional, real, string, table, whole } from '../json/shape.js';
import type { ValueOfShape } from '../json/shape.js';
import { dataVersion } from './common.js';

/**
 * Topic and group settings as they travel and as they lie in `topics.json` and
 * `subscriptionGroup.json`. Names and defaults are those of Java's classes.
 */
export const topicConfig = object({
  /** Such as `message.type`. */
  attributes: table(string()),
  order: flag(false),
  /** Bits of `Permission`. */
  perm: whole(6),
  readQueueNums: whole(16),
  topicFilterType: oneOf(['SINGLE_TAG', 'MULTI_TAG'], 'SINGLE_TAG'),
  topicName: string(),
  topicSysFlag: whole(0),
  writeQueueNums: whole(16),
});
export type TopicConfig = ValueOfShape<typeof topicConfig>;

export const topicConfigTable = object({
  dataVersion,
  topicConfigTable: table(topicConfig),
});
export type TopicConfigTable = ValueOfShape<typeof topicConfigTable>;

export const topicConfigList = object({ topicConfigList: list(topicConfig) });

const retryPolicy = object({
  customizedRetryPolicy: optional(object({ next: list(whole()) })),
  exponentialRetryPolicy: optional(
    object({ initial: whole(5000), max: whole(7_200_000), multiplier: real(2) }),
  ),
  type: oneOf(['EXPONENTIAL', 'CUSTOMIZED'], 'CUSTOMIZED'),
});

export const subscriptionGroupConfig = object({
  attributes: table(string()),
  brokerId: whole(0),
  consumeBroadcastEnable: flag(true),
  consumeEnable: flag(true),
  consumeFromMinEnable: flag(true),
  consumeMessageOrderly: flag(false),
  consumeTimeoutMinute: whole(15),
  groupName: string(),
  groupRetryPolicy: optional(retryPolicy),
  groupSysFlag: whole(0),
  notifyConsumerIdsChangedEnable: flag(true),
  retryMaxTimes: whole(16),
  retryQueueNums: whole(1),
  subscriptionDataSet: optional(
    list(
      object({
        expression: optional(string()),
        expressionType: string('TAG'),
        topic: string(),
        version: whole(0),
      }),
    ),
  ),
  whichBrokerWhenConsumeSlowly: whole(1),
});
export type SubscriptionGroupConfig = ValueOfShape<typeof subscriptionGroupConfig>;

export const subscriptionGroupTable = object({
  dataVersion,
  /** Group -> topic -> bits. */
  forbiddenTable: table(table(whole())),
  subscriptionGroupTable: table(subscriptionGroupConfig),
});
export type SubscriptionGroupTable = ValueOfShape<typeof subscriptionGroupTable>;

/** What a group may do with a topic beyond the topic's own permission. */
export const groupForbidden = object({ group: string(), readable: flag(true), topic: string() });
export type GroupForbidden = ValueOfShape<typeof groupForbidden>;

export const groupConfigList = object({ groupConfigList: list(subscriptionGroupConfig) });

/** Text by text. */
export const kvTable = object({ table: table(string()) });
export type KVTable = ValueOfShape<typeof kvTable>;

/** What a broker tells a nameserver of itself, beside the header. */
export const registerBrokerBody = object({
  filterServerList: list(string()),
  topicConfigSerializeWrapper: topicConfigTable,
});
export type RegisterBrokerBody = ValueOfShape<typeof registerBrokerBody>;
