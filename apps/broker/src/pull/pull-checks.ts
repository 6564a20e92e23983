import { type Asked, type PullMessage, PullSysFlag, ResponseCode } from '@nestjs-rocketmq/protocol';
import type { Reply } from '@nestjs-rocketmq/remoting';
import { isSystemGroup } from '@nestjs-rocketmq/message';
import type { PullFilter } from '../filters/pull-filter.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { GroupTable } from '../topics/group-table.js';
import { isReadable } from '../topics/permissions.js';
import type { TopicTable } from '../topics/topic-table.js';
import { isRefused, type PullSubscriptions } from './pull-subscription.js';

type Pull = typeof PullMessage;

export interface PullCheckOptions {
  readonly brokerIP1: string;
  readonly brokerPermission: number;
  readonly rejectPullConsumerEnable: boolean;
}

export interface PullCheckParts {
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly clients: ClientDirectory;
  readonly subscriptions: PullSubscriptions;
  readonly options: PullCheckOptions;
}

/** May this pull be served? The questions and their order are those of Apache's broker, 5.3.3. */
export class PullChecks {
  constructor(private readonly parts: PullCheckParts) {}

  /** What the pull wants; or undefined, and then it was answered. */
  admit(asked: Asked<Pull>, reply: Reply<Pull>): PullFilter | undefined {
    const { options, groups, topics, subscriptions } = this.parts;
    if (!isReadable(options.brokerPermission)) {
      return forbid(reply, 1, `the broker[${options.brokerIP1}] pulling message is forbidden`);
    }
    const { consumerGroup, queueId } = asked;
    const group = groups.find(consumerGroup);
    if (group === undefined) {
      const remark =
        `subscription group [${consumerGroup}] does not exist, ` +
        'create it with mqadmin updateSubGroup';
      return refuse(reply, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
    }
    if (!group.consumeEnable) {
      return forbid(reply, 2, `subscription group no permission, ${consumerGroup}`);
    }
    const topic = topics.get(asked.topic);
    if (topic === undefined) {
      const remark = `topic[${asked.topic}] not exist, apply first please!`;
      return refuse(reply, ResponseCode.TOPIC_NOT_EXIST, remark);
    }
    if (!isReadable(topic.perm)) {
      return forbid(reply, 3, `the topic[${asked.topic}] pulling message is forbidden`);
    }
    if (queueId < 0 || queueId >= topic.readQueues) {
      const remark =
        `queueId[${queueId}] is illegal, topic:[${asked.topic}] topicConfig.readQueueNums:` +
        `[${topic.readQueues}] consumer:[${reply.peer.remoteAddress}]`;
      return refuse(reply, ResponseCode.INVALID_PARAMETER, remark);
    }
    const wanted = subscriptions.of(asked, group);
    if (isRefused(wanted)) {
      if (wanted.forbiddenType === undefined) return refuse(reply, wanted.code, wanted.remark);
      return forbid(reply, wanted.forbiddenType, wanted.remark);
    }
    const isPlain = (asked.sysFlag & PullSysFlag.subscription) === 0;
    if (isPlain && !groups.mayRead(consumerGroup, topic.name)) {
      const remark = `the consumer group[${consumerGroup}] is forbidden for topic[${topic.name}]`;
      return forbid(reply, 5, remark);
    }
    if (options.rejectPullConsumerEnable && this.isStranger(consumerGroup, reply)) {
      const remark = 'the pull consumer is rejected: it has sent no heartbeat as a push consumer';
      return refuse(reply, ResponseCode.SUBSCRIPTION_NOT_EXIST, remark);
    }
    return wanted;
  }

  /** Whoever pulls without having joined its group as a push consumer. */
  private isStranger(name: string, { peer }: Reply<Pull>): boolean {
    if (isSystemGroup(name)) return false;
    const group = this.parts.clients.consumerGroup(name);
    if (group === undefined) return true;
    return group.consumeType === 'CONSUME_ACTIVELY' && !group.has(peer);
  }
}

function refuse(reply: Reply<Pull>, code: number, remark: string): undefined {
  reply.refuse(code, remark);
}

/** NO_PERMISSION that says who forbids: 1 broker, 2 group, 3 topic, 4 broadcast, 5 subscription. */
export function forbid(reply: Reply<Pull>, type: number, remark: string): undefined {
  const { answer } = reply;
  answer.suggestWhichBrokerId = 0;
  answer.nextBeginOffset = 0;
  answer.minOffset = 0;
  answer.maxOffset = 0;
  answer.forbiddenType = type;
  reply.outcome(ResponseCode.NO_PERMISSION, remark);
}
