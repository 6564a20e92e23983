import { bytes } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { int32, int64, text } from '../command/header-schema.js';

/** Sources: `PullMessageRequestHeader`, `PullMessageResponseHeader`, `PullSysFlag`. */
export const PullSysFlag = {
  /** `commitOffset` is to be committed. */
  commitOffset: 1,
  /** The broker may wait `suspendTimeoutMillis` for messages. */
  suspend: 2,
  /** `subscription` is in the request. */
  subscription: 4,
  classFilter: 8,
  litePull: 16,
} as const;

const asks = {
  consumerGroup: text().names('group'),
  topic: text().names('topic'),
  queueId: int32(),
  queueOffset: int64(),
  maxMsgNums: int32(),
  /** Bits of `PullSysFlag`. */
  sysFlag: int32(),
  commitOffset: int64(),
  suspendTimeoutMillis: int64(),
  subscription: text().optional(),
  subVersion: int64(),
  expressionType: text().optional(),
  maxMsgBytes: int32().optional(),
  requestSource: int32().optional(),
  /** Apache's spelling. */
  proxyFrowardClientId: text().optional(),
  brokerName: text().optional().onWire('bname'),
};

const answers = {
  suggestWhichBrokerId: int64(),
  nextBeginOffset: int64(),
  minOffset: int64(),
  maxOffset: int64(),
  offsetDelta: int64().optional(),
  topicSysFlag: int32().optional(),
  groupSysFlag: int32().optional(),
  /** With NO_PERMISSION: 1 broker, 2 group, 3 topic, 4 broadcasting, 5 subscription. */
  forbiddenType: int32().optional(),
};

const outcomes = [
  'SUCCESS',
  'PULL_NOT_FOUND',
  'PULL_RETRY_IMMEDIATELY',
  'PULL_OFFSET_MOVED',
] as const;

/** Messages of one queue, from an offset on; the body is records as they lie in the log. */
export const PullMessage = defineCommand({
  code: 11,
  name: 'PULL_MESSAGE',
  needs: 'consume',
  asks,
  answers,
  answerBody: bytes(),
  outcomes,
});

/** The same, from a lite pull consumer. */
export const LitePullMessage = defineCommand({
  code: 361,
  name: 'LITE_PULL_MESSAGE',
  needs: 'consume',
  asks,
  answers,
  answerBody: bytes(),
  outcomes,
});
