import type { Clock } from '@nestjs-rocketmq/foundation';
import { retryTopic } from '@nestjs-rocketmq/message';
import {
  type Asked,
  type CheckClientConfig,
  type ConsumerData,
  type GetConsumerListByGroup,
  type HeartBeat,
  type HeartbeatData,
  type LockBatchMq,
  ResponseCode,
  ResponseError,
  type UnlockBatchMq,
  type UnregisterClient,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome, Peer } from '@nestjs-rocketmq/remoting';
import { FilterError, SqlFilter } from '@nestjs-rocketmq/filter';
import type { GroupTable } from '../topics/group-table.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { ClientDirectory, Sender } from './client-directory.js';
import type { QueueLocks } from './queue-locks.js';

export interface MembershipParts {
  readonly clients: ClientDirectory;
  readonly locks: QueueLocks;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly clock: Clock;
  readonly options: {
    readonly enablePropertyFilter: boolean;
    readonly enableRegisterProducer: boolean;
    readonly rejectTransactionMessage: boolean;
    readonly rejectPullConsumerEnable: boolean;
  };
}

/** Who is here: heartbeats, leaving, the members of a group, and who holds which queue. */
export class MembershipProcessor {
  private readonly clients: ClientDirectory;
  private readonly locks: QueueLocks;
  private readonly topics: TopicTable;
  private readonly groups: GroupTable;

  constructor(private readonly parts: MembershipParts) {
    this.clients = parts.clients;
    this.locks = parts.locks;
    this.topics = parts.topics;
    this.groups = parts.groups;
  }

  /** Groups that are unknown and may not create themselves are passed over, as in Java. */
  async heartbeat(
    _: Asked<typeof HeartBeat>,
    call: Call<typeof HeartBeat>,
  ): Promise<Outcome<typeof HeartBeat>> {
    const { body, peer, language, version } = call;
    const sender: Sender = { peer, language, version };
    let isOther = body.heartbeatFingerprint === 0;
    for (const consumer of body.consumerDataSet) {
      const isRejected = this.parts.options.rejectPullConsumerEnable;
      if (isRejected && consumer.consumeType === 'CONSUME_ACTIVELY') continue;
      isOther = this.consumerBeat(sender, body, consumer) || isOther;
    }
    const { enableRegisterProducer, rejectTransactionMessage } = this.parts.options;
    if (enableRegisterProducer || !rejectTransactionMessage) {
      this.clients.registerProducers(sender, body);
    }
    // A retry topic may have come into being; tools look for its route at once.
    await this.topics.told();
    return { header: { supportsV2: true, subscriptionChanged: isOther } };
  }

  unregister(asked: Asked<typeof UnregisterClient>, call: { peer: Peer }): void {
    const { producerGroup, consumerGroup } = asked;
    if (producerGroup !== undefined) this.clients.unregisterProducer(producerGroup, call.peer);
    if (consumerGroup !== undefined) this.clients.unregisterConsumer(consumerGroup, call.peer);
  }

  members(
    asked: Asked<typeof GetConsumerListByGroup>,
    call: { peer: Peer },
  ): Outcome<typeof GetConsumerListByGroup> {
    const ids = this.clients.consumerGroup(asked.consumerGroup)?.clientIds() ?? [];
    if (ids.length > 0) return { body: { consumerIdList: ids } };
    throw new ResponseError(
      ResponseCode.SYSTEM_ERROR,
      `no consumer for this group, ${asked.consumerGroup} (asked by ${call.peer.remoteAddress})`,
    );
  }

  lock(_: Asked<typeof LockBatchMq>, call: Call<typeof LockBatchMq>): Outcome<typeof LockBatchMq> {
    const { consumerGroup, clientId, mqSet } = call.body;
    const held = this.locks.lock(consumerGroup, clientId, mqSet, this.parts.clock.monotonic());
    return { body: { lockOKMQSet: held } };
  }

  unlock(_: Asked<typeof UnlockBatchMq>, call: Call<typeof UnlockBatchMq>): void {
    const { consumerGroup, clientId, mqSet } = call.body;
    this.locks.unlock(consumerGroup, clientId, mqSet);
  }

  checkConfig(_: Asked<typeof CheckClientConfig>, call: Call<typeof CheckClientConfig>): void {
    const { subscriptionData } = call.body;
    if (subscriptionData === undefined || subscriptionData.expressionType === 'TAG') return;
    const { expressionType, subString } = subscriptionData;
    if (expressionType !== 'SQL92' || !this.parts.options.enablePropertyFilter) {
      throw new ResponseError(
        ResponseCode.SYSTEM_ERROR,
        `The broker does not support consumer to filter message by ${expressionType}`,
      );
    }
    try {
      SqlFilter.parse(subString);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      throw new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, error.message, {
        cause: error,
      });
    }
  }

  /** True when the client should send its subscriptions in full the next time. */
  private consumerBeat(sender: Sender, beat: HeartbeatData, consumer: ConsumerData): boolean {
    const config = this.groups.find(consumer.groupName);
    if (config === undefined) return false;
    const order = consumer.subscriptionDataSet.some(
      ({ topic }) => this.topics.get(topic)?.isOrdered === true,
    );
    if (config.retryQueueNums > 0) {
      this.topics.ensure(retryTopic(consumer.groupName), config.retryQueueNums, {
        order,
        topicSysFlag: consumer.unitMode ? 2 : 0,
      });
    }
    this.clients.registerConsumer(sender, beat.clientID, consumer, beat.withoutSub);
    const group = this.clients.consumerGroup(consumer.groupName);
    if (group === undefined || beat.heartbeatFingerprint === 0) return true;
    const isOther = group.fingerprint !== beat.heartbeatFingerprint;
    group.fingerprint = beat.heartbeatFingerprint;
    return isOther;
  }
}
