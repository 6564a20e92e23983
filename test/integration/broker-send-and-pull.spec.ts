import { SystemTopic, tagHash } from '@nestjs-rocketmq/message';
import { encodeBatch, parseOffsetMessageId } from '@nestjs-rocketmq/message';
import { ResponseError, SendBatchMessage, ViewMessageById } from '@nestjs-rocketmq/protocol';
import { RawBroker } from '../support/raw-broker.js';

const encoder = new TextEncoder();

async function refusalOf(work: Promise<unknown>): Promise<ResponseError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ResponseError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a broker that is sent to and pulled from', () => {
  let raw: RawBroker;

  beforeAll(async () => {
    raw = await RawBroker.start({ maxMessageSize: 4096 });
  });

  afterAll(() => raw[Symbol.asyncDispose]());

  it('stores a message with everything it came with, and says where it lies', async () => {
    const sent = await raw.send('orders', 'first', {
      queueId: 1,
      properties: { TAGS: 'placed', KEYS: 'k1', UNIQ_KEY: 'U1', colour: 'blue' },
      more: { flag: 7, bornTimestamp: 1234 },
    });
    expect(sent.header).toMatchObject({
      queueId: 1,
      queueOffset: 0,
      transactionId: 'U1',
      regionId: 'DefaultRegion',
      traceOn: 'true',
    });
    const [message] = await raw.receive('orders', 1, { queueId: 1 });
    expect(message).toMatchObject({
      topic: 'orders',
      queueId: 1,
      queueOffset: 0,
      text: 'first',
      flag: 7,
      bornTimestamp: 1234,
      tags: 'placed',
      keys: ['k1'],
      offsetMsgId: sent.header.msgId,
      storeHost: raw.address,
    });
    expect(message?.properties).toEqual({
      TAGS: 'placed',
      KEYS: 'k1',
      UNIQ_KEY: 'U1',
      colour: 'blue',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
    expect(message?.isIntact()).toBe(true);
  });

  it('gives a message without a unique key one', async () => {
    const sent = await raw.send('orders', 'nameless', { queueId: 2 });
    const [message] = await raw.receive('orders', 1, { queueId: 2 });
    expect(sent.header.transactionId).toMatch(/^[0-9A-F]{32}$/);
    expect(message?.property('UNIQ_KEY')).toBe(sent.header.transactionId);
  });

  it('numbers the messages of a queue and keeps their order', async () => {
    const sends = Array.from({ length: 50 }, (_, i) => raw.send('numbers', `n${i}`));
    const answers = await Promise.all(sends);
    expect(answers.map(({ header }) => header.queueOffset)).toEqual(answers.map((_, i) => i));
    const messages = await raw.receive('numbers', 50);
    expect(messages.map(({ text }) => text)).toEqual(answers.map((_, i) => `n${i}`));
  });

  it('unpacks a batch into records of their own', async () => {
    const body = encodeBatch(
      ['a', 'b', 'c'].map((text, i) => ({
        flag: i,
        body: encoder.encode(text),
        properties: `UNIQ_KEY\u0001B${i}\u0002TAGS\u0001t${i}\u0002`,
      })),
    );
    const sent = await raw.client.invoke(
      raw.address,
      SendBatchMessage,
      {
        producerGroup: 'producers',
        topic: 'batches',
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 4,
        queueId: 0,
        sysFlag: 0,
        bornTimestamp: 1,
        flag: 0,
        batch: true,
      },
      { body, timeoutMs: 30_000 },
    );
    const messages = await raw.receive('batches', 3);
    expect(messages.map(({ text, flag, tags }) => [text, flag, tags])).toEqual([
      ['a', 0, 't0'],
      ['b', 1, 't1'],
      ['c', 2, 't2'],
    ]);
    expect(sent.header.queueOffset).toBe(0);
    expect(sent.header.msgId).toBe(messages.map(({ offsetMsgId }) => offsetMsgId).join(','));
  });

  it('gives only messages of the wanted tags, by their hashes', async () => {
    for (const tag of ['red', 'green', 'red']) {
      await raw.send('colours', tag, { properties: { TAGS: tag } });
    }
    const messages = await raw.receive('colours', 2, { subscription: 'red' });
    expect(messages.map(({ queueOffset }) => queueOffset)).toEqual([0, 2]);
    const none = await raw.pull('colours', { subscription: 'blue' });
    expect([none.name, none.header.nextBeginOffset]).toEqual(['PULL_RETRY_IMMEDIATELY', 3]);
    expect(tagHash('blue')).not.toBe(tagHash('red'));
  });

  it('corrects an offset that is too high', async () => {
    await raw.send('short', 'only');
    const answer = await raw.pull('short', { offset: 40 });
    expect([answer.name, answer.header.nextBeginOffset]).toEqual(['PULL_OFFSET_MOVED', 1]);
    const next = await raw.pull('short', { offset: 1 });
    expect([next.name, next.header.maxOffset]).toEqual(['PULL_NOT_FOUND', 1]);
  });

  it('finds a message by its offset id', async () => {
    const sent = await raw.send('orders', 'wanted', { queueId: 3 });
    const { position } = parseOffsetMessageId(sent.header.msgId);
    const found = await raw.client.invoke(
      raw.address,
      ViewMessageById,
      { offset: position },
      { timeoutMs: 30_000 },
    );
    expect(Buffer.from(found.body).includes('wanted')).toBe(true);
  });

  it.each([
    ['a body over maxMessageSize', 'orders', new Uint8Array(4097), {}, 'MESSAGE_ILLEGAL'],
    ['an illegal topic', 'or ders', 'x', {}, 'INVALID_PARAMETER'],
    ['an overlong topic', 't'.repeat(128), 'x', {}, 'INVALID_PARAMETER'],
    ['a topic of the broker', SystemTopic.SCHEDULE, 'x', {}, 'NO_PERMISSION'],
    ['a queue that the topic has not', 'orders', 'x', { queueId: 99 }, 'INVALID_PARAMETER'],
    [
      'properties over 32767 bytes',
      'orders',
      'x',
      { properties: { big: 'x'.repeat(32_760) } },
      'MESSAGE_ILLEGAL',
    ],
    ['a timer property', 'orders', 'x', { properties: { TIMER_DELIVER_MS: '99' } }, 'SYSTEM_ERROR'],
    [
      'a template that is none',
      'fresh',
      'x',
      { more: { defaultTopic: 'orders' } },
      'TOPIC_NOT_EXIST',
    ],
  ] as const)('refuses %s', async (_, topic, body, how, code) => {
    const error = await refusalOf(raw.send(topic, body, how));
    expect(error.responseName).toBe(code);
    expect(error.remark).not.toBe('');
  });
});

describe('a broker where nothing creates itself', () => {
  it('refuses unknown topics and groups by name', async () => {
    await using raw = await RawBroker.start({
      autoCreateTopicEnable: false,
      autoCreateSubscriptionGroup: false,
    });
    const send = await refusalOf(raw.send('unknown', 'x'));
    expect([send.responseName, send.remark]).toEqual([
      'TOPIC_NOT_EXIST',
      expect.stringContaining('topic[unknown] not exist'),
    ]);
    const pull = await refusalOf(raw.pull('BenchmarkTest', { group: 'strangers' }));
    expect(pull.responseName).toBe('SUBSCRIPTION_GROUP_NOT_EXIST');
  });
});
