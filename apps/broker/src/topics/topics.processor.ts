import type { Clock } from '@nestjs-rocketmq/foundation';
import {
  isSystemTopic,
  retryTopic,
  systemTopicNames,
  topicNameProblem,
} from '@nestjs-rocketmq/message';
import {
  type Asked,
  type DeleteTopicInBroker,
  type GetAllTopicConfig,
  type GetSystemTopicListFromBroker,
  type GetTopicConfig,
  ResponseCode,
  ResponseError,
  type TopicConfig,
  type UpdateAndCreateTopic,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import { changedAttributes, parseAttributeChange } from './attributes.js';
import { pageOf, type PageOptions } from './metadata-page.js';
import { timed } from './timed.js';
import { newTopic } from './topic.js';
import type { TopicTable } from './topic-table.js';

const mostQueues = 65_536;
const filterTypes = ['SINGLE_TAG', 'MULTI_TAG'] as const;

export interface TopicsOptions extends PageOptions {
  readonly validateSystemTopicWhenUpdateTopic: boolean;
  readonly enableMixedMessageType: boolean;
  /** With a topic go the topics in which POP consumers try its messages again. */
  readonly clearRetryTopicWhenDeleteTopic: boolean;
}

export interface TopicsParts {
  readonly topics: TopicTable;
  readonly offsets: ConsumerOffsets;
  readonly store: MessageStore;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly options: TopicsOptions;
  /** Names of the topics that the broker has from its start. */
  readonly ownTopics: readonly string[];
}

/** What operators do to topics. */
export class TopicsProcessor {
  private readonly topics: TopicTable;
  private readonly options: TopicsOptions;

  constructor(private readonly parts: TopicsParts) {
    this.topics = parts.topics;
    this.options = parts.options;
  }

  /**
   * Creates a topic, or changes it; a request that changes nothing changes no version either.
   * Answered when the name servers know, so that the caller finds the route.
   */
  async update(asked: Asked<typeof UpdateAndCreateTopic>): Promise<void> {
    timed(this.parts.clock, this.parts.figures.creations.topic, () => this.change(asked));
    await this.topics.told();
  }

  private change(asked: Asked<typeof UpdateAndCreateTopic>): void {
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
      attributes: this.attributesOf(topic, parseAttributeChange(asked.attributes)),
    });
    this.check(config);
    this.topics.update(config);
  }

  /** Checks all of them before the first is changed. */
  async updateList(
    _: unknown,
    call: { body: { topicConfigList: readonly TopicConfig[] } },
  ): Promise<void> {
    const { clock, figures } = this.parts;
    timed(clock, figures.creations.topic, () => {
      const configs = call.body.topicConfigList.map((config) => ({
        ...config,
        attributes: this.attributesOf(config.topicName, config.attributes),
      }));
      for (const config of configs) this.check(config);
      for (const config of configs) this.topics.update(config);
    });
    await this.topics.told();
  }

  /** Removes a topic with its queues and the offsets of all groups in it. */
  async delete(asked: Asked<typeof DeleteTopicInBroker>): Promise<void> {
    const { topic } = asked;
    if (topic.trim() === '') throw illegal('The specified topic is blank.');
    if (isSystemTopic(topic)) {
      throw illegal(`The topic[${topic}] is conflict with system topic.`);
    }
    for (const name of [topic, ...this.retriesByPop(topic)]) this.remove(name);
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

  /** Everything, or the page that a caller of 5.5 asks for. */
  all(asked: Asked<typeof GetAllTopicConfig>): Outcome<typeof GetAllTopicConfig> {
    const { topicSeq: from, maxTopicNum: most, dataVersion: version } = asked;
    const dataVersion = this.topics.version.toJSON();
    const table = this.topics.configs();
    return {
      header: { totalTopicNum: this.topics.size },
      body: {
        dataVersion,
        topicConfigTable: pageOf(table, dataVersion, { from, most, version }, this.options),
      },
    };
  }

  /** Topics that RocketMQ has for itself, whether or not this broker uses them. */
  systemTopics(): Outcome<typeof GetSystemTopicListFromBroker> {
    return { body: { topicList: [...new Set([...systemTopicNames(), ...this.parts.ownTopics])] } };
  }

  private remove(topic: string): void {
    const { offsets, store, figures } = this.parts;
    this.topics.delete(topic);
    offsets.forgetTopic(topic);
    store.deleteTopic(topic);
    figures.forgetTopic(topic);
  }

  /** Java's names, old and new, for what POP consumers of a topic try again. */
  private retriesByPop(topic: string): string[] {
    if (!this.options.clearRetryTopicWhenDeleteTopic) return [];
    return this.parts.offsets
      .groupsOf(topic)
      .flatMap((group) => [retryTopic(`${group}+${topic}`), retryTopic(`${group}_${topic}`)])
      .filter((name) => this.topics.get(name) !== undefined);
  }

  /** A change has `+` or `-` before its keys; types may be mixed only where that is allowed. */
  private attributesOf(
    topic: string,
    change: Readonly<Record<string, string>>,
  ): Record<string, string> {
    if (change['+message.type'] === 'MIXED' && !this.options.enableMixedMessageType) {
      throw illegal('MIXED message type is not supported.');
    }
    return changedAttributes(this.topics.get(topic)?.config.attributes, change);
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

function illegal(remark: string): ResponseError {
  return new ResponseError(ResponseCode.INVALID_PARAMETER, remark);
}
