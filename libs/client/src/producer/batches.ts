import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import { BatchIncompleteError } from '../client.errors.js';
import { batchedBytes, type BatchPart, type Drafts } from './drafts.js';
import { invalid } from './refusing.js';
import type { SendResult } from './send-result.js';

/** Messages that go as one request. */
export interface Chunk {
  readonly messages: readonly OutgoingMessage[];
  readonly parts: readonly BatchPart[];
}

/**
 * Cuts messages into chunks whose encoded size is at most `limit`; a message that is larger by
 * itself is a chunk of its own. Throws `InvalidMessageError` or `MessageTooLargeError` when one of
 * them cannot be sent in a batch, before anything is sent.
 */
export function cutIntoChunks(
  drafts: Drafts,
  messages: readonly OutgoingMessage[],
  limit: number,
): Chunk[] {
  const [first] = messages;
  if (first === undefined) return invalid('The batch is empty.');
  const chunks: { messages: OutgoingMessage[]; parts: BatchPart[] }[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const part = drafts.part(message, first);
    const bytes = batchedBytes(part);
    if (size + bytes > limit) {
      chunks.push({ messages: [], parts: [] });
      size = 0;
    }
    size += bytes;
    const chunk = chunks.at(-1) as (typeof chunks)[number];
    chunk.messages.push(message);
    chunk.parts.push(part);
  }
  return chunks;
}

/**
 * The result of a batch as one for each of its messages. Queues of 5.x that keep batches whole have
 * one offset and one id for all of them.
 */
export function splitResult(result: SendResult, keys: readonly string[]): SendResult[] {
  const ids = result.offsetMsgId.split(',');
  const hasAll = ids.length === keys.length;
  return keys.map((msgId, i) => ({
    ...result,
    msgId,
    offsetMsgId: hasAll ? (ids[i] as string) : result.offsetMsgId,
    queueOffset: hasAll ? result.queueOffset + i : result.queueOffset,
  }));
}

/**
 * Sends chunk after chunk, so that what goes to one queue stays in order. Rejects with
 * `BatchIncompleteError`, which has the results so far, when one fails; the others are not sent then.
 */
export async function sendChunks(
  chunks: readonly Chunk[],
  send: (chunk: Chunk) => Promise<readonly SendResult[]>,
): Promise<SendResult[]> {
  const results: SendResult[] = [];
  const count = chunks.reduce((sum, { messages }) => sum + messages.length, 0);
  for (const chunk of chunks) {
    try {
      results.push(...(await send(chunk)));
    } catch (cause) {
      throw new BatchIncompleteError(
        `${results.length} of ${count} messages of a batch were sent, then a part failed; what is ` +
          'behind it was not sent.',
        results,
        { cause },
      );
    }
  }
  return results;
}
