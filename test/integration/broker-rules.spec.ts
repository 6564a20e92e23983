import { parseOffsetMessageId } from '@nestjs-rocketmq/message';
import {
  ConsumerSendMsgBack,
  GetSubscriptiongroupConfig,
  subscriptionGroupConfig,
  UpdateAndCreateSubscriptiongroup,
  UpdateAndCreateTopic,
} from '@nestjs-rocketmq/protocol';
import { consumerOf, RawBroker, temporaryFolder } from '../support/raw-broker.js';

const timeoutMs = 30_000;

async function topicOf(raw: RawBroker, topic: string, type: string): Promise<void> {
  const asked = {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    order: false,
    attributes: `+message.type=${type}`,
    force: false,
  };
  await raw.client.invoke(raw.address, UpdateAndCreateTopic, asked, { timeoutMs });
}

describe('the message type of a topic', () => {
  const kinds: Readonly<Record<string, Record<string, string>>> = {
    plain: {},
    delayed: { DELAY: '1' },
    transactional: { TRAN_MSG: 'true', PGROUP: 'p' },
  };
  let raw: RawBroker;

  const taken = async (topic: string): Promise<string[]> => {
    const names = [];
    for (const [name, properties] of Object.entries(kinds)) {
      const sent = await Promise.allSettled([raw.send(topic, name, { properties })]);
      if (sent[0].status === 'fulfilled') names.push(name);
      else expect(sent[0].reason).toMatchObject({ responseName: 'MESSAGE_ILLEGAL' });
    }
    return names;
  };

  afterEach(() => raw[Symbol.asyncDispose]());

  it.each([
    ['NORMAL', ['plain']],
    ['FIFO', ['plain']],
    ['DELAY', ['delayed']],
    ['TRANSACTION', ['transactional']],
    ['UNSPECIFIED', ['plain', 'delayed', 'transactional']],
  ])('%s takes %j where it is checked', async (type, expected) => {
    raw = await RawBroker.start({ enableTopicMessageTypeCheck: true });
    await topicOf(raw, 'typed', type);
    expect(await taken('typed')).toEqual(expected);
    expect(await taken('untyped')).toEqual(Object.keys(kinds));
  });

  it('says nothing to senders by default', async () => {
    raw = await RawBroker.start();
    await topicOf(raw, 'typed', 'DELAY');
    expect(await taken('typed')).toEqual(Object.keys(kinds));
  });
});

describe('a broker that is strict with consumers', () => {
  it('switches a group off that lies too far back', async () => {
    await using raw = await RawBroker.start({
      disableConsumeIfConsumerReadSlowly: true,
      consumerFallbehindThreshold: 10_000,
    });
    for (let i = 0; i < 20; i += 1) await raw.send('orders', 'x'.repeat(1000));
    expect((await raw.pull('orders', { group: 'quick', offset: 15 })).name).toBe('SUCCESS');
    expect((await raw.pull('orders', { group: 'slow', maxCount: 1 })).name).toBe('SUCCESS');
    await expect(raw.pull('orders', { group: 'slow' })).rejects.toMatchObject({
      responseName: 'NO_PERMISSION',
    });
    expect((await raw.pull('orders', { group: 'quick', offset: 15 })).name).toBe('SUCCESS');
  });

  it('serves members only where pull consumers are rejected', async () => {
    await using raw = await RawBroker.start({ rejectPullConsumerEnable: true });
    await raw.send('orders', 'x');
    await expect(raw.pull('orders', { group: 'stranger' })).rejects.toMatchObject({
      responseName: 'SUBSCRIPTION_NOT_EXIST',
    });
    await raw.heartbeat('c', { consumers: [consumerOf('member', 'orders')] });
    expect((await raw.pull('orders', { group: 'member' })).name).toBe('SUCCESS');
    const active = { ...consumerOf('active', 'orders'), consumeType: 'CONSUME_ACTIVELY' as const };
    await raw.heartbeat('c', { consumers: [active] });
    await expect(raw.pull('orders', { group: 'active' })).rejects.toMatchObject({
      responseName: 'SUBSCRIPTION_NOT_EXIST',
    });
  });
});

describe('the retry policy of a group', () => {
  it.each([
    [
      {
        type: 'EXPONENTIAL' as const,
        exponentialRetryPolicy: { initial: 2000, max: 60_000, multiplier: 3 },
      },
    ],
    [{ type: 'CUSTOMIZED' as const, customizedRetryPolicy: { next: [1000, 5000] } }],
  ])('%j is kept and shown, and a message that is sent back waits by its level', async (policy) => {
    const folder = temporaryFolder();
    const delays = { messageDelayLevel: '1h 1h 1s 1h' };
    const given = { groupName: 'retrying', groupRetryPolicy: policy, retryMaxTimes: 2 };
    const body = subscriptionGroupConfig.read(given, 'group');
    const first = await RawBroker.start(delays, { dir: folder.path });
    await first.client.invoke(
      first.address,
      UpdateAndCreateSubscriptiongroup,
      {},
      { body, timeoutMs },
    );
    const sent = await first.send('orders', 'again');
    const { position } = parseOffsetMessageId(sent.header.msgId);
    const back = { offset: position, group: 'retrying', delayLevel: 0, unitMode: false };
    await first.client.invoke(first.address, ConsumerSendMsgBack, back, { timeoutMs });
    const [retried] = await first.receive('%RETRY%retrying', 1, { group: 'retrying' });
    expect([retried?.text, retried?.reconsumeTimes]).toEqual(['again', 1]);
    await first.close();
    const second = await RawBroker.start(delays, { dir: folder.path });
    const shown = await second.client.invoke(
      second.address,
      GetSubscriptiongroupConfig,
      { group: 'retrying' },
      { timeoutMs },
    );
    await second.close();
    folder.remove();
    expect(shown.body).toMatchObject({ groupRetryPolicy: policy, retryMaxTimes: 2 });
  });
});
