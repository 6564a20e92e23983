import { bytes } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, int64, offsetId, properties, text } from '../command/header-schema.js';

/** Sources: `SendMessageRequestHeader`, `SendMessageRequestHeaderV2`, `SendMessageResponseHeader`. */
const answers = {
  /** Store address and log position; of a batch one for each message, joined by commas. */
  msgId: offsetId(),
  queueId: int32(),
  /** Of a batch that of the first message. */
  queueOffset: int64(),
  /** The unique key. */
  transactionId: text().optional(),
  batchUniqId: text().optional(),
  recallHandle: text().optional(),
  /** Region of the broker; Java clients read it without a look whether it is there. */
  regionId: text().optional().onWire('MSG_REGION'),
  traceOn: text().optional().onWire('TRACE_ON'),
};

/** What is sent is stored, even when flushing or copying it took too long. */
const outcomes = [
  'SUCCESS',
  'FLUSH_DISK_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
  'FLUSH_SLAVE_TIMEOUT',
] as const;

const asksV1 = {
  producerGroup: text(),
  topic: text().names('topic'),
  /** Template for a topic that is to be created, normally TBW102. */
  defaultTopic: text(),
  defaultTopicQueueNums: int32(),
  /** Below 0 the broker chooses. */
  queueId: int32(),
  sysFlag: int32(),
  bornTimestamp: int64(),
  flag: int32(),
  properties: properties().optional(),
  reconsumeTimes: int32().optional(),
  unitMode: bool().optional(),
  maxReconsumeTimes: int32().optional(),
  /** True when the body holds several messages; this, not the code, decides. */
  batch: bool().optional(),
  brokerName: text().optional().onWire('bname'),
};

/** The same fields under one-letter names. */
const asksV2 = {
  producerGroup: text().onWire('a'),
  topic: text().onWire('b').names('topic'),
  defaultTopic: text().onWire('c'),
  defaultTopicQueueNums: int32().onWire('d'),
  queueId: int32().onWire('e'),
  sysFlag: int32().onWire('f'),
  bornTimestamp: int64().onWire('g'),
  flag: int32().onWire('h'),
  properties: properties().optional().onWire('i'),
  reconsumeTimes: int32().optional().onWire('j'),
  unitMode: bool().optional().onWire('k'),
  maxReconsumeTimes: int32().optional().onWire('l'),
  batch: bool().optional().onWire('m'),
  brokerName: text().optional().onWire('n'),
};

/** Stores one message. The Go client sends this one. */
export const SendMessage = defineCommand({
  code: 10,
  name: 'SEND_MESSAGE',
  needs: 'publish',
  asks: asksV1,
  askBody: bytes(),
  answers,
  outcomes,
});

/** Stores one message; Java clients send this one. */
export const SendMessageV2 = defineCommand({
  code: 310,
  name: 'SEND_MESSAGE_V2',
  needs: 'publish',
  asks: asksV2,
  askBody: bytes(),
  answers,
  outcomes,
});

/** Stores several messages of one topic. */
export const SendBatchMessage = defineCommand({
  code: 320,
  name: 'SEND_BATCH_MESSAGE',
  needs: 'publish',
  asks: asksV2,
  askBody: bytes(),
  answers,
  outcomes,
});

/** A consumer could not consume a message: try again later, or put it to the dead letters. */
export const ConsumerSendMsgBack = defineCommand({
  code: 36,
  name: 'CONSUMER_SEND_MSG_BACK',
  needs: 'consume',
  asks: {
    /** Position in the commit log. */
    offset: int64(),
    group: text().names('group'),
    /** 0 lets the broker choose by the number of attempts; below 0 means dead letters. */
    delayLevel: int32(),
    originMsgId: text().optional(),
    originTopic: text().optional().names('topic'),
    unitMode: bool().default(false),
    maxReconsumeTimes: int32().optional(),
    brokerName: text().optional().onWire('bname'),
  },
  outcomes: ['SUCCESS'],
});

/** The answer to a request message, on its way to the one who asked (old header). */
export const SendReplyMessage = defineCommand({
  code: 324,
  name: 'SEND_REPLY_MESSAGE',
  needs: 'publish',
  asks: asksV1,
  askBody: bytes(),
  answers,
  outcomes,
});

/** The answer to a request message, on its way to the one who asked. */
export const SendReplyMessageV2 = defineCommand({
  code: 325,
  name: 'SEND_REPLY_MESSAGE_V2',
  needs: 'publish',
  asks: asksV2,
  askBody: bytes(),
  answers,
  outcomes,
});

/** The broker hands a reply to the client that waits for it. */
export const PushReplyMessageToClient = defineCommand({
  code: 326,
  name: 'PUSH_REPLY_MESSAGE_TO_CLIENT',
  needs: 'push',
  asks: {
    producerGroup: text(),
    topic: text(),
    defaultTopic: text(),
    defaultTopicQueueNums: int32(),
    queueId: int32(),
    sysFlag: int32(),
    bornTimestamp: int64(),
    flag: int32(),
    properties: properties().optional(),
    reconsumeTimes: int32().optional(),
    unitMode: bool().default(false),
    /** `ip:port`. */
    bornHost: text(),
    storeHost: text(),
    storeTimestamp: int64(),
  },
  askBody: bytes(),
  outcomes: ['SUCCESS'],
});

/** Takes back a message that is not due yet. */
export const RecallMessage = defineCommand({
  code: 370,
  name: 'RECALL_MESSAGE',
  needs: 'publish',
  asks: {
    producerGroup: text().optional(),
    topic: text().names('topic'),
    recallHandle: text(),
    brokerName: text().optional().onWire('bname'),
  },
  answers: { msgId: text() },
  outcomes: ['SUCCESS'],
});
