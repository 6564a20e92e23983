import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import { messageOf, spanOf } from '@nestjs-rocketmq/foundation';
import {
  decodeProperties,
  encodeProperties,
  hostText,
  offsetMessageId,
  PropertyName,
  tagHashOfBytes,
} from '@nestjs-rocketmq/message';
import {
  type Asked,
  PropertyMarks,
  PushReplyMessageToClient,
  ResponseCode,
  ResponseError,
  type SendReplyMessageV2,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import { messageTypeOf } from '../admin/topic-traffic.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Topic } from '../topics/topic.js';
import { type BrokerTexts, MessageDraft, type StoreHost } from './message-draft.js';
import { isRefusal, type SendChecks } from './send-checks.js';

type ReplyAsk = typeof SendReplyMessageV2;

export interface ReplyParts {
  readonly store: MessageStore;
  readonly checks: SendChecks;
  readonly clients: ClientDirectory;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly place: StoreHost;
  readonly options: BrokerTexts & {
    readonly storeReplyMessageEnable: boolean;
    readonly flushDiskType: string;
  };
}

/** How long the one who waits for a reply may take to say that it came. */
const pushTimeoutMs = 10_000;
const encoder = new TextEncoder();

/**
 * SEND_REPLY_MESSAGE: hands the reply to a request over to the client that waits for it, and with
 * `storeReplyMessageEnable` keeps it in the cluster's reply topic too, delivered or not. A reply is
 * handed over once; who is not here does not get it.
 */
export class ReplyProcessor {
  private readonly draft: MessageDraft;
  private readonly marks = new PropertyMarks();

  constructor(private readonly parts: ReplyParts) {
    this.draft = new MessageDraft(parts.place, parts.options);
  }

  /** `regionId` or `traceOn` was changed: both stand in messages. */
  textsChanged(): void {
    this.draft.useTexts(this.parts.options);
  }

  async reply(asked: Asked<ReplyAsk>, call: Call<ReplyAsk>): Promise<Outcome<ReplyAsk>> {
    const topic = this.parts.checks.topicFor(asked, call.peer.remoteAddress);
    if (isRefusal(topic)) throw new ResponseError(topic.code, topic.remark);
    const queueId = topic.queueFor(asked.queueId);
    const properties = decodeProperties(asked.properties ?? '');
    const failure = await this.push(asked, call, topic, queueId, properties);
    const header = this.parts.options.storeReplyMessageEnable
      ? await this.keep(asked, call, topic, queueId, properties)
      : { msgId: '0', queueId, queueOffset: 0 };
    if (failure !== undefined) throw new ResponseError(ResponseCode.SYSTEM_ERROR, failure);
    return { header };
  }

  /** Answers why the reply did not arrive, or undefined. */
  private async push(
    asked: Asked<ReplyAsk>,
    call: Call<ReplyAsk>,
    topic: Topic,
    queueId: number,
    properties: Record<string, string>,
  ): Promise<string | undefined> {
    const { clients, clock, logger, place } = this.parts;
    const clientId = properties[PropertyName.REPLY_TO_CLIENT];
    if (clientId === undefined) {
      return `reply message properties[${PropertyName.REPLY_TO_CLIENT}] is null`;
    }
    const asker = clients.producerClient(clientId);
    if (asker === undefined) {
      return `push reply message fail, channel of <${clientId}> not found.`;
    }
    const now = clock.now();
    const told = { ...properties, [PropertyName.PUSH_REPLY_TIME]: String(now) };
    try {
      await asker.invoke(
        PushReplyMessageToClient,
        {
          producerGroup: asked.producerGroup,
          topic: topic.name,
          defaultTopic: asked.defaultTopic,
          defaultTopicQueueNums: asked.defaultTopicQueueNums,
          queueId,
          sysFlag: asked.sysFlag,
          bornTimestamp: asked.bornTimestamp,
          flag: asked.flag,
          properties: encodeProperties(told),
          reconsumeTimes: asked.reconsumeTimes ?? 0,
          unitMode: asked.unitMode ?? false,
          bornHost: call.peer.remoteAddress,
          storeHost: `${hostText(place.host)}:${place.port}`,
          storeTimestamp: now,
        },
        { body: call.body, timeoutMs: pushTimeoutMs },
      );
      return undefined;
    } catch (error) {
      logger.warn('a reply could not be handed over', { client: clientId, error });
      return `push reply message to <${clientId}> failed: ${messageOf(error)}`;
    }
  }

  private async keep(
    asked: Asked<ReplyAsk>,
    call: Call<ReplyAsk>,
    topic: Topic,
    queueId: number,
    properties: Record<string, string>,
  ): Promise<{ msgId: string; queueId: number; queueOffset: number }> {
    const { store, figures, place, options } = this.parts;
    const { draft, marks } = this;
    draft.beginWith(asked, call.peer, topic, queueId);
    draft.body = spanOf(call.body);
    draft.properties = spanOf(encoder.encode(encodeProperties(properties)));
    const { bytes, data, from, to } = draft.properties;
    marks.readPlain(bytes, data, from, to);
    const { tags, keys, uniqueKey } = marks;
    draft.tagsCode = tagHashOfBytes(tags.bytes, tags.from, tags.to);
    draft.keys = keys;
    if (uniqueKey.to > uniqueKey.from) draft.uniqueKey = uniqueKey;
    // The object is used again by the next append: taken apart before anything is awaited.
    const type = messageTypeOf(marks);
    const { position, queueOffset, size } = store.append(draft);
    figures.stored(topic, 1, size, type);
    if (options.flushDiskType === 'SYNC_FLUSH') await store.flush();
    return { msgId: offsetMessageId(place.host, place.port, position), queueId, queueOffset };
  }
}
