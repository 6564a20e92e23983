import { type Clock, type Logger, type Span, spanOf } from '@nestjs-rocketmq/foundation';
import {
  BatchCursor,
  isDeadLetterTopic,
  MessageBatchError,
  offsetMessageId,
  PropertyName,
  propertyText,
  readProperty,
  SystemTopic,
  tagHashOfBytes,
  type UniqueKeys,
} from '@nestjs-rocketmq/message';
import {
  type AskedView,
  type PropertiesSpan,
  PropertyMarks,
  ResponseCode,
  type SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import type { Reply } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import { messageTypeOf } from '../admin/topic-traffic.js';
import type { Delays } from '../schedule/delays.js';
import type { Topic } from '../topics/topic.js';
import type { HalfMessages } from '../transaction/half-messages.js';
import { type BrokerTexts, MessageDraft, type StoreHost } from './message-draft.js';
import type { RetryMessages } from './retry-messages.js';
import { isRefusal, type SendChecks } from './send-checks.js';
import { refuseForStore } from './store-refusal.js';
import type { WaitingLine } from './waiting-line.js';

/** SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE have the same fields in code. */
export type Send = typeof SendMessageV2;

export interface SendOptions extends BrokerTexts {
  readonly brokerIP1: string;
  readonly maxMessageSize: number;
  readonly rejectTransactionMessage: boolean;
  readonly enableTopicMessageTypeCheck: boolean;
  readonly startAcceptSendRequestTimeStamp: number;
  readonly brokerRole: string;
  readonly inSyncReplicas: number;
}

export interface SendParts {
  readonly store: MessageStore;
  readonly checks: SendChecks;
  readonly line: WaitingLine;
  readonly halves: HalfMessages;
  readonly delays: Delays;
  readonly retries: RetryMessages;
  readonly keys: UniqueKeys;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly place: StoreHost;
  readonly options: SendOptions;
}

const encoder = new TextEncoder();
const waitName = encoder.encode(PropertyName.WAIT_STORE_MSG_OK);
const longestBatchTopic = 127;
const slaveMissing = 'No slave has the message; replication is not built yet.';

/** Stores what producers send: checks, completes, appends, answers. Nothing is kept or awaited. */
export class SendMessageProcessor {
  private readonly draft: MessageDraft;
  private readonly cursor = new BatchCursor();
  private readonly marks = new PropertyMarks();
  /** SYNC_MASTER: a message without a copy is answered SLAVE_NOT_AVAILABLE. */
  private readonly wantsSlave: boolean;
  private traceOn: string;

  constructor(private readonly parts: SendParts) {
    this.draft = new MessageDraft(parts.place, parts.options);
    this.traceOn = String(parts.options.traceOn);
    const { brokerRole, inSyncReplicas } = parts.options;
    this.wantsSlave = brokerRole === 'SYNC_MASTER' && inSyncReplicas > 1;
  }

  /** `regionId` or `traceOn` was changed: both stand in messages and answers. */
  textsChanged(): void {
    this.draft.useTexts(this.parts.options);
    this.traceOn = String(this.parts.options.traceOn);
  }

  send(asked: AskedView<Send>, reply: Reply<Send>): void {
    if (this.parts.line.refuses('send', reply)) return;
    const topic = this.parts.checks.topicFor(asked, reply.peer.remoteAddress);
    if (isRefusal(topic)) return reply.refuse(topic.code, topic.remark);
    if (this.refuses(asked, reply)) return;
    if (topic.onlyFor !== undefined && this.refusesKind(asked, reply, topic)) return;
    const queueId = topic.queueFor(asked.queueId);
    const { draft } = this;
    draft.beginWith(asked, reply.peer, topic, queueId);
    try {
      if (asked.batch === true) return this.sendBatch(asked, reply, topic, queueId);
      this.sendOne(asked, reply, topic, queueId, draft);
    } catch (error) {
      this.parts.figures.failedPuts.total += 1;
      refuseForStore(reply, error, this.parts.logger);
    }
  }

  private sendOne(
    asked: AskedView<Send>,
    reply: Reply<Send>,
    topic: Topic,
    queueId: number,
    draft: MessageDraft,
  ): void {
    const { properties } = asked;
    const { tags, uniqueKey } = properties;
    draft.body = asked.body;
    draft.properties = properties;
    draft.tagsCode = tagsCodeOf(tags);
    draft.keys = properties.keys;
    let key: Span | string = uniqueKey;
    if (uniqueKey.to > uniqueKey.from) draft.uniqueKey = uniqueKey;
    else draft.addText(uniqueKeyText((key = this.parts.keys.next())));
    let delayLevel = properties.delayLevel;
    if (topic.isRetry) {
      const redirected = this.parts.retries.redirect(draft, asked, topic, reply.version);
      if (redirected.refusal !== undefined) {
        return reply.refuse(redirected.refusal.code, redirected.refusal.remark);
      }
      if (redirected.isDead) delayLevel = 0;
    }
    if (properties.isTransaction && !(draft.reconsumeTimes > 0 && delayLevel > 0)) {
      const half = typeof key === 'string' ? spanOf(encoder.encode(key)) : key;
      this.parts.halves.divert(draft, topic, half);
    } else if (delayLevel > 0) {
      this.parts.delays.divert(draft, delayLevel, topic);
    }
    const placed = this.parts.store.append(draft);
    this.count(topic, draft, placed.size, properties);
    this.answer(reply, placed.position, queueId, placed.queueOffset, key);
  }

  /** Half, delayed and dead messages count where they lie; retries and dead ones are not sent. */
  private count(
    topic: Topic,
    draft: MessageDraft,
    bytes: number,
    properties: PropertiesSpan,
  ): void {
    const { figures } = this.parts;
    const type = figures.countsTypes ? messageTypeOf(properties) : undefined;
    if (draft.topic === topic.name) {
      return figures.stored(topic, 1, bytes, topic.isTried ? undefined : type);
    }
    figures.storedIn(draft.topic, bytes, isDeadLetterTopic(draft.topic) ? undefined : type);
    if (draft.topic === SystemTopic.SCHEDULE) figures.putDelayed(draft.queueId, bytes);
    else if (draft.topic === SystemTopic.TRANSACTION_HALF) this.parts.halves.appended(topic.name);
  }

  /** Does the sender want to hear that the message is as safe as this broker can make it? */
  private waits(): boolean {
    const { bytes, from, to } = this.draft.properties;
    return readProperty(bytes, from, to, waitName) !== 'false';
  }

  private answer(
    reply: Reply<Send>,
    msgId: number | string,
    queueId: number,
    queueOffset: number,
    transactionId: Span | string | undefined,
  ): void {
    const { answer } = reply;
    const { options } = this.parts;
    answer.msgId = msgId;
    answer.queueId = queueId;
    answer.queueOffset = queueOffset;
    answer.transactionId = transactionId;
    answer.regionId = options.regionId;
    answer.traceOn = this.traceOn;
    if (this.wantsSlave && this.waits()) {
      reply.outcomeWhenStored(ResponseCode.SLAVE_NOT_AVAILABLE, slaveMissing);
    } else reply.successWhenStored();
  }

  /** Unpacks a batch: each message is a record of its own, as in Java. All or none is stored. */
  private sendBatch(
    asked: AskedView<Send>,
    reply: Reply<Send>,
    topic: Topic,
    queueId: number,
  ): void {
    const { cursor, draft, marks } = this;
    const { store, place } = this.parts;
    const problem = this.batchProblem(asked, topic);
    if (problem !== undefined) return reply.refuse(ResponseCode.MESSAGE_ILLEGAL, problem);
    const ids: string[] = [];
    let firstOffset = 0;
    let bytes = 0;
    cursor.start(asked.body);
    while (cursor.next()) {
      const { properties } = cursor;
      marks.readPlain(properties.bytes, properties.data, properties.from, properties.to);
      draft.begin();
      draft.flag = cursor.flag;
      draft.body = cursor.body;
      draft.properties = properties;
      draft.tagsCode = tagsCodeOf(marks.tags);
      draft.keys = marks.keys;
      if (marks.uniqueKey.to > marks.uniqueKey.from) draft.uniqueKey = marks.uniqueKey;
      else draft.addText(uniqueKeyText(this.parts.keys.next()));
      const placed = store.append(draft);
      if (ids.length === 0) firstOffset = placed.queueOffset;
      ids.push(offsetMessageId(place.host, place.port, placed.position));
      bytes += placed.size;
    }
    const type = topic.isTried ? undefined : messageTypeOf(asked.properties);
    this.parts.figures.stored(topic, ids.length, bytes, type);
    this.answer(reply, ids.join(','), queueId, firstOffset, undefined);
  }

  /** Looks through the whole batch before any of it is stored. */
  private batchProblem(asked: AskedView<Send>, topic: Topic): string | undefined {
    if (topic.isRetry) return 'batch request does not support retry group';
    if (topic.name.length > longestBatchTopic) return `topic length over ${longestBatchTopic}`;
    const { cursor } = this;
    let count = 0;
    try {
      cursor.start(asked.body);
      while (cursor.next()) count += 1;
    } catch (error) {
      if (!(error instanceof MessageBatchError)) throw error;
      return error.message;
    }
    return count === 0 ? 'the batch holds no message' : undefined;
  }

  /** A topic with a message type takes no other kind of messages, where that is checked. */
  private refusesKind(asked: AskedView<Send>, reply: Reply<Send>, topic: Topic): boolean {
    if (!this.parts.options.enableTopicMessageTypeCheck) return false;
    const { isTransaction, delayLevel } = asked.properties;
    const kind = isTransaction ? 'transactional' : delayLevel > 0 ? 'delayed' : 'plain';
    if (kind === topic.onlyFor) return false;
    const type = topic.config.attributes['message.type'] ?? '';
    const remark = `topic[${topic.name}] has the message type ${type}, the message is ${kind}`;
    reply.refuse(ResponseCode.MESSAGE_ILLEGAL, remark);
    return true;
  }

  /** What does not depend on the topic; true when it was refused. */
  private refuses(asked: AskedView<Send>, reply: Reply<Send>): boolean {
    const { options, clock } = this.parts;
    const { body, properties } = asked;
    const size = body.to - body.from;
    if (size > options.maxMessageSize || size === 0) {
      reply.refuse(ResponseCode.MESSAGE_ILLEGAL, illegalSize(size, options.maxMessageSize));
      return true;
    }
    if (properties.isTimer && properties.delayLevel <= 0) {
      reply.refuse(ResponseCode.SYSTEM_ERROR, noTimers);
      return true;
    }
    if (properties.isTransaction && options.rejectTransactionMessage) {
      const remark = `the broker[${options.brokerIP1}] sending transaction message is forbidden`;
      reply.refuse(ResponseCode.NO_PERMISSION, remark);
      return true;
    }
    const start = options.startAcceptSendRequestTimeStamp;
    if (start === 0 || clock.now() >= start) return false;
    const remark = `broker unable to service, until ${new Date(start).toISOString()}`;
    reply.refuse(ResponseCode.SYSTEM_ERROR, remark);
    return true;
  }
}

const noTimers =
  'timer messages (TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS) are not supported by this ' +
  'broker; use a delay level';

function tagsCodeOf(tags: Span): number {
  return tags.to > tags.from ? tagHashOfBytes(tags.bytes, tags.from, tags.to) : 0;
}

function uniqueKeyText(key: string): string {
  return propertyText(PropertyName.UNIQUE_KEY, key);
}

function illegalSize(size: number, limit: number): string {
  if (size === 0) return 'the message is illegal: its body is empty';
  return (
    `the message is illegal, maybe msg body or properties length not matched. msg body has ` +
    `${size}B, msg body length limit ${limit}B, msg properties length limit 32KB.`
  );
}
