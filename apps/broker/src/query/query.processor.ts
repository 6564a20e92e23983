import {
  type Asked,
  type QueryConsumeQueue,
  type QueryMessage,
  ResponseCode,
  ResponseError,
  type ViewMessageById,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ClientDirectory } from '../membership/client-directory.js';

/** The most entries of a queue in one answer. */
const mostEntries = 1000;
/** Clients take frames of 16 MiB. */
const mostBytes = 15 * 1024 * 1024;

export interface QueryOptions {
  readonly defaultQueryMaxNum: number;
}

/** Messages by their place, key, or tag. */
export class QueryProcessor {
  constructor(
    private readonly store: MessageStore,
    private readonly options: QueryOptions,
    private readonly clients: ClientDirectory,
  ) {}

  /**
   * Messages by key or unique key, which share one index; 5.5 clients can also ask by tag (`T`).
   * Where a page ended (`lastKey`) counts, in Apache's broker too, only with an index in RocksDB.
   */
  byKey(asked: Asked<typeof QueryMessage>): Outcome<typeof QueryMessage> {
    const isUnique = asked.isUniqueKey?.toLowerCase() === 'true';
    const { records, indexTime, indexPosition } = this.store.query({
      topic: asked.topic,
      key: asked.key,
      isTag: !isUnique && asked.indexType === 'T',
      begin: asked.beginTimestamp,
      end: asked.endTimestamp,
      maxCount: isUnique ? this.options.defaultQueryMaxNum : asked.maxNum,
      maxBytes: mostBytes,
    });
    if (records.length === 0) {
      return {
        code: 'QUERY_NOT_FOUND',
        remark: 'can not find message, maybe time range not correct',
        header: { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 },
      };
    }
    return {
      header: { indexLastUpdateTimestamp: indexTime, indexLastUpdatePhyoffset: indexPosition },
      body: Buffer.concat(records),
    };
  }

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
        `${asked.queueId}@${asked.topic} is not exist!`,
      );
    }
    const from = Math.max(asked.index, queue.min);
    const end = Math.min(queue.visible, from + Math.min(asked.count, mostEntries));
    const queueData = [];
    for (let offset = from; offset < end; offset += 1) {
      const entry = { position: 0, size: 0, tagsCode: 0 };
      if (!queue.entryAt(offset, entry)) break;
      queueData.push({
        eval: false,
        physicOffset: entry.position,
        physicSize: entry.size,
        tagsCode: entry.tagsCode,
      });
    }
    return {
      body: {
        maxQueueIndex: queue.visible,
        minQueueIndex: queue.min,
        queueData,
        ...this.subscriptionOf(asked.consumerGroup, asked.topic),
      },
    };
  }

  /** What a group that is named listens to in the topic; in Java's words when it is not here. */
  private subscriptionOf(group: string | undefined, topic: string) {
    if (group === undefined) return {};
    const subscriptionData = this.clients.subscriptionOf(group, topic);
    if (subscriptionData === undefined) return { filterData: `${group}@${topic} is not online!` };
    return { subscriptionData, filterData: 'null' };
  }
}
