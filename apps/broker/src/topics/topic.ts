import {
  isClosedForClients,
  isDeadLetterTopic,
  isRetryTopic,
  isSystemTopic,
} from '@nestjs-rocketmq/message';
import type { TopicConfig } from '@nestjs-rocketmq/protocol';
import type { TopicTraffic } from '../admin/topic-traffic.js';
import { Counter } from '../counter.js';
import { realPlaceText } from '../send/message-draft.js';

/** What a topic is when nothing else was said: the defaults of Apache's `TopicConfig`. */
export function newTopic(
  topicName: string,
  queues: number,
  perm: number,
  more: Partial<TopicConfig> = {},
): TopicConfig {
  return {
    attributes: {},
    order: false,
    perm,
    readQueueNums: queues,
    topicFilterType: 'SINGLE_TAG',
    topicName,
    topicSysFlag: 0,
    writeQueueNums: queues,
    ...more,
  };
}

/** What a send says by itself: whether a message is ordered is known to its sender only. */
export type MessageKind = 'plain' | 'delayed' | 'transactional';

const kinds: Readonly<Record<string, MessageKind | undefined>> = {
  NORMAL: 'plain',
  FIFO: 'plain',
  DELAY: 'delayed',
  TRANSACTION: 'transactional',
};

/**
 * A topic as the hot path uses it: the configuration, and what follows from it, at hand; and what
 * was written to it since the start.
 */
export class Topic {
  writeQueues = 0;
  readQueues = 0;
  perm = 0;
  isOrdered = false;
  /** Only the broker itself writes to it. */
  readonly isClosed: boolean;
  /** Messages of a group that wait for another attempt. */
  readonly isRetry: boolean;
  /** Such messages, or dead ones: they were sent before. */
  readonly isTried: boolean;
  hasManyTags = false;
  /** The one kind of messages it is for; undefined when it is for all. */
  onlyFor: MessageKind | undefined;
  /** One of those that RocketMQ has for itself; they do not count as traffic. */
  isSystem: boolean;
  /** Messages and bytes stored since the start. */
  readonly puts = new Counter();
  readonly putSizes = new Counter();
  traffic: TopicTraffic | undefined = undefined;
  private current: TopicConfig;
  private text: string | undefined;
  private nextQueue = 0;
  private readonly realPlaces: Uint8Array[] = [];

  constructor(config: TopicConfig) {
    this.current = config;
    this.isClosed = isClosedForClients(config.topicName);
    this.isRetry = isRetryTopic(config.topicName);
    this.isTried = this.isRetry || isDeadLetterTopic(config.topicName);
    this.isSystem = isSystemTopic(config.topicName);
    this.apply(config);
  }

  get name(): string {
    return this.current.topicName;
  }

  get config(): TopicConfig {
    return this.current;
  }

  /** One more than the highest queue id that may be named. */
  get queueIds(): number {
    return Math.max(this.readQueues, this.writeQueues);
  }

  /** Name and configuration as a member of the table in `topics.json`. */
  get tableText(): string {
    this.text ??= `\t\t${JSON.stringify(this.name)}: ${JSON.stringify(this.current)}`;
    return this.text;
  }

  apply(config: TopicConfig): void {
    this.current = config;
    this.text = undefined;
    this.writeQueues = config.writeQueueNums;
    this.readQueues = config.readQueueNums;
    this.perm = config.perm;
    this.isOrdered = config.order;
    this.hasManyTags = config.topicFilterType === 'MULTI_TAG';
    this.onlyFor = kinds[config.attributes['message.type'] ?? ''];
  }

  /** The queue asked for, or, for a negative one, the next in turn (Java: one by chance). */
  queueFor(asked: number): number {
    if (asked >= 0) return asked;
    this.nextQueue = this.nextQueue + 1 >= this.writeQueues ? 0 : this.nextQueue + 1;
    return this.nextQueue;
  }

  /** What a message carries that waits elsewhere and belongs into this queue. */
  realPlace(queueId: number): Uint8Array {
    return (this.realPlaces[queueId] ??= realPlaceText(this.name, queueId));
  }
}
