import { type Span, spanOf } from '@nestjs-rocketmq/foundation';
import { MessageBatchError } from './message.errors.js';
import { maxPropertiesBytes } from './properties.js';

/**
 * Many messages in one body (SEND_BATCH_MESSAGE, 320), one after the other:
 *
 * | field             | bytes | note                 |
 * | ----------------- | ----- | -------------------- |
 * | total size        | 4     | includes itself      |
 * | magic             | 4     | 0                    |
 * | body CRC          | 4     | 0                    |
 * | flag              | 4     | the user's           |
 * | body length, body | 4 + n | never compressed     |
 * | properties length | 2 + n | property text        |
 *
 * Topic and queue stand in the request, once for all.
 * Source: org.apache.rocketmq.common.message.MessageDecoder.encodeMessage.
 */
const fixedBytes = 4 + 4 + 4 + 4 + 4 + 2;
const flagAt = 12;
const bodyLengthAt = 16;

export interface BatchedMessage {
  readonly flag: number;
  readonly body: Uint8Array;
  /** Property text, see `encodeProperties`. */
  readonly properties: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Throws `MessageBatchError` when a property text is longer than 32,767 bytes. */
export function encodeBatch(messages: readonly BatchedMessage[]): Uint8Array {
  const texts = messages.map((message) => encoder.encode(message.properties));
  let size = 0;
  messages.forEach((message, i) => {
    const properties = texts[i] as Uint8Array;
    if (properties.length > maxPropertiesBytes) {
      throw new MessageBatchError(
        `Message ${i} of the batch has ${properties.length} bytes of properties; at most ` +
          `${maxPropertiesBytes} are allowed.`,
        { details: { index: i, bytes: properties.length } },
      );
    }
    size += fixedBytes + message.body.length + properties.length;
  });
  const bytes = new Uint8Array(size);
  const data = new DataView(bytes.buffer);
  let at = 0;
  messages.forEach((message, i) => {
    const properties = texts[i] as Uint8Array;
    const bodyEnd = at + bodyLengthAt + 4 + message.body.length;
    data.setInt32(at, fixedBytes + message.body.length + properties.length);
    data.setInt32(at + flagAt, message.flag);
    data.setInt32(at + bodyLengthAt, message.body.length);
    bytes.set(message.body, at + bodyLengthAt + 4);
    data.setInt16(bodyEnd, properties.length);
    bytes.set(properties, bodyEnd + 2);
    at = bodyEnd + 2 + properties.length;
  });
  return bytes;
}

interface MovingSpan extends Span {
  bytes: Uint8Array;
  data: DataView;
  from: number;
  to: number;
}

/**
 * Steps through a batch in place: `start`, then `next` until it answers false. The spans are reused
 * by the next step.
 */
export class BatchCursor {
  flag = 0;
  readonly body: Span;
  readonly properties: Span;
  private readonly bodySpan: MovingSpan = { ...spanOf(new Uint8Array(0)) };
  private readonly propertiesSpan: MovingSpan = { ...spanOf(new Uint8Array(0)) };
  private at = 0;
  private end = 0;
  private from = 0;

  constructor() {
    this.body = this.bodySpan;
    this.properties = this.propertiesSpan;
  }

  start(batch: Span): void {
    for (const span of [this.bodySpan, this.propertiesSpan]) {
      span.bytes = batch.bytes;
      span.data = batch.data;
    }
    this.from = batch.from;
    this.at = batch.from;
    this.end = batch.to;
  }

  /** False at the end. Throws `MessageBatchError` when the lengths do not fit each other. */
  next(): boolean {
    const { at, end } = this;
    if (at === end) return false;
    if (end - at < fixedBytes) throw this.broken('is cut off');
    const data = this.bodySpan.data;
    const size = data.getInt32(at);
    const bodyLength = data.getInt32(at + bodyLengthAt);
    const bodyAt = at + bodyLengthAt + 4;
    if (size < fixedBytes || size > end - at) throw this.broken(`claims ${size} bytes`);
    if (bodyLength < 0 || bodyLength > size - fixedBytes) {
      throw this.broken(`claims a body of ${bodyLength} bytes`);
    }
    const propertiesAt = bodyAt + bodyLength + 2;
    const propertiesLength = data.getInt16(propertiesAt - 2);
    if (propertiesLength < 0 || propertiesAt + propertiesLength !== at + size) {
      throw this.broken(`claims ${propertiesLength} bytes of properties`);
    }
    this.flag = data.getInt32(at + flagAt);
    this.bodySpan.from = bodyAt;
    this.bodySpan.to = bodyAt + bodyLength;
    this.propertiesSpan.from = propertiesAt;
    this.propertiesSpan.to = propertiesAt + propertiesLength;
    this.at = at + size;
    return true;
  }

  private broken(what: string): MessageBatchError {
    const position = this.at - this.from;
    return new MessageBatchError(
      `The batch is damaged: the message at byte ${position} of ${this.end - this.from} ${what}.`,
      { details: { position } },
    );
  }
}

/** The messages of a batch body; bodies are views. Throws `MessageBatchError`. */
export function decodeBatch(bytes: Uint8Array): BatchedMessage[] {
  const cursor = new BatchCursor();
  const messages: BatchedMessage[] = [];
  cursor.start(spanOf(bytes));
  while (cursor.next()) {
    const { body, properties } = cursor;
    messages.push({
      flag: cursor.flag,
      body: bytes.subarray(body.from, body.to),
      properties: decoder.decode(bytes.subarray(properties.from, properties.to)),
    });
  }
  return messages;
}
