import {
  type Asked,
  type Connection,
  type GetAllProducerInfo,
  type GetConsumerConnectionList,
  type GetProducerConnectionList,
  type ProducerTable,
  type QuerySubscriptionByConsumer,
  type QueryTopicConsumeByWho,
  type QueryTopicsByConsumer,
  ResponseCode,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Member } from '../membership/consumer-group.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';

/** Who produces, who consumes what: each method asks one table. */
export class InspectionProcessor {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly offsets: ConsumerOffsets,
    /** Where clients reach this broker. */
    private readonly address: () => string,
  ) {}

  consumers(
    asked: Asked<typeof GetConsumerConnectionList>,
  ): Outcome<typeof GetConsumerConnectionList> {
    const group = this.clients.consumerGroup(asked.consumerGroup);
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
    const members = this.clients.producersOf(asked.producerGroup);
    if (members.length === 0) {
      const remark = `the producer group[${asked.producerGroup}] not exist`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    return { body: { connectionSet: members.map(connectionOf) } };
  }

  /** Every producer, by group. */
  everyProducer(): Outcome<typeof GetAllProducerInfo> {
    const data: ProducerTable['data'] = {};
    for (const group of this.clients.producerGroups()) {
      data[group] = this.clients.producersOf(group).map((member) => {
        const { clientAddr, ...connection } = connectionOf(member);
        return {
          ...connection,
          remoteIP: `/${clientAddr}`,
          lastUpdateTimestamp: this.clients.lastSeenAt(member),
        };
      });
    }
    return { body: { data } };
  }

  /** Groups that listen to a topic now, and those that have offsets in it. */
  groupsOf(asked: Asked<typeof QueryTopicConsumeByWho>): Outcome<typeof QueryTopicConsumeByWho> {
    const { clients, offsets } = this;
    const groups = [...clients.groupsListeningTo(asked.topic), ...offsets.groupsOf(asked.topic)];
    return { body: { groupList: [...new Set(groups)] } };
  }

  topicsOf(asked: Asked<typeof QueryTopicsByConsumer>): Outcome<typeof QueryTopicsByConsumer> {
    return { body: { topicList: this.offsets.topicsOf(asked.group), brokerAddr: this.address() } };
  }

  subscription(
    asked: Asked<typeof QuerySubscriptionByConsumer>,
  ): Outcome<typeof QuerySubscriptionByConsumer> {
    const { group, topic } = asked;
    const subscriptionData =
      topic === undefined ? undefined : this.clients.subscriptionOf(group, topic);
    return { body: { group, topic, subscriptionData } };
  }
}

function connectionOf(member: Member): Connection {
  const { clientId, peer, version } = member;
  const language = member.language as Connection['language'];
  return { clientAddr: peer.remoteAddress, clientId, language, version };
}
