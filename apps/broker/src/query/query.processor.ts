import {
  type Asked,
  type QueryConsumeQueue,
  ResponseCode,
  ResponseError,
  type ViewMessageById,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';

/** The most entries of a queue in one answer. */
const mostEntries = 1000;

/** Messages by their place. */
export class QueryProcessor {
  constructor(private readonly store: MessageStore) {}

  /** The record at a position of the log; callers take it from an offset message id. */
  byPosition(asked: Asked<typeof ViewMessageById>): Outcome<typeof ViewMessageById> {
    const body = this.store.readRecord(asked.offset);
    if (body !== undefined) return { body };
    throw new ResponseError(
      ResponseCode.SYSTEM_ERROR,
      `can not find message by the offset, ${asked.offset}`,
    );
  }

  /** Entries of a queue as they lie in its file. */
  entries(asked: Asked<typeof QueryConsumeQueue>): Outcome<typeof QueryConsumeQueue> {
    const queue = this.store.findQueue(asked.topic, asked.queueId);
    if (queue === undefined) {
      throw new ResponseError(
        ResponseCode.SYSTEM_ERROR,
        `queue ${asked.queueId} of topic ${asked.topic} is not exist!`,
      );
    }
    const from = Math.max(asked.index, queue.min);
    const end = Math.min(queue.visible, from + Math.min(asked.count, mostEntries));
    const queueData = [];
    for (let offset = from; offset < end; offset += 1) {
      const entry = { position: 0, size: 0, tagsCode: 0 };
      if (!queue.entryAt(offset, entry)) break;
      queueData.push({
        eval: true,
        physicOffset: entry.position,
        physicSize: entry.size,
        tagsCode: entry.tagsCode,
      });
    }
    return { body: { maxQueueIndex: queue.visible, minQueueIndex: queue.min, queueData } };
  }
}
