import {
  brokerConsumeStats,
  brokerStats,
  consumeStats,
  consumeTimeSpans,
  consumerConnection,
  consumerStatus,
  groupList,
  groupSubscription,
  producerConnection,
  producerTable,
  topicStatsTable,
} from '../bodies/inspection-data.js';
import { topicList } from '../bodies/route-data.js';
import { bytes, json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, text } from '../command/header-schema.js';

/** Bounds of the queues of a topic. */
export const GetTopicStatsInfo = defineCommand({
  code: 202,
  name: 'GET_TOPIC_STATS_INFO',
  needs: 'read',
  asks: { topic: text().names('topic') },
  answerBody: json(topicStatsTable),
  outcomes: ['SUCCESS'],
});

/** Who consumes in a group; CONSUMER_NOT_ONLINE when nobody does. */
export const GetConsumerConnectionList = defineCommand({
  code: 203,
  name: 'GET_CONSUMER_CONNECTION_LIST',
  needs: 'read',
  asks: { consumerGroup: text().names('group') },
  answerBody: json(consumerConnection),
  outcomes: ['SUCCESS'],
});

export const GetProducerConnectionList = defineCommand({
  code: 204,
  name: 'GET_PRODUCER_CONNECTION_LIST',
  needs: 'read',
  asks: { producerGroup: text() },
  answerBody: json(producerConnection),
  outcomes: ['SUCCESS'],
});

/** How far a group is behind, per queue. */
export const GetConsumeStats = defineCommand({
  code: 208,
  name: 'GET_CONSUME_STATS',
  needs: 'read',
  asks: {
    consumerGroup: text().names('group'),
    /** Absent or empty: every topic that the group has offsets for. */
    topic: text().optional().names('topic'),
    /** Names, each followed by `;`. */
    topicList: text().optional(),
  },
  answerBody: json(consumeStats),
  outcomes: ['SUCCESS'],
});

/** The broker asks a consumer where it stands. */
export const GetConsumerStatusFromClient = defineCommand({
  code: 221,
  name: 'GET_CONSUMER_STATUS_FROM_CLIENT',
  needs: 'push',
  asks: { topic: text(), group: text(), clientAddr: text().optional() },
  answerBody: json(consumerStatus),
  outcomes: ['SUCCESS'],
});

/** Where the consumers of a group stand, asked of each of them through the broker. */
export const InvokeBrokerToGetConsumerStatus = defineCommand({
  code: 223,
  name: 'INVOKE_BROKER_TO_GET_CONSUMER_STATUS',
  needs: 'read',
  asks: {
    topic: text().names('topic'),
    group: text().names('group'),
    /** The id of one client; absent or empty: all. */
    clientAddr: text().optional(),
  },
  answerBody: json(consumerStatus),
  outcomes: ['SUCCESS'],
});

/** Groups that consume a topic. */
export const QueryTopicConsumeByWho = defineCommand({
  code: 300,
  name: 'QUERY_TOPIC_CONSUME_BY_WHO',
  needs: 'read',
  asks: { topic: text().names('topic') },
  answerBody: json(groupList),
  outcomes: ['SUCCESS'],
});

/** How old the messages of a topic are, and those that a group consumes. */
export const QueryConsumeTimeSpan = defineCommand({
  code: 303,
  name: 'QUERY_CONSUME_TIME_SPAN',
  needs: 'read',
  asks: { topic: text().names('topic'), group: text().names('group') },
  answerBody: json(consumeTimeSpans),
  outcomes: ['SUCCESS'],
});

/** State of one consumer; a broker hands question and answer through as they are. */
export const GetConsumerRunningInfo = defineCommand({
  code: 307,
  name: 'GET_CONSUMER_RUNNING_INFO',
  needs: 'read',
  asks: {
    consumerGroup: text().names('group'),
    clientId: text(),
    jstackEnable: bool().default(false),
  },
  /** `consumerRunningInfoBody`. */
  answerBody: bytes(),
  outcomes: ['SUCCESS'],
});

/** One consumer consumes one message now; the broker adds the message as body. */
export const ConsumeMessageDirectly = defineCommand({
  code: 309,
  name: 'CONSUME_MESSAGE_DIRECTLY',
  needs: 'update',
  asks: {
    consumerGroup: text().names('group'),
    clientId: text().optional(),
    /** Offset id. */
    msgId: text().optional(),
    brokerName: text().optional(),
    topic: text().optional().names('topic'),
    topicSysFlag: int32().optional(),
    groupSysFlag: int32().optional(),
  },
  askBody: bytes(),
  /** `consumeMessageDirectlyResultBody`. */
  answerBody: bytes(),
  outcomes: ['SUCCESS'],
});

/** One counter of the broker by minute, hour and day; the names are those of Java's statistics. */
export const ViewBrokerStatsData = defineCommand({
  code: 315,
  name: 'VIEW_BROKER_STATS_DATA',
  needs: 'read',
  asks: { statsName: text(), statsKey: text() },
  answerBody: json(brokerStats),
  outcomes: ['SUCCESS'],
});

/** How far every group of the broker is behind. */
export const GetBrokerConsumeStats = defineCommand({
  code: 317,
  name: 'GET_BROKER_CONSUME_STATS',
  needs: 'read',
  /** Only topics with an order. */
  asks: { isOrder: bool() },
  answerBody: json(brokerConsumeStats),
  outcomes: ['SUCCESS'],
});

export const GetAllProducerInfo = defineCommand({
  code: 328,
  name: 'GET_ALL_PRODUCER_INFO',
  needs: 'read',
  answerBody: json(producerTable),
  outcomes: ['SUCCESS'],
});

/** Topics that a group has offsets for. */
export const QueryTopicsByConsumer = defineCommand({
  code: 343,
  name: 'QUERY_TOPICS_BY_CONSUMER',
  needs: 'read',
  asks: { group: text().names('group') },
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** What a group listens to in a topic now. */
export const QuerySubscriptionByConsumer = defineCommand({
  code: 345,
  name: 'QUERY_SUBSCRIPTION_BY_CONSUMER',
  needs: 'read',
  asks: { group: text().names('group'), topic: text().optional().names('topic') },
  answerBody: json(groupSubscription),
  outcomes: ['SUCCESS'],
});
