import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { decodeRecords, encodeProperties } from '@nestjs-rocketmq/message';
import {
  CleanUnusedTopic,
  DeleteExpiredCommitlog,
  GetMinOffset,
  QueryMessage,
  SendReplyMessageV2,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { ClientCluster, Inbox } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';
import { createGroup, RawBroker } from '../support/raw-broker.js';

const patience = { timeoutMs: 30_000 };

describe('a query by key', () => {
  let raw: RawBroker;

  beforeAll(async () => {
    raw = await RawBroker.start();
    for (const n of [1, 2, 3]) {
      const properties = { KEYS: `order-${n} all`, UNIQ_KEY: `UNIQUE${n}`, TAGS: `tag${n % 2}` };
      await raw.send('orders', `body ${n}`, { properties });
    }
  });

  afterAll(() => raw[Symbol.asyncDispose]());

  const query = async (key: string, more: Record<string, unknown> = {}) => {
    const asked = { topic: 'orders', key, maxNum: 10, beginTimestamp: 0 };
    const all = { ...asked, endTimestamp: Number.MAX_SAFE_INTEGER, ...more };
    const answer = await raw.client.invoke(raw.address, QueryMessage, all, patience);
    const records = answer.name === 'SUCCESS' ? decodeRecords(answer.body) : [];
    return { answer, texts: records.map((message) => message.text) };
  };

  it('finds by key, by unique key, and by tag', async () => {
    expect((await query('order-2')).texts).toEqual(['body 2']);
    expect((await query('all')).texts).toEqual(['body 1', 'body 2', 'body 3']);
    expect((await query('all', { maxNum: 2 })).texts).toEqual(['body 2', 'body 3']);
    expect((await query('UNIQUE3', { isUniqueKey: 'true', maxNum: 0 })).texts).toEqual(['body 3']);
    expect((await query('UNIQUE1', { indexType: 'U' })).texts).toEqual(['body 1']);
    expect((await query('order-1', { indexType: 'K' })).texts).toEqual(['body 1']);
    expect((await query('tag1', { indexType: 'T' })).texts).toEqual(['body 1', 'body 3']);
  });

  it('finds a reply that was kept, whether or not it could be handed over', async () => {
    const topic = 'DefaultCluster_REPLY_TOPIC';
    const properties = encodeProperties({
      KEYS: 'reply-1',
      UNIQ_KEY: 'REPLY1',
      TAGS: 'answers',
      REPLY_TO_CLIENT: 'somebody who has gone',
    });
    const asked = {
      producerGroup: 'repliers',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 1,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1_760_000_000_000,
      flag: 3,
      properties,
    };
    const reply = { ...patience, body: Buffer.from('the reply') };
    await expect(
      raw.client.invoke(raw.address, SendReplyMessageV2, asked, reply),
    ).rejects.toMatchObject({ responseName: 'SYSTEM_ERROR' });
    expect((await query('reply-1', { topic })).texts).toEqual(['the reply']);
    expect((await query('REPLY1', { topic, indexType: 'U' })).texts).toEqual(['the reply']);
    const [kept] = await raw.receive(topic, 1, { subscription: 'answers' });
    expect(kept).toMatchObject({ flag: 3, bornTimestamp: 1_760_000_000_000, tags: 'answers' });
  });

  it('tells how far the index goes', async () => {
    const { answer } = await query('order-1');
    expect(answer.header.indexLastUpdatePhyoffset).toBeGreaterThan(0);
    expect(answer.header.indexLastUpdateTimestamp).toBeGreaterThan(1_700_000_000_000);
  });

  it('is answered QUERY_NOT_FOUND where there is nothing', async () => {
    const { answer } = await query('order-9');
    expect([answer.name, answer.remark]).toEqual([
      'QUERY_NOT_FOUND',
      'can not find message, maybe time range not correct',
    ]);
    expect((await query('order-1', { endTimestamp: 1 })).answer.name).toBe('QUERY_NOT_FOUND');
  });
});

describe('a consumer whose messages were removed', () => {
  const properties = {
    mappedFileSizeCommitLog: 16_384,
    fileReservedTime: 0,
    deleteWhen: '',
    cleanResourceInterval: 100,
  };
  let cluster: ClientCluster;

  beforeAll(async () => {
    cluster = await ClientCluster.start({ ...properties, defaultTopicQueueNums: 1 });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  it('is told where to go on, and goes on by itself', async () => {
    const topic = cluster.name('removed');
    const group = cluster.name('behind');
    const address = cluster.servers.brokerAddress;
    const producer = await cluster.producer();
    const queue = { topic, queueId: 0 };
    for (let n = 0; n < 60; n += 1) {
      await producer.send({ topic, body: Buffer.from(`${n} ${'x'.repeat(1000)}`) });
    }
    await using raw = new RawClient();
    const commit = { ...queue, consumerGroup: group, commitOffset: 0 };
    await createGroup(raw.client, address, group);
    await raw.client.invoke(address, UpdateConsumerOffset, commit, patience);
    await raw.client.invoke(address, DeleteExpiredCommitlog, {}, patience);
    const min = await eventually('a first offset that moved', 60_000, async () => {
      const { header } = await raw.client.invoke(address, GetMinOffset, queue, patience);
      return header.offset > 30 ? header.offset : undefined;
    });
    const inbox = new Inbox();
    const clock = new ManualClock(Date.now());
    await cluster.consumer({
      clock,
      group,
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        return { kind: 'success' };
      },
    });
    // Whoever was too far behind pauses for ten seconds, as Java's client does.
    await eventually('all that is left', 60_000, async () => {
      await clock.advance(1000);
      return inbox.all.length >= 60 - min ? true : undefined;
    });
    expect(Number.parseInt(inbox.texts[0] ?? '', 10)).toBe(min);
  });

  it('goes on with queues of topics that are there when the others are removed', async () => {
    const topic = cluster.name('kept');
    const producer = await cluster.producer();
    await producer.send({ topic, body: Buffer.from('kept') });
    await using raw = new RawClient();
    await raw.client.invoke(cluster.servers.brokerAddress, CleanUnusedTopic, {}, patience);
    const inbox = new Inbox();
    await cluster.consumer({
      from: 'first',
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        return { kind: 'success' };
      },
    });
    await inbox.until(1);
    expect(inbox.texts).toEqual(['kept']);
  });
});

class RawClient implements AsyncDisposable {
  readonly client = RawBroker.clientOf();

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.close();
  }
}
