import { groupNameProblem, isSystemTopic, topicNameProblem } from '@nestjs-rocketmq/message';
import {
  type Asked,
  type DeleteSubscriptiongroup,
  type DeleteTopicInBroker,
  type GetAllSubscriptiongroupConfig,
  type GetAllTopicConfig,
  type GetSubscriptiongroupConfig,
  type GetSystemTopicListFromBroker,
  type GetTopicConfig,
  ResponseCode,
  ResponseError,
  type SubscriptionGroupConfig,
  type TopicConfig,
  type UpdateAndCreateSubscriptiongroup,
  type UpdateAndCreateTopic,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { GroupTable } from './group-table.js';
import { newTopic } from './topic.js';
import type { TopicTable } from './topic-table.js';

const mostQueues = 65_536;
const filterTypes = ['SINGLE_TAG', 'MULTI_TAG'] as const;

export interface TopicsOptions {
  readonly brokerName: string;
  readonly brokerClusterName: string;
  readonly validateSystemTopicWhenUpdateTopic: boolean;
}

/** What operators do to topics and groups. */
export class TopicsProcessor {
  constructor(
    private readonly topics: TopicTable,
    private readonly groups: GroupTable,
    private readonly offsets: ConsumerOffsets,
    private readonly store: MessageStore,
    private readonly options: TopicsOptions,
  ) {}

  /**
   * Creates a topic, or changes it; a request that changes nothing changes no version either.
   * Answered when the name servers know, so that the caller finds the route.
   */
  async update(asked: Asked<typeof UpdateAndCreateTopic>): Promise<void> {
    const { topic, readQueueNums, writeQueueNums, perm } = asked;
    const topicFilterType = filterTypes.find((type) => type === asked.topicFilterType);
    if (topicFilterType === undefined) {
      throw illegal(
        `topicFilterType must be SINGLE_TAG or MULTI_TAG, but is ${asked.topicFilterType}`,
      );
    }
    const config = newTopic(topic, 0, perm, {
      readQueueNums,
      writeQueueNums,
      topicFilterType,
      topicSysFlag: asked.topicSysFlag ?? 0,
      order: asked.order,
      attributes: changedAttributes(this.topics.get(topic)?.config.attributes, asked.attributes),
    });
    this.check(config);
    this.topics.update(config);
    await this.topics.told();
  }

  async updateList(
    _: unknown,
    call: { body: { topicConfigList: readonly TopicConfig[] } },
  ): Promise<void> {
    for (const config of call.body.topicConfigList) this.check(config);
    for (const config of call.body.topicConfigList) this.topics.update(config);
    await this.topics.told();
  }

  /** Removes a topic with its queues and the offsets of all groups in it. */
  async delete(asked: Asked<typeof DeleteTopicInBroker>): Promise<void> {
    const { topic } = asked;
    if (topic.trim() === '') throw illegal('The specified topic is blank.');
    if (isSystemTopic(topic)) {
      throw illegal(`The topic[${topic}] is conflict with system topic; it cannot be deleted.`);
    }
    this.topics.delete(topic);
    this.offsets.forgetTopic(topic);
    this.store.deleteTopic(topic);
    await this.topics.told();
  }

  get(asked: Asked<typeof GetTopicConfig>): Outcome<typeof GetTopicConfig> {
    const topic = this.topics.get(asked.topic);
    if (topic !== undefined) return { body: topic.config };
    throw new ResponseError(
      ResponseCode.TOPIC_NOT_EXIST,
      `No topic in this broker. topic: ${asked.topic}`,
    );
  }

  /** Everything in one answer; callers of 5.x that ask for pages take that for the only one. */
  all(): Outcome<typeof GetAllTopicConfig> {
    const topicConfigTable = this.topics.configs();
    return {
      header: { totalTopicNum: Object.keys(topicConfigTable).length },
      body: { dataVersion: this.topics.version.toJSON(), topicConfigTable },
    };
  }

  systemTopics(): Outcome<typeof GetSystemTopicListFromBroker> {
    const { brokerName, brokerClusterName } = this.options;
    const topicList = [...this.topics.all()]
      .map(({ name }) => name)
      .filter((name) => isSystemTopic(name) || name === brokerName || name === brokerClusterName);
    return { body: { topicList } };
  }

  updateGroup(_: unknown, call: Pick<Call<typeof UpdateAndCreateSubscriptiongroup>, 'body'>): void {
    checkGroupName(call.body.groupName);
    this.groups.update(call.body);
  }

  updateGroupList(
    _: unknown,
    call: { body: { groupConfigList: readonly SubscriptionGroupConfig[] } },
  ): void {
    for (const config of call.body.groupConfigList) checkGroupName(config.groupName);
    for (const config of call.body.groupConfigList) this.groups.update(config);
  }

  deleteGroup(asked: Asked<typeof DeleteSubscriptiongroup>): void {
    this.groups.delete(asked.groupName);
    if (asked.cleanOffset) this.offsets.forgetGroup(asked.groupName);
  }

  getGroup(
    asked: Asked<typeof GetSubscriptiongroupConfig>,
  ): Outcome<typeof GetSubscriptiongroupConfig> {
    const config = this.groups.get(asked.group);
    if (config !== undefined) return { body: config };
    throw new ResponseError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `No group in this broker. group: ${asked.group}`,
    );
  }

  allGroups(): Outcome<typeof GetAllSubscriptiongroupConfig> {
    const body = this.groups.toJSON();
    return {
      header: { totalGroupNum: Object.keys(body.subscriptionGroupTable).length },
      body,
    };
  }

  private check(config: TopicConfig): void {
    const { topicName, readQueueNums, writeQueueNums, perm } = config;
    const problem = topicNameProblem(topicName);
    if (problem !== undefined) throw illegal(problem);
    if (this.options.validateSystemTopicWhenUpdateTopic && isSystemTopic(topicName)) {
      throw illegal(`The topic[${topicName}] is conflict with system topic.`);
    }
    for (const queues of [readQueueNums, writeQueueNums]) {
      if (queues >= 0 && queues <= mostQueues) continue;
      throw illegal(`A topic has 0 to ${mostQueues} queues, not ${queues}.`);
    }
    if (perm < 0 || perm > 15) throw illegal(`The permission of a topic is 0 to 15, not ${perm}.`);
  }
}

function checkGroupName(name: string): void {
  const problem = groupNameProblem(name);
  if (problem !== undefined) throw illegal(problem);
}

function illegal(remark: string): ResponseError {
  return new ResponseError(ResponseCode.INVALID_PARAMETER, remark);
}

/** Attributes after a change such as `+message.type=FIFO,-reserve.time`. */
function changedAttributes(
  present: Readonly<Record<string, string>> = {},
  change: string | undefined,
): Record<string, string> {
  const attributes = new Map(Object.entries(present));
  for (const word of (change ?? '').split(',').filter((each) => each.trim() !== '')) {
    const parts = /^\s*([+-])([^=]+)(?:=(.*))?$/.exec(word);
    const [, sign, name = '', value] = parts ?? [];
    if (sign === '+' && value !== undefined) attributes.set(name.trim(), value.trim());
    else if (sign === '-') attributes.delete(name.trim());
    else {
      const remark = `attribute '${word}' must be +key=value or -key`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
  }
  return Object.fromEntries(attributes);
}
