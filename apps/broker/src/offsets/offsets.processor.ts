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

/** Where groups stand, and where queues begin and end. */
export class OffsetsProcessor {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicTable,
    private readonly groups: GroupTable,
    private readonly offsets: ConsumerOffsets,
    private readonly logger: Logger,
  ) {}

  /** 0 is answered for a group that never committed only when the queue still begins at 0. */
  query(
    asked: AskedView<typeof QueryConsumerOffset>,
    reply: Reply<typeof QueryConsumerOffset>,
  ): void {
    const { consumerGroup, topic, queueId } = asked;
    const known = this.offsets.offsetOf(consumerGroup, topic, queueId);
    const min = this.store.findQueue(topic, queueId)?.min ?? 0;
    if (known === undefined && (asked.setZeroIfNotFound === false || min > 0)) {
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
    if (this.groups.find(consumerGroup) === undefined) {
      const remark = `subscription group not exist, ${consumerGroup}`;
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
    const before = this.offsets.offsetOf(consumerGroup, topic, queueId) ?? 0;
    if (commitOffset < before) {
      this.logger.debug('a group goes back', { consumerGroup, topic, queueId, commitOffset });
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
