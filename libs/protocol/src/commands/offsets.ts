import { correctionOffsets, groupOffsets, resetOffsets } from '../bodies/offset-data.js';
import { json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, int64, text } from '../command/header-schema.js';

const queue = {
  topic: text().names('topic'),
  queueId: int32(),
  brokerName: text().optional().onWire('bname'),
};

/** Where a group stands in a queue; QUERY_NOT_FOUND when it never committed. */
export const QueryConsumerOffset = defineCommand({
  code: 14,
  name: 'QUERY_CONSUMER_OFFSET',
  needs: 'consume',
  asks: {
    consumerGroup: text().names('group'),
    ...queue,
    setZeroIfNotFound: bool().optional(),
  },
  answers: { offset: int64() },
  outcomes: ['SUCCESS', 'QUERY_NOT_FOUND'],
});

/** A group has consumed up to an offset. Java sends it oneway. */
export const UpdateConsumerOffset = defineCommand({
  code: 15,
  name: 'UPDATE_CONSUMER_OFFSET',
  needs: 'consume',
  asks: { consumerGroup: text().names('group'), ...queue, commitOffset: int64() },
  outcomes: ['SUCCESS'],
});

/** The offset of the message stored at a time. */
export const SearchOffsetByTimestamp = defineCommand({
  code: 29,
  name: 'SEARCH_OFFSET_BY_TIMESTAMP',
  needs: 'read',
  asks: {
    ...queue,
    timestamp: int64(),
    /** `LOWER` or `UPPER`, in any case. */
    boundaryType: text().optional(),
  },
  answers: { offset: int64() },
  outcomes: ['SUCCESS'],
});

/** One past the last message of a queue. */
export const GetMaxOffset = defineCommand({
  code: 30,
  name: 'GET_MAX_OFFSET',
  needs: 'read',
  asks: { ...queue, committed: bool().default(true) },
  answers: { offset: int64() },
  outcomes: ['SUCCESS'],
});

/** The first message of a queue that is still there. */
export const GetMinOffset = defineCommand({
  code: 31,
  name: 'GET_MIN_OFFSET',
  needs: 'read',
  asks: queue,
  answers: { offset: int64() },
  outcomes: ['SUCCESS'],
});

/** When the first message of a queue was stored; -1 when it is empty. */
export const GetEarliestMsgStoretime = defineCommand({
  code: 32,
  name: 'GET_EARLIEST_MSG_STORETIME',
  needs: 'read',
  asks: queue,
  answers: { timestamp: int64() },
  outcomes: ['SUCCESS'],
});

/** All consumer offsets, for a slave. */
export const GetAllConsumerOffset = defineCommand({
  code: 43,
  name: 'GET_ALL_CONSUMER_OFFSET',
  needs: 'member',
  answerBody: json(groupOffsets),
  outcomes: ['SUCCESS'],
});

const reset = {
  topic: text().names('topic'),
  group: text().names('group'),
  /** -1 means every queue. */
  queueId: int32().default(-1),
  offset: int64().optional(),
  /** Epoch ms; -1 means the end. */
  timestamp: int64(),
  isForce: bool(),
};

/** The broker tells a consumer to go on elsewhere. */
export const ResetConsumerClientOffset = defineCommand({
  code: 220,
  name: 'RESET_CONSUMER_CLIENT_OFFSET',
  needs: 'push',
  asks: reset,
  askBody: json(resetOffsets),
  outcomes: ['SUCCESS'],
  oneway: true,
});

/** An operator moves a group to a time. */
export const InvokeBrokerToResetOffset = defineCommand({
  code: 222,
  name: 'INVOKE_BROKER_TO_RESET_OFFSET',
  needs: 'update',
  asks: reset,
  answerBody: json(resetOffsets),
  outcomes: ['SUCCESS'],
});

/** The lowest offsets of other groups of a topic, per queue id. */
export const QueryCorrectionOffset = defineCommand({
  code: 308,
  name: 'QUERY_CORRECTION_OFFSET',
  needs: 'read',
  asks: {
    /** Joined by commas. */
    filterGroups: text().optional(),
    compareGroup: text().names('group'),
    topic: text().names('topic'),
  },
  answerBody: json(correctionOffsets),
  outcomes: ['SUCCESS'],
});

/** Copies the offsets of one group to another. */
export const CloneGroupOffset = defineCommand({
  code: 314,
  name: 'CLONE_GROUP_OFFSET',
  needs: 'update',
  asks: {
    srcGroup: text().names('group'),
    destGroup: text().names('group'),
    topic: text().optional().names('topic'),
    offline: bool().default(false),
  },
  outcomes: ['SUCCESS'],
});
