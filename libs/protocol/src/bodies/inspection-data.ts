import { json } from '../command/body-codec.js';
import {
  flag,
  list,
  object,
  objectTable,
  oneOf,
  optional,
  real,
  string,
  table,
  whole,
  wholeOrLimit,
} from '../json/shape.js';
import type { ValueOfShape } from '../json/shape.js';
import { languages } from '../frame/language.js';
import { messageQueueBody } from './common.js';
import { consumeFromWheres, consumeTypes, messageModels } from './heartbeat-data.js';
import { subscriptionData } from './heartbeat-data.js';

/** What operators ask of a broker: queue bounds, connections, progress. Names are Java's. */
export const topicStatsTable = object({
  offsetTable: objectTable(
    messageQueueBody,
    object({ lastUpdateTimestamp: whole(0), maxOffset: whole(), minOffset: whole() }),
  ),
  /** Messages per second; since 5.3.3. */
  topicPutTps: real(0),
});
export type TopicStatsTable = ValueOfShape<typeof topicStatsTable>;

export const consumeStats = object({
  consumeTps: real(0),
  offsetTable: objectTable(
    messageQueueBody,
    object({
      brokerOffset: whole(),
      consumerOffset: whole(),
      /** Store time of the message before `consumerOffset`; 0 when unknown. */
      lastTimestamp: whole(0),
      pullOffset: whole(0),
    }),
  ),
});
export type ConsumeStats = ValueOfShape<typeof consumeStats>;

/** Every group of a broker with what it consumes; a list of one-member tables, as Java has it. */
export const brokerConsumeStats = object({
  brokerAddr: string(),
  consumeStatsList: list(table(list(consumeStats))),
  /** Messages that are not consumed, over all groups. */
  totalDiff: whole(0),
  /** Messages that are pulled and not consumed. */
  totalInflightDiff: whole(0),
});
export type BrokerConsumeStats = ValueOfShape<typeof brokerConsumeStats>;

/** Store times of a queue: its first and last message, and where a group stands. */
export const consumeTimeSpans = object({
  consumeTimeSpanSet: list(
    object({
      consumeTimeStamp: whole(0),
      /** Age of the next message to be consumed, ms; 0 when there is none. */
      delayTime: whole(0),
      maxTimeStamp: whole(0),
      messageQueue: messageQueueBody,
      minTimeStamp: whole(0),
    }),
  ),
});
export type ConsumeTimeSpans = ValueOfShape<typeof consumeTimeSpans>;

const countInSpan = object({ avgpt: real(0), sum: whole(0), tps: real(0) });

/** What a counter did: `sum`, per second, and per addition. */
export const brokerStats = object({
  statsDay: countInSpan,
  statsHour: countInSpan,
  statsMinute: countInSpan,
});
export type BrokerStats = ValueOfShape<typeof brokerStats>;

/** All producers of a broker, by group. */
export const producerTable = object({
  data: table(
    list(
      object({
        clientId: string(),
        language: oneOf(languages, 'OTHER'),
        lastUpdateTimestamp: whole(0),
        /** With a slash before it, as Java prints addresses. */
        remoteIP: string(),
        version: whole(0),
      }),
    ),
  ),
});
export type ProducerTable = ValueOfShape<typeof producerTable>;

export const groupSubscription = object({
  group: string(),
  subscriptionData: optional(subscriptionData),
  topic: optional(string()),
});
export type GroupSubscription = ValueOfShape<typeof groupSubscription>;

export const connection = object({
  clientAddr: string(),
  clientId: string(),
  language: oneOf(languages, 'OTHER'),
  version: whole(0),
});
export type Connection = ValueOfShape<typeof connection>;

