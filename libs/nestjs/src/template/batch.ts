import type { OutgoingMessage } from '@nestjs-rocketmq/message';

/** Length, magic code, checksum, flag, body length and property length of a message in a batch. */
const fixedBytes = 22;

/** Room for what the client adds to every message: its unique key and the wait flag. */
const addedBytes = 80;

function sizeOf(message: OutgoingMessage): number {
  const keys = typeof message.keys === 'string' ? [message.keys] : (message.keys ?? []);
  const texts = [message.tags ?? '', ...keys, ...Object.entries(message.properties ?? {}).flat()];
  const properties = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 8, 0);
  return fixedBytes + addedBytes + message.body.length + properties;
}

/** Cuts a batch into parts whose encoded size stays within `maxBytes`; keeps the order. */
export function cutBatch(
  messages: readonly OutgoingMessage[],
  maxBytes: number,
): OutgoingMessage[][] {
  const parts: OutgoingMessage[][] = [];
  let part: OutgoingMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (part.length > 0 && bytes + size > maxBytes) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
