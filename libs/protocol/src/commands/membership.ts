import {
  assignmentAnswer,
  assignmentRequest,
  checkClientRequest,
  consumerIds,
  heartbeatData,
  lockBatch,
  lockedQueues,
} from '../bodies/heartbeat-data.js';
import { json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, text } from '../command/header-schema.js';

/** A client says who it is. Answer with a version of at least 232, or Java refuses SQL92 pulls. */
export const HeartBeat = defineCommand({
  code: 34,
  name: 'HEART_BEAT',
  needs: 'either',
  askBody: json(heartbeatData),
  answers: {
    supportsV2: bool().optional().onWire('IS_SUPPORT_HEART_BEAT_V2'),
    subscriptionChanged: bool().optional().onWire('IS_SUB_CHANGE'),
  },
  outcomes: ['SUCCESS'],
});

/** A client leaves a group. */
export const UnregisterClient = defineCommand({
  code: 35,
  name: 'UNREGISTER_CLIENT',
  needs: 'either',
  asks: {
    /** So written in Java, unlike everywhere else. */
    clientID: text(),
    producerGroup: text().optional(),
    consumerGroup: text().optional().names('group'),
  },
  outcomes: ['SUCCESS'],
});

/** The client ids of a consumer group. */
export const GetConsumerListByGroup = defineCommand({
  code: 38,
  name: 'GET_CONSUMER_LIST_BY_GROUP',
  needs: 'consume',
  asks: { consumerGroup: text().names('group') },
  answerBody: json(consumerIds),
  outcomes: ['SUCCESS'],
});

/** The broker tells the members of a group that somebody came or went. */
export const NotifyConsumerIdsChanged = defineCommand({
  code: 40,
  name: 'NOTIFY_CONSUMER_IDS_CHANGED',
  needs: 'push',
  asks: { consumerGroup: text() },
  outcomes: ['SUCCESS'],
  oneway: true,
});

/** Locks queues for ordered consumption; the answer names those that are held now. */
export const LockBatchMq = defineCommand({
  code: 41,
  name: 'LOCK_BATCH_MQ',
  needs: 'consume',
  askBody: json(lockBatch),
  answerBody: json(lockedQueues),
  outcomes: ['SUCCESS'],
});

/** Gives queue locks back. */
export const UnlockBatchMq = defineCommand({
  code: 42,
  name: 'UNLOCK_BATCH_MQ',
  needs: 'consume',
  askBody: json(lockBatch),
  outcomes: ['SUCCESS'],
});

/** Is this subscription understood? Java asks for SQL92 only. */
export const CheckClientConfig = defineCommand({
  code: 46,
  name: 'CHECK_CLIENT_CONFIG',
  needs: 'consume',
  askBody: json(checkClientRequest),
  outcomes: ['SUCCESS'],
});

/** The broker's own choice of queues for a consumer. */
export const QueryAssignment = defineCommand({
  code: 400,
  name: 'QUERY_ASSIGNMENT',
  needs: 'consume',
  askBody: json(assignmentRequest),
  answerBody: json(assignmentAnswer),
  outcomes: ['SUCCESS'],
});
