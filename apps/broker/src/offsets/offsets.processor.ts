import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  type Asked,
  type AskedView,
  type GetEarliestMsgStoretime,
  type GetMaxOffset,
  type GetMinOffset,
  type QueryConsumerOffset,
  ResponseCode,
  ResponseError,
  type SearchOffsetByTimestamp,
  type UpdateConsumerOffset,
  type GroupOffsets,
} from '@nestjs-rocketmq/protocol';
import type { Reply } from '@nestjs-rocketmq/remoting';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { GroupTable } from '../topics/group-table.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { ConsumerOffsets } from './consumer-offsets.js';
import type { OffsetResets } from './offset-resets.js';

export interface OffsetsParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly resets: OffsetResets;
  readonly logger: Logger;
}

/** Where groups stand, and where queues begin and end. */
export class OffsetsProcessor {
  private readonly store: MessageStore;
  private readonly topics: TopicTable;
  private readonly groups: GroupTable;
  private readonly offsets: ConsumerOffsets;

  constructor(private readonly parts: OffsetsParts) {
    this.store = parts.store;
    this.topics = parts.topics;
    this.groups = parts.groups;
    this.offsets = parts.offsets;
  }

  /** A group that never committed is answered 0 while the queue is young, else that it is new. */
  query(
    asked: AskedView<typeof QueryConsumerOffset>,
    reply: Reply<typeof QueryConsumerOffset>,
  ): void {
    const { consumerGroup, topic, queueId } = asked;
    const known = this.offsets.offsetOf(consumerGroup, topic, queueId);
    if (known === undefined && (asked.setZeroIfNotFound === false || this.isOld(topic, queueId))) {
      const remark = 'Not found, maybe this group consumer boot first';
      return reply.refuse(ResponseCode.QUERY_NOT_FOUND, remark);
    }
    reply.answer.offset = known ?? 0;
    reply.success();
  }

  update(
    asked: AskedView<typeof UpdateConsumerOffset>,
    reply: Reply<typeof UpdateConsumerOffset>,
  ): void {
    const { consumerGroup, topic, queueId, commitOffset } = asked;
    // No group comes into being by offsets alone: a late commit does not bring back a deleted one.
    if (this.groups.get(consumerGroup) === undefined) {
      const remark = `Group ${consumerGroup} not exist!`;
      return reply.refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
    }
    const known = this.topics.get(topic);
    if (known === undefined) {
      return reply.refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
    }
    if (queueId < 0 || queueId >= known.queueIds || commitOffset < 0) {
      const remark = `queue ${queueId} of ${topic} or offset ${commitOffset} is illegal`;
      return reply.refuse(ResponseCode.INVALID_PARAMETER, remark);
    }
    // What was consumed from before an operator's reset does not undo it.
    if (this.parts.resets.has(consumerGroup, topic, queueId)) {
      return reply.outcome(ResponseCode.SUCCESS, 'Offset has been previously reset');
    }
    const before = this.offsets.offsetOf(consumerGroup, topic, queueId) ?? 0;
    if (commitOffset < before) {
      this.parts.logger.debug('a group goes back', { consumerGroup, topic, queueId, commitOffset });
    }
    this.offsets.commit(consumerGroup, topic, queueId, commitOffset);
    reply.success();
  }

  max(asked: Asked<typeof GetMaxOffset>): { header: { offset: number } } {
    return { header: { offset: this.queueOf(asked)?.visible ?? 0 } };
  }

  min(asked: Asked<typeof GetMinOffset>): { header: { offset: number } } {
    return { header: { offset: this.queueOf(asked)?.min ?? 0 } };
  }

  searchByTime(asked: Asked<typeof SearchOffsetByTimestamp>): { header: { offset: number } } {
    const queue = this.queueOf(asked);
    if (queue === undefined) return { header: { offset: 0 } };
    const boundary = asked.boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER';
    return { header: { offset: this.store.offsetByTime(queue, asked.timestamp, boundary) } };
  }

  earliestTime(asked: Asked<typeof GetEarliestMsgStoretime>): { header: { timestamp: number } } {
    const queue = this.queueOf(asked);
    const time = queue === undefined ? undefined : this.store.storeTimeAt(queue, queue.min);
    return { header: { timestamp: time ?? -1 } };
  }

  all(): { body: GroupOffsets } {
    return { body: this.offsets.toJSON() };
  }

  /** Its first message is gone, or lies too far back to be read from memory. */
  private isOld(topic: string, queueId: number): boolean {
    const queue = this.store.findQueue(topic, queueId);
    return queue !== undefined && (queue.min > 0 || this.store.isFarBehind(queue, 0));
  }

  /** Undefined when nothing was ever written to it. Throws for a queue that the topic has not. */
  private queueOf(asked: { topic: string; queueId: number }): ConsumeQueue | undefined {
    const topic = this.topics.get(asked.topic);
    if (topic !== undefined && (asked.queueId < 0 || asked.queueId >= topic.queueIds)) {
      throw new ResponseError(
        ResponseCode.INVALID_PARAMETER,
        `queueId[${asked.queueId}] is illegal, topic ${asked.topic} has ${topic.queueIds} queues`,
      );
    }
    return this.store.findQueue(asked.topic, asked.queueId);
  }
}
