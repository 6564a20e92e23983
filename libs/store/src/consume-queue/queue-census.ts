import { crc32 } from '@nestjs-rocketmq/foundation';
import type { QueueCensus } from '../formats/checkpoint-layout.js';
import type { ConsumeQueueTable } from './consume-queue-table.js';

const encoder = new TextEncoder();

/**
 * Counts the queues that ever had a message, with a sum over where each of them ends; `logged` looks
 * at the entries only whose records are written.
 */
export function censusOf(table: ConsumeQueueTable, end: 'next' | 'logged' = 'next'): QueueCensus {
  let queues = 0;
  let sum = 0;
  for (const queue of table.all()) {
    const entries = queue[end];
    if (entries === 0 || queue.isDetached) continue;
    queues += 1;
    const text = `${queue.topic}/${queue.queueId}/${entries}`;
    sum = (sum + crc32(encoder.encode(text))) >>> 0;
  }
  return { queues, sum };
}

export function isSameCensus(one: QueueCensus, other: QueueCensus): boolean {
  return one.queues === other.queues && one.sum === other.sum;
}