export const consumerConnection = object({
  connectionSet: list(connection),
  consumeFromWhere: oneOf(consumeFromWheres, 'CONSUME_FROM_LAST_OFFSET'),
  consumeType: oneOf(consumeTypes, 'CONSUME_PASSIVELY'),
  messageModel: oneOf(messageModels, 'CLUSTERING'),
  subscriptionTable: table(subscriptionData),
});
export type ConsumerConnection = ValueOfShape<typeof consumerConnection>;

export const producerConnection = object({ connectionSet: list(connection) });
export type ProducerConnection = ValueOfShape<typeof producerConnection>;

export const groupList = object({ groupList: list(string()) });
export type GroupList = ValueOfShape<typeof groupList>;

/** Where a consumer stands, asked of the client itself. */
export const consumerStatus = object({
  consumerTable: table(objectTable(messageQueueBody, whole())),
  messageQueueTable: objectTable(messageQueueBody, whole()),
});
export type ConsumerStatus = ValueOfShape<typeof consumerStatus>;

const processQueueInfo = object({
  cachedMsgCount: whole(0),
  cachedMsgMaxOffset: whole(0),
  cachedMsgMinOffset: whole(0),
  cachedMsgSizeInMiB: whole(0),
  commitOffset: whole(0),
  /** Apache's spelling. */
  droped: flag(false),
  lastConsumeTimestamp: whole(0),
  lastLockTimestamp: whole(0),
  lastPullTimestamp: whole(0),
  locked: flag(false),
  transactionMsgCount: whole(0),
  transactionMsgMaxOffset: whole(0),
  transactionMsgMinOffset: whole(0),
  tryUnlockTimes: whole(0),
});

const consumeStatus = object({
  consumeFailedMsgs: whole(0),
  consumeFailedTPS: real(0),
  consumeOKTPS: real(0),
  consumeRT: real(0),
  pullRT: real(0),
  pullTPS: real(0),
});

/** What a consumer says of itself (GET_CONSUMER_RUNNING_INFO). */
export const consumerRunningInfo = object({
  jstack: optional(string()),
  mqTable: objectTable(messageQueueBody, processQueueInfo),
  /** Such as PROP_CONSUME_TYPE, PROP_CONSUMER_START_TIMESTAMP. */
  properties: table(string()),
  statusTable: table(consumeStatus),
  subscriptionSet: list(subscriptionData),
});
export type ConsumerRunningInfo = ValueOfShape<typeof consumerRunningInfo>;

export const consumeResults = [
  'CR_SUCCESS',
  'CR_LATER',
  'CR_ROLLBACK',
  'CR_COMMIT',
  'CR_THROW_EXCEPTION',
  'CR_RETURN_NULL',
] as const;

/** What became of one message that an operator had consumed (CONSUME_MESSAGE_DIRECTLY). */
export const consumeMessageDirectlyResult = object({
  autoCommit: flag(true),
  consumeResult: oneOf(consumeResults),
  order: flag(false),
  remark: optional(string()),
  /** Apache's spelling. */
  spentTimeMills: whole(0),
});
export type ConsumeMessageDirectlyResult = ValueOfShape<typeof consumeMessageDirectlyResult>;

/** For the client that answers; the broker hands the bytes on as they are. */
export const consumerRunningInfoBody = json(consumerRunningInfo);
export const consumeMessageDirectlyResultBody = json(consumeMessageDirectlyResult);

/** Entries of one consume queue as they lie on disk. */
export const consumeQueueEntries = object({
  filterData: optional(string()),
  maxQueueIndex: whole(),
  minQueueIndex: whole(),
  queueData: list(
    object({
      bitMap: optional(string()),
      eval: flag(false),
      extendDataJson: optional(string()),
      msg: optional(string()),
      physicOffset: whole(),
      physicSize: whole(),
      // With an extension 4.9 shows where it lies: a number near the smallest long.
      tagsCode: wholeOrLimit(),
    }),
  ),
  subscriptionData: optional(subscriptionData),
});
export type ConsumeQueueEntries = ValueOfShape<typeof consumeQueueEntries>;
