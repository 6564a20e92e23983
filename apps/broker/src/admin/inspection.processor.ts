import {
  type Asked,
  type Connection,
  ConsumeMessageDirectly,
  type ConsumeStats,
  type GetConsumerConnectionList,
  GetConsumerRunningInfo,
  type GetConsumeStats,
  type GetProducerConnectionList,
  type GetTopicStatsInfo,
  type QueryTopicConsumeByWho,
  ResponseCode,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import { parseOffsetMessageId } from '@nestjs-rocketmq/message';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Member } from '../membership/consumer-group.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { Figures } from './figures.js';

/** How long a client may take to answer what an operator asks it through the broker. */
const clientTimeoutMs = 10_000;

export interface InspectionParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientDirectory;
  readonly figures: Figures;
  readonly brokerName: string;
}

/** Who produces, who consumes, how far behind: each method asks one table. */
export class InspectionProcessor {
  constructor(private readonly parts: InspectionParts) {}

  topicStats(asked: Asked<typeof GetTopicStatsInfo>): Outcome<typeof GetTopicStatsInfo> {
    const topic = this.topicOf(asked.topic);
    const { store, figures, brokerName } = this.parts;
    const ids = Array.from({ length: topic.queueIds }, (_, queueId) => queueId);
    return {
      body: {
        offsetTable: ids.map((queueId) => {
          const queue = store.findQueue(topic.name, queueId);
          const maxOffset = queue?.visible ?? 0;
          const last = queue === undefined ? undefined : store.storeTimeAt(queue, maxOffset - 1);
          const bounds = { minOffset: queue?.min ?? 0, maxOffset, lastUpdateTimestamp: last ?? 0 };
          return [{ brokerName, queueId, topic: topic.name }, bounds];
        }),
        topicPutTps: figures.putRate(topic),
      },
    };
  }

  consumers(
    asked: Asked<typeof GetConsumerConnectionList>,
  ): Outcome<typeof GetConsumerConnectionList> {
    const group = this.parts.clients.consumerGroup(asked.consumerGroup);
    if (group === undefined) {
      const remark = `the consumer group[${asked.consumerGroup}] not online`;
      throw new ResponseError(ResponseCode.CONSUMER_NOT_ONLINE, remark);
    }
    const { consumeFromWhere, consumeType, messageModel } = group;
    return {
      body: {
        connectionSet: group.members().map(connectionOf),
        consumeFromWhere,
        consumeType,
        messageModel,
        subscriptionTable: Object.fromEntries(
          group.subscriptions().map((data) => [data.topic, data]),
        ),
      },
    };
  }

  producers(
    asked: Asked<typeof GetProducerConnectionList>,
  ): Outcome<typeof GetProducerConnectionList> {
    const members = this.parts.clients.producersOf(asked.producerGroup);
    if (members.length === 0) {
      const remark = `the producer group[${asked.producerGroup}] not exist`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    return { body: { connectionSet: members.map(connectionOf) } };
  }

  /** Topics that the group has offsets for, or those named. Unknown ones are passed over. */
  consumeStats(asked: Asked<typeof GetConsumeStats>): Outcome<typeof GetConsumeStats> {
    const { offsets, figures } = this.parts;
    const group = asked.consumerGroup;
    const named = [asked.topic ?? '', ...(asked.topicList ?? '').split(';')].filter(Boolean);
    const topics = named.length > 0 ? named : offsets.topicsOf(group);
    const offsetTable: ConsumeStats['offsetTable'] = [];
    let consumeTps = 0;
    for (const name of topics) {
      const topic = this.parts.topics.get(name);
      if (topic === undefined) continue;
      consumeTps += figures.consumeRate(group, name);
      for (let queueId = 0; queueId < topic.readQueues; queueId += 1) {
        offsetTable.push(this.progressOf(group, topic, queueId));
      }
    }
    return { body: { consumeTps, offsetTable } };
  }

  /** Groups that listen to a topic now, and those that have offsets in it. */
  groupsOf(asked: Asked<typeof QueryTopicConsumeByWho>): Outcome<typeof QueryTopicConsumeByWho> {
    const { clients, offsets } = this.parts;
    const groups = [...clients.groupsListeningTo(asked.topic), ...offsets.groupsOf(asked.topic)];
    return { body: { groupList: [...new Set(groups)] } };
  }

  /** Asked of the client itself; its answer is handed on as it is. */
  async runningInfo(
    asked: Asked<typeof GetConsumerRunningInfo>,
  ): Promise<Outcome<typeof GetConsumerRunningInfo>> {
    const { peer } = this.memberOf(asked.consumerGroup, asked.clientId);
    const answer = await peer.invoke(GetConsumerRunningInfo, asked, { timeoutMs: clientTimeoutMs });
    return { remark: answer.remark, body: answer.body };
  }

  /** Has one client consume one stored message now. */
  async consumeDirectly(
    asked: Asked<typeof ConsumeMessageDirectly>,
  ): Promise<Outcome<typeof ConsumeMessageDirectly>> {
    const { peer } = this.memberOf(asked.consumerGroup, asked.clientId ?? '');
    const { position } = parseOffsetMessageId(asked.msgId ?? '');
    const body = this.parts.store.readRecord(position);
    if (body === undefined) {
      const remark = `can not find message by the offset, ${position}`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    const answer = await peer.invoke(
      ConsumeMessageDirectly,
      { ...asked, brokerName: this.parts.brokerName },
      { timeoutMs: clientTimeoutMs, body },
    );
    return { remark: answer.remark, body: answer.body };
  }

  private progressOf(
    group: string,
    topic: Topic,
    queueId: number,
  ): ConsumeStats['offsetTable'][number] {
    const { store, offsets, brokerName } = this.parts;
    const queue = store.findQueue(topic.name, queueId);
    const consumerOffset = offsets.offsetOf(group, topic.name, queueId) ?? -1;
    const last =
      queue !== undefined && consumerOffset > 0
        ? store.storeTimeAt(queue, consumerOffset - 1)
        : undefined;
    return [
      { brokerName, queueId, topic: topic.name },
      {
        brokerOffset: queue?.visible ?? 0,
        consumerOffset: Math.max(consumerOffset, 0),
        pullOffset: Math.max(consumerOffset, 0),
        lastTimestamp: last ?? 0,
      },
    ];
  }

  private memberOf(group: string, clientId: string): Member {
    const member = this.parts.clients.consumerGroup(group)?.member(clientId);
    if (member !== undefined) return member;
    const remark = `The Consumer <${group}> <${clientId}> not online`;
    throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
  }

  private topicOf(name: string): Topic {
    const topic = this.parts.topics.get(name);
    if (topic !== undefined) return topic;
    throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist`);
  }
}

function connectionOf(member: Member): Connection {
  const { clientId, peer, version } = member;
  const language = member.language as Connection['language'];
  return { clientAddr: peer.remoteAddress, clientId, language, version };
}
