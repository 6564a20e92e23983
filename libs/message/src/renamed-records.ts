import { viewOf } from '@nestjs-rocketmq/foundation';
import { recordField, recordMagicV2 } from './message-record.js';
import { decodeRecords, type StoredMessage } from './stored-message.js';

/** What becomes of the names in a record. */
export interface Renaming {
  /** The topic. */
  topic(topic: string): string;
  /** The property text. */
  properties(text: string): string;
}

/**
 * Records like those in `bytes`, one after the other, with other topics and property texts; nothing
 * else changes. Names may only become shorter. Throws `MessageRecordError`.
 */
export function renamedRecords(bytes: Uint8Array, renaming: Renaming): Uint8Array {
  const messages = decodeRecords(bytes);
  return Buffer.concat(messages.map((message) => renamed(message, renaming)));
}

function renamed(message: StoredMessage, renaming: Renaming): Uint8Array {
  const { record, topic: oldTopic, propertiesText: oldText } = message;
  const topic = renaming.topic(oldTopic);
  const text = renaming.properties(oldText);
  if (topic === oldTopic && text === oldText) return record;
  const properties = Buffer.from(text);
  const name = Buffer.from(topic);
  const isV2 = viewOf(record).getInt32(recordField.magic) === recordMagicV2;
  const lengthBytes = isV2 ? 2 : 1;
  const tail = Buffer.byteLength(oldTopic) + 2 + Buffer.byteLength(oldText);
  const head = Buffer.from(record.subarray(0, record.length - tail - lengthBytes));
  const rest = Buffer.alloc(lengthBytes + name.length + 2 + properties.length);
  rest.writeUIntBE(name.length, 0, lengthBytes);
  rest.set(name, lengthBytes);
  rest.writeUInt16BE(properties.length, lengthBytes + name.length);
  rest.set(properties, lengthBytes + name.length + 2);
  head.writeInt32BE(head.length + rest.length, recordField.size);
  return Buffer.concat([head, rest]);
}
