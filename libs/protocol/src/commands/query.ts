import { consumeQueueEntries } from '../bodies/inspection-data.js';
import { bytes, json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { int32, int64, text } from '../command/header-schema.js';

/** Messages by key; the body is records. Source: `QueryMessageRequestHeader`. */
export const QueryMessage = defineCommand({
  code: 12,
  name: 'QUERY_MESSAGE',
  needs: 'read',
  asks: {
    topic: text().names('topic'),
    key: text(),
    maxNum: int32(),
    beginTimestamp: int64().saturating(),
    /** Java sends its largest long for "until now". */
    endTimestamp: int64().saturating(),
    /** `true` when the key is a unique key. */
    isUniqueKey: text().optional().onWire('_UNIQUE_KEY_QUERY'),
    /** 5.5: K key, T tag, U unique. */
    indexType: text().optional(),
    /** 5.5: where the last page ended. */
    lastKey: text().optional(),
  },
  answers: { indexLastUpdateTimestamp: int64(), indexLastUpdatePhyoffset: int64() },
  answerBody: bytes(),
  outcomes: ['SUCCESS', 'QUERY_NOT_FOUND'],
});

/** One message by its position in the log; the body is its record. */
export const ViewMessageById = defineCommand({
  code: 33,
  name: 'VIEW_MESSAGE_BY_ID',
  needs: 'read',
  asks: { topic: text().optional().names('topic'), offset: int64() },
  answerBody: bytes(),
  outcomes: ['SUCCESS'],
});

/** Entries of a consume queue. */
export const QueryConsumeQueue = defineCommand({
  code: 321,
  name: 'QUERY_CONSUME_QUEUE',
  needs: 'read',
  asks: {
    topic: text().names('topic'),
    queueId: int32(),
    index: int64(),
    count: int32(),
    consumerGroup: text().optional(),
  },
  answerBody: json(consumeQueueEntries),
  outcomes: ['SUCCESS'],
});
