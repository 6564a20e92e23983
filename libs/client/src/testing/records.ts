import { spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import { encodeProperties, recordSize, StoredMessage, writeRecord } from '@nestjs-rocketmq/message';

/** What a spec says about a stored message; the rest is made up. */
export interface RecordOf {
  readonly topic: string;
  readonly text: string;
  readonly properties?: Record<string, string>;
  readonly queueId?: number;
  readonly queueOffset?: number;
  readonly reconsumeTimes?: number;
  readonly storeTimestamp?: number;
}

/** For specs: the bytes of a message as a broker stores it. */
export function recordOf(message: RecordOf): Uint8Array {
  const { topic, text, properties = {}, queueId = 0, queueOffset = 0 } = message;
  const host = Uint8Array.of(127, 0, 0, 1);
  const topicBytes = new TextEncoder().encode(topic);
  const draft = {
    topic,
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: host,
    bornPort: 1,
    storeHost: host,
    storePort: 2,
    reconsumeTimes: message.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: spanOf(new TextEncoder().encode(text)),
    properties: spanOf(new TextEncoder().encode(encodeProperties(properties))),
    suffix: spanOf(new Uint8Array(0)),
    tagsCode: 0,
  };
  const bytes = new Uint8Array(recordSize(draft, topicBytes.length));
  const logPosition = 1000 + queueOffset;
  const place = {
    queueOffset,
    logPosition,
    position: logPosition,
    storeTimestamp: message.storeTimestamp ?? 2,
  };
  writeRecord(bytes, viewOf(bytes), 0, draft, topicBytes, place);
  return bytes;
}

/** For specs: the same as a consumer sees it. */
export function storedMessageOf(message: RecordOf): StoredMessage {
  return new StoredMessage(recordOf(message));
}
