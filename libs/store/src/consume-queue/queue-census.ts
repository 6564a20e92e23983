import { crc32 } from '@nestjs-rocketmq/foundation';
import type { QueueCensus } from '../formats/checkpoint-layout.js';
import type { ConsumeQueueTable } from './consume-queue-table.js';

const encoder = new TextEncoder();

/** Counts the queues that ever had a message, with a sum over where each of them ends. */
export function censusOf(table: ConsumeQueueTable): QueueCensus {
  let queues = 0;
  let sum = 0;
  for (const queue of table.all()) {
    if (queue.next === 0) continue;
    queues += 1;
    const text = `${queue.topic}/${queue.queueId}/${queue.next}`;
    sum = (sum + crc32(encoder.encode(text))) >>> 0;
  }
  return { queues, sum };
}
