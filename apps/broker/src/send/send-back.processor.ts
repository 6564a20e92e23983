import type { Logger } from '@nestjs-rocketmq/foundation';
import { PropertyName, retryTopic, StoredMessage } from '@nestjs-rocketmq/message';
import {
  type AskedView,
  type ConsumerSendMsgBack,
  ResponseCode,
  type SubscriptionGroupConfig,
} from '@nestjs-rocketmq/protocol';
import type { Reply } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { Delays } from '../schedule/delays.js';
import type { GroupTable } from '../topics/group-table.js';
import { isWritable } from '../topics/permissions.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';
import { MessageDraft, type StoreHost } from './message-draft.js';
import { maxAttempts, type RetryMessages, unknownGroup } from './retry-messages.js';
import { refuseForStore } from './store-refusal.js';
import type { WaitingLine } from './waiting-line.js';

type SendBack = typeof ConsumerSendMsgBack;

export interface SendBackParts {
  readonly store: MessageStore;
  readonly line: WaitingLine;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly retries: RetryMessages;
  readonly delays: Delays;
  readonly figures: Figures;
  readonly logger: Logger;
  readonly place: StoreHost;
  readonly options: { readonly brokerIP1: string; readonly brokerPermission: number };
}

/** The first attempt after a failure waits for this level; each further one for one level more. */
const firstLevel = 3;
const unitSubscriptionBit = 2;

/**
 * CONSUMER_SEND_MSG_BACK: a consumer could not consume a message. A copy of it waits in the
 * schedule topic for the group's retry topic; after the last attempt it goes to the dead letters.
 */
export class SendBackProcessor {
  private readonly draft: MessageDraft;

  constructor(private readonly parts: SendBackParts) {
    this.draft = new MessageDraft(parts.place);
  }

  sendBack(asked: AskedView<SendBack>, reply: Reply<SendBack>): void {
    if (this.parts.line.refuses('send', reply)) return;
    const { options, groups, store } = this.parts;
    const group = groups.find(asked.group);
    if (group === undefined) {
      const { code, remark } = unknownGroup(asked.group);
      return reply.refuse(code, remark);
    }
    if (!isWritable(options.brokerPermission)) {
      const remark = `the broker[${options.brokerIP1}] sending message is forbidden`;
      return reply.refuse(ResponseCode.NO_PERMISSION, remark);
    }
    // A group without retry queues wants its failures dropped.
    if (group.retryQueueNums <= 0) return reply.success();
    const topic = this.retryTopicOf(group, asked.unitMode);
    if (!isWritable(topic.perm)) {
      const remark = `the topic[${topic.name}] sending message is forbidden`;
      return reply.refuse(ResponseCode.NO_PERMISSION, remark);
    }
    const record = store.readRecord(asked.offset);
    if (record === undefined) {
      const remark = `look message by offset failed, ${asked.offset}`;
      return reply.refuse(ResponseCode.SYSTEM_ERROR, remark);
    }
    try {
      this.store(asked, reply, group, topic, record);
    } catch (error) {
      return refuseForStore(reply, error, this.parts.logger);
    }
    reply.successWhenStored();
  }

  private store(
    asked: AskedView<SendBack>,
    reply: Reply<SendBack>,
    group: SubscriptionGroupConfig,
    topic: Topic,
    record: Uint8Array,
  ): void {
    const { draft } = this;
    const { retries, delays, store, figures } = this.parts;
    const message = new StoredMessage(record);
    const { properties } = message;
    const most = maxAttempts(group.retryMaxTimes, asked.maxReconsumeTimes, reply.version);
    const isDead = message.reconsumeTimes >= most || asked.delayLevel < 0;
    const level = isDead ? 0 : asked.delayLevel || firstLevel + message.reconsumeTimes;
    draft.copy(record);
    draft.topic = topic.name;
    draft.queueId = topic.queueFor(-1);
    draft.reconsumeTimes = message.reconsumeTimes + 1;
    draft.rewriteProperties({
      [PropertyName.RETRY_TOPIC]: properties[PropertyName.RETRY_TOPIC] ?? message.topic,
      [PropertyName.ORIGIN_MESSAGE_ID]:
        properties[PropertyName.ORIGIN_MESSAGE_ID] ?? message.offsetMsgId,
      [PropertyName.WAIT_STORE_MSG_OK]: 'false',
      [PropertyName.DELAY_TIME_LEVEL]: isDead ? undefined : String(level),
      [PropertyName.REAL_TOPIC]: undefined,
      [PropertyName.REAL_QUEUE_ID]: undefined,
    });
    if (isDead) retries.toDeadLetters(draft, group.groupName);
    else delays.divert(draft, level);
    const placed = store.append(draft);
    const origin = properties[PropertyName.RETRY_TOPIC] ?? message.topic;
    figures.sentBack(group.groupName, origin, isDead);
    if (!isDead) {
      figures.storedIn(draft.topic, placed.size);
      return figures.putDelayed(draft.queueId, placed.size);
    }
    this.parts.logger.info('a message went to the dead letters', {
      group: group.groupName,
      topic: origin,
      message: message.msgId,
      attempts: message.reconsumeTimes,
    });
  }

  private retryTopicOf(group: SubscriptionGroupConfig, unitMode: boolean): Topic {
    const topicSysFlag = unitMode ? unitSubscriptionBit : 0;
    return this.parts.topics.ensure(retryTopic(group.groupName), group.retryQueueNums, {
      topicSysFlag,
    });
  }
}
