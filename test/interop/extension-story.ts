import { TagFilter } from '@nestjs-rocketmq/filter';
import { decodeRecords, encodeProperties, PropertyName } from '@nestjs-rocketmq/message';
import {
  type ConsumerData,
  GetMaxOffset,
  HeartBeat,
  PullMessage,
  QueryConsumeQueue,
  ResponseError,
  SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import { eventually } from '../support/eventually.js';
import { createTopic } from '../support/java.js';
import { consumerOf } from '../support/raw-broker.js';

export const topic = 'Extended';
const queueId = 0;
const timeoutMs = 10_000;

/** Groups whose filters messages get a bit map of. */
const expressions = {
  large: 'amount > 7',
  paid: "state = 'paid' AND amount BETWEEN 2 AND 4",
  none: 'amount IS NULL',
} as const;
const tags = 'b || c';

/** Small files, so that extensions roll. */
export const extended = {
  enableConsumeQueueExt: true,
  enableCalcFilterBitMap: true,
  enablePropertyFilter: true,
  mappedFileSizeConsumeQueueExt: 1024,
  mappedFileSizeConsumeQueue: 20 * 1000,
  messageDelayLevel: '1s 2s',
};

/** What a broker says of its queue, apart from what differs between versions. */
export interface Judgement {
  readonly pulled: Readonly<Record<string, readonly string[]>>;
  readonly entries: readonly object[];
}

/** Apache's broker goes by the sets that its clients make of an expression. */
function taggedConsumer(): ConsumerData {
  const consumer = consumerOf('tagged', topic, tags);
  const { tags: tagsSet, tagCodes: codeSet } = TagFilter.parse(tags);
  const subscriptionDataSet = consumer.subscriptionDataSet.map((one) => ({
    ...one,
    tagsSet: [...tagsSet],
    codeSet,
  }));
  return { ...consumer, subscriptionDataSet };
}

/** Sends to one broker and asks it. */
export class ExtensionStory {
  constructor(
    private readonly client: RemotingClient,
    private readonly address: string,
  ) {}

  /** A topic, and what its groups listen to; before any message, so that all are judged. */
  async begin(): Promise<void> {
    await createTopic(this.address, topic, 1);
    await this.announce();
  }

  async announce(): Promise<void> {
    const groups = Object.entries(expressions);
    const consumers = groups.map(([group, sql]) => consumerOf(group, topic, sql, 'SQL92'));
    await this.beat([...consumers, taggedConsumer()]);
  }

  /** Messages `from` up to `to`, and one that is delayed; returns when all can be seen. */
  async write(from: number, to: number): Promise<void> {
    for (let i = from; i < to; i += 1) await this.send(i);
    await this.send(to, { [PropertyName.DELAY_TIME_LEVEL]: '1' });
    const asked = { topic, queueId };
    await eventually(`${to + 1} messages`, 30_000, async () => {
      const { header } = await this.client.invoke(this.address, GetMaxOffset, asked, { timeoutMs });
      return header.offset >= to + 1 || undefined;
    });
  }

  /** What each group is given of the queue, and what its entries say. */
  async judge(count: number): Promise<Judgement> {
    const pulled: Record<string, readonly string[]> = {};
    for (const group of Object.keys(expressions)) pulled[group] = await this.pullAll(group, count);
    pulled['tagged'] = await this.pullAll('tagged', count);
    const entries = [];
    for (const consumerGroup of ['large', 'paid', 'tagged']) {
      const asked = { topic, queueId, index: 0, count, consumerGroup };
      const { body } = await this.client.invoke(this.address, QueryConsumeQueue, asked, {
        timeoutMs,
      });
      // In the place of the tags code 4.9 shows the address.
      entries.push(...body.queueData.map((entry) => ({ ...entry, tagsCode: undefined })));
    }
    return { pulled, entries };
  }

  private async send(i: number, more: Record<string, string> = {}): Promise<void> {
    const asked = {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 1,
      queueId,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: encodeProperties({
        ...(i % 11 === 10 ? {} : { amount: String(i % 10) }),
        state: i % 2 === 0 ? 'paid' : 'open',
        TAGS: 'abcd'[i % 4] as string,
        ...more,
      }),
    };
    const body = Buffer.from(String(i));
    await this.client.invoke(this.address, SendMessageV2, asked, { body, timeoutMs });
  }

  private async beat(consumerDataSet: ConsumerData[]): Promise<void> {
    const body = {
      clientID: 'c',
      producerDataSet: [],
      consumerDataSet,
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
    await this.client.invoke(this.address, HeartBeat, {}, { body, timeoutMs });
  }

  private async pullAll(consumerGroup: string, end: number): Promise<string[]> {
    const bodies: string[] = [];
    for (let queueOffset = 0; queueOffset < end;) {
      const asked = {
        consumerGroup,
        topic,
        queueId,
        queueOffset,
        maxMsgNums: 32,
        sysFlag: 0,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subVersion: 0,
      };
      const answer = await this.client.invoke(this.address, PullMessage, asked, { timeoutMs });
      if (answer.name === 'SUCCESS') {
        bodies.push(...decodeRecords(answer.body).map(({ text }) => text));
      } else if (answer.name !== 'PULL_RETRY_IMMEDIATELY') {
        throw new ResponseError(1, `${consumerGroup} at ${queueOffset}: ${answer.name}`);
      }
      queueOffset = answer.header.nextBeginOffset;
    }
    return bodies;
  }
}
