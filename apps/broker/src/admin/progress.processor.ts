import {
  type Asked,
  type BrokerConsumeStats,
  type ConsumeStats,
  type GetBrokerConsumeStats,
  type GetConsumeStats,
  type GetTopicStatsInfo,
  type QueryConsumeTimeSpan,
  ResponseCode,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import type { Clock } from '@nestjs-rocketmq/foundation';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { GroupTable } from '../topics/group-table.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { Figures } from './figures.js';

export interface ProgressParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientDirectory;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly brokerName: string;
  /** Where clients reach this broker. */
  readonly address: () => string;
}

/** How far queues reach, and how far behind groups are. */
export class ProgressProcessor {
  constructor(private readonly parts: ProgressParts) {}

  topicStats(asked: Asked<typeof GetTopicStatsInfo>): Outcome<typeof GetTopicStatsInfo> {
    const topic = this.topicOf(asked.topic);
    const { store, figures, brokerName } = this.parts;
    const ids = Array.from({ length: topic.queueIds }, (_, queueId) => queueId);
    return {
      body: {
        offsetTable: ids.map((queueId) => {
          const queue = store.findQueue(topic.name, queueId);
          const maxOffset = queue?.visible ?? 0;
          const lastUpdateTimestamp = maxOffset === 0 ? 0 : this.timeAt(queue, maxOffset - 1, 0);
          const bounds = { minOffset: queue?.min ?? 0, maxOffset, lastUpdateTimestamp };
          return [{ brokerName, queueId, topic: topic.name }, bounds];
        }),
        topicPutTps: figures.putRate(topic),
      },
    };
  }

  /**
   * Topics that the group has offsets for, or those named. Unknown ones are passed over, and, unless
   * a list names them, those that the group is online for and does not listen to.
   */
  consumeStats(asked: Asked<typeof GetConsumeStats>): Outcome<typeof GetConsumeStats> {
    const { figures } = this.parts;
    const group = asked.consumerGroup;
    const offsetTable: ConsumeStats['offsetTable'] = [];
    let consumeTps = 0;
    for (const name of this.topicsFor(asked)) {
      const topic = this.parts.topics.get(name);
      if (topic === undefined) continue;
      consumeTps += figures.consumeRate(group, name);
      for (let queueId = 0; queueId < topic.readQueues; queueId += 1) {
        offsetTable.push(this.progressOf(group, topic, queueId));
      }
    }
    return { body: { consumeTps, offsetTable } };
  }

  /** Every group with every topic that it has offsets for. */
  everyGroup(asked: Asked<typeof GetBrokerConsumeStats>): Outcome<typeof GetBrokerConsumeStats> {
    const { groups, offsets, topics, figures } = this.parts;
    const list: BrokerConsumeStats['consumeStatsList'] = [];
    let totalDiff = 0;
    let totalInflightDiff = 0;
    for (const group of groups.names()) {
      const ofGroup: ConsumeStats[] = [];
      for (const name of offsets.topicsOf(group).filter((each) => this.isWanted(group, each))) {
        const topic = topics.get(name);
        if (topic === undefined || (asked.isOrder && !topic.isOrdered)) continue;
        const offsetTable: ConsumeStats['offsetTable'] = [];
        for (let queueId = 0; queueId < topic.writeQueues; queueId += 1) {
          const [queue, { pullOffset, ...progress }] = this.progressOf(group, topic, queueId);
          totalDiff += progress.brokerOffset - progress.consumerOffset;
          totalInflightDiff += pullOffset - progress.consumerOffset;
          offsetTable.push([queue, { ...progress, pullOffset: 0 }]);
        }
        ofGroup.push({ consumeTps: figures.consumeRate(group, name), offsetTable });
      }
      list.push({ [group]: ofGroup });
    }
    return {
      body: {
        brokerAddr: this.parts.address(),
        consumeStatsList: list,
        totalDiff,
        totalInflightDiff,
      },
    };
  }

  /** Per queue: store times of its ends, of what the group consumed last and of what waits for it. */
  timeSpan(asked: Asked<typeof QueryConsumeTimeSpan>): Outcome<typeof QueryConsumeTimeSpan> {
    const topic = this.topicOf(asked.topic);
    const { store, offsets, brokerName, clock } = this.parts;
    const ids = Array.from({ length: topic.writeQueues }, (_, queueId) => queueId);
    const consumeTimeSpanSet = ids.map((queueId) => {
      const queue = store.findQueue(topic.name, queueId);
      const visible = queue?.visible ?? 0;
      const offset = offsets.offsetOf(asked.group, topic.name, queueId) ?? -1;
      const minTimeStamp = this.timeAt(queue, queue?.min ?? 0, -1);
      const next = offset < visible ? this.timeAt(queue, Math.max(offset, 0), -1) : undefined;
      return {
        messageQueue: { brokerName, queueId, topic: topic.name },
        minTimeStamp,
        maxTimeStamp: this.timeAt(queue, visible - 1, -1),
        consumeTimeStamp: offset > 0 ? this.timeAt(queue, offset - 1, -1) : minTimeStamp,
        delayTime: next === undefined || next < 0 ? 0 : clock.now() - next,
      };
    });
    return { body: { consumeTimeSpanSet } };
  }

  private topicsFor(asked: Asked<typeof GetConsumeStats>): string[] {
    const listed = (asked.topicList ?? '').split(';').filter(Boolean);
    if (listed.length > 0) return listed;
    const group = asked.consumerGroup;
    const named = asked.topic?.trim();
    const topics = named ? [named] : this.parts.offsets.topicsOf(group);
    return topics.filter((topic) => this.isWanted(group, topic));
  }

  /** A group that is online is asked about what it listens to, as in Java. */
  private isWanted(group: string, topic: string): boolean {
    const online = this.parts.clients.consumerGroup(group);
    if (online === undefined || online.subscriptions().length === 0) return true;
    return online.subscriptionOf(topic) !== undefined;
  }

  private progressOf(
    group: string,
    topic: Topic,
    queueId: number,
  ): ConsumeStats['offsetTable'][number] {
    const { store, offsets, figures, brokerName } = this.parts;
    const queue = store.findQueue(topic.name, queueId);
    const consumerOffset = offsets.offsetOf(group, topic.name, queueId) ?? -1;
    const pulled = figures.pulledTo(group, topic.name, queueId) ?? 0;
    return [
      { brokerName, queueId, topic: topic.name },
      {
        brokerOffset: queue?.visible ?? 0,
        consumerOffset: Math.max(consumerOffset, 0),
        pullOffset: Math.max(consumerOffset, pulled, 0),
        lastTimestamp: consumerOffset > 0 ? this.timeAt(queue, consumerOffset - 1, 0) : 0,
      },
    ];
  }

  private timeAt(queue: ConsumeQueue | undefined, offset: number, otherwise: number): number {
    if (queue === undefined || offset < 0) return otherwise;
    return this.parts.store.storeTimeAt(queue, offset) ?? otherwise;
  }

  private topicOf(name: string): Topic {
    const topic = this.parts.topics.get(name);
    if (topic !== undefined) return topic;
    throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist`);
  }
}
