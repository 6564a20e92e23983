import { parseOffsetMessageId } from '@nestjs-rocketmq/message';
import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  type Asked,
  ConsumeMessageDirectly,
  type ConsumerStatus,
  GetConsumerRunningInfo,
  GetConsumerStatusFromClient,
  type InvokeBrokerToGetConsumerStatus,
  ResponseCode,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Member } from '../membership/consumer-group.js';
import type { GroupTable } from '../topics/group-table.js';
import type { TopicTable } from '../topics/topic-table.js';

/** How long a client may take to answer what an operator asks it through the broker. */
const clientTimeoutMs = 10_000;
const statusTimeoutMs = 5000;

export interface ForwardingParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly clients: ClientDirectory;
  readonly logger: Logger;
  readonly brokerName: string;
}

/** What operators ask of consumers through the broker. */
export class ForwardingProcessor {
  constructor(private readonly parts: ForwardingParts) {}

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
    const { store, topics, groups, brokerName } = this.parts;
    const { peer } = this.memberOf(asked.consumerGroup, asked.clientId ?? '');
    const { position } = parseOffsetMessageId(asked.msgId ?? '');
    const body = store.readRecord(position);
    if (body === undefined) {
      const remark = `can not find message by the offset, ${position}`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    const topicSysFlag = topics.get(asked.topic ?? '')?.config.topicSysFlag;
    const groupSysFlag = groups.get(asked.consumerGroup)?.groupSysFlag;
    const answer = await peer.invoke(
      ConsumeMessageDirectly,
      { ...asked, brokerName, topicSysFlag, groupSysFlag },
      { timeoutMs: clientTimeoutMs, body },
    );
    return { remark: answer.remark, body: answer.body };
  }

  /** Where each consumer of a group stands; who does not answer is left out. */
  async consumerStatus(
    asked: Asked<typeof InvokeBrokerToGetConsumerStatus>,
  ): Promise<Outcome<typeof InvokeBrokerToGetConsumerStatus>> {
    const { topic, group, clientAddr } = asked;
    const members = this.parts.clients.consumerGroup(group)?.members() ?? [];
    if (members.length === 0) {
      const remark = `No Any Consumer online in the consumer group: [${group}]`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    const wanted = members.filter(({ clientId }) => !clientAddr || clientId === clientAddr);
    const consumerTable: ConsumerStatus['consumerTable'] = {};
    await Promise.all(
      wanted.map(async ({ clientId, peer }) => {
        try {
          const ask = { topic, group };
          const options = { timeoutMs: statusTimeoutMs };
          const { body } = await peer.invoke(GetConsumerStatusFromClient, ask, options);
          consumerTable[clientId] = body.messageQueueTable;
        } catch (error) {
          this.parts.logger.warn('a consumer did not say where it stands', {
            group,
            client: clientId,
            error,
          });
        }
      }),
    );
    return { body: { consumerTable, messageQueueTable: [] } };
  }

  private memberOf(group: string, clientId: string): Member {
    const member = this.parts.clients.consumerGroup(group)?.member(clientId);
    if (member !== undefined) return member;
    const remark = `The Consumer <${group}> <${clientId}> not online`;
    throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
  }
}
