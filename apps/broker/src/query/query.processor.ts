import {
  type Asked,
  type QueryConsumeQueue,
  type QueryMessage,
  ResponseCode,
  ResponseError,
  type SubscriptionData,
  type ViewMessageById,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ConsumerFilters } from '../filters/consumer-filters.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import { describeEntry, type Judge, judgeOf } from './queue-entries.js';

/** The most entries of a queue in one answer. */
const mostEntries = 1000;
/** Clients take frames of 16 MiB. */
const mostBytes = 15 * 1024 * 1024;

export interface QueryOptions {
  readonly defaultQueryMaxNum: number;
}

interface Listening {
  readonly subscriptionData?: SubscriptionData;
  readonly filterData?: string;
  readonly judge?: Judge;
}

/** Messages by their place, key, or tag. */
export class QueryProcessor {
  constructor(
    private readonly store: MessageStore,
    private readonly options: QueryOptions,
    private readonly clients: ClientDirectory,
    private readonly filters: Pick<ConsumerFilters, 'find'>,
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
    const { judge, ...subscription } = this.subscriptionOf(asked.consumerGroup, asked.topic);
    const queueData = [];
    for (let offset = from; offset < end; offset += 1) {
      const entry = describeEntry(queue, offset, judge);
      if (entry === undefined) break;
      queueData.push(entry);
    }
    const { visible: maxQueueIndex, min: minQueueIndex } = queue;
    return { body: { maxQueueIndex, minQueueIndex, queueData, ...subscription } };
  }

  /** What a group that is named listens to in the topic; in Java's words when it is not here. */
  private subscriptionOf(group: string | undefined, topic: string): Listening {
    if (group === undefined) return {};
    const subscriptionData = this.clients.subscriptionOf(group, topic);
    if (subscriptionData === undefined) return { filterData: `${group}@${topic} is not online!` };
    const filter = this.filters.find(topic, group);
    return {
      subscriptionData,
      filterData: JSON.stringify(filter?.data ?? null, undefined, '\t'),
      judge: judgeOf(subscriptionData, filter),
    };
  }
}
