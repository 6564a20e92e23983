import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { parseOffsetMessageId, type StoredMessage, SystemTopic } from '@nestjs-rocketmq/message';
import {
  ConsumerSendMsgBack,
  LockBatchMq,
  UpdateAndCreateSubscriptiongroup,
} from '@nestjs-rocketmq/protocol';
import { RawBroker, temporaryFolder } from '../support/raw-broker.js';

/** Level 3 is the first that a retry waits for. */
const messageDelayLevel = '1s 5s 10s 30s';

/** A broker whose time is moved by hand. */
async function start(
  properties: Record<string, unknown> = {},
  dir?: string,
): Promise<{ raw: RawBroker; clock: ManualClock }> {
  const clock = new ManualClock(Date.now());
  const options = dir === undefined ? { clock } : { clock, dir };
  return { raw: await RawBroker.start({ messageDelayLevel, ...properties }, options), clock };
}

function sendBack(
  raw: RawBroker,
  message: StoredMessage,
  more: { delayLevel?: number; maxReconsumeTimes?: number } = {},
): Promise<unknown> {
  return raw.client.invoke(
    raw.address,
    ConsumerSendMsgBack,
    {
      offset: message.logPosition,
      group: 'workers',
      delayLevel: 0,
      originMsgId: message.msgId,
      originTopic: message.topic,
      unitMode: false,
      ...more,
    },
    { timeoutMs: 30_000 },
  );
}

describe('a delayed message', () => {
  it('waits hidden and is delivered when it is due, not before, with its tag and body', async () => {
    const { raw, clock } = await start();
    await using _ = raw;
    const sent = await raw.send('orders', 'later', {
      queueId: 2,
      properties: { DELAY: '2', TAGS: 'close' },
    });
    expect(sent.header.queueId).toBe(2);
    expect(await raw.maxOffset(SystemTopic.SCHEDULE, 1)).toBe(1);
    await clock.advance(4999);
    expect(await raw.maxOffset('orders', 2)).toBe(0);
    await clock.advance(1);
    const [message] = await raw.receive('orders', 1, { queueId: 2, subscription: 'close' });
    expect(message).toMatchObject({ text: 'later', tags: 'close', queueId: 2 });
  });

  it('takes a level beyond the highest for the highest', async () => {
    const { raw, clock } = await start();
    await using _ = raw;
    await raw.send('orders', 'x', { properties: { DELAY: '99' } });
    expect(await raw.maxOffset(SystemTopic.SCHEDULE, 3)).toBe(1);
    await clock.advance(30_000);
    await raw.receive('orders', 1);
  });

  it('is delivered by the broker that starts again, once', async () => {
    const folder = temporaryFolder();
    try {
      const first = await start({}, folder.path);
      await first.raw.send('orders', 'early', { properties: { DELAY: '1' } });
      await first.clock.advance(1000);
      await first.raw.receive('orders', 1);
      await first.raw.send('orders', 'late', { properties: { DELAY: '1' } });
      await first.raw.close();
      const second = await start({}, folder.path);
      await using _ = second.raw;
      await second.clock.advance(2000);
      const messages = await second.raw.receive('orders', 2);
      expect(messages.map(({ text }) => text)).toEqual(['early', 'late']);
      expect(await second.raw.maxOffset('orders')).toBe(2);
    } finally {
      folder.remove();
    }
  });
});

describe('a message that is sent back', () => {
  let raw: RawBroker;
  let clock: ManualClock;

  beforeEach(async () => {
    ({ raw, clock } = await start());
  });

  afterEach(() => raw[Symbol.asyncDispose]());

  it('comes again through the retry topic of its group, counted', async () => {
    const sent = await raw.send('orders', 'hard', { properties: { UNIQ_KEY: 'U1', TAGS: 't' } });
    const [first] = await raw.receive('orders', 1);
    await sendBack(raw, first as StoredMessage);
    expect(await raw.maxOffset(SystemTopic.SCHEDULE, 2)).toBe(1);
    await clock.advance(10_000);
    const [again] = await raw.receive('%RETRY%workers', 1, { group: 'workers' });
    expect(again).toMatchObject({ text: 'hard', reconsumeTimes: 1, msgId: 'U1', tags: 't' });
    expect(again?.properties).toMatchObject({
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: sent.header.msgId,
    });
    await sendBack(raw, again as StoredMessage);
    expect(await raw.maxOffset(SystemTopic.SCHEDULE, 3)).toBe(1);
    await clock.advance(30_000);
    const [third] = await raw.receive('%RETRY%workers', 1, { group: 'workers', offset: 1 });
    expect(third?.reconsumeTimes).toBe(2);
    expect(third?.properties).toMatchObject({
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: sent.header.msgId,
    });
    // The place of an earlier wait is not dragged along.
    expect(third?.propertiesText.split('REAL_TOPIC')).toHaveLength(2);
  });

  it.each([
    ['was tried as often as its client allows', { maxReconsumeTimes: 0 }],
    ['is given up by its consumer', { delayLevel: -1 }],
  ])('goes to the dead letters when it %s', async (_, more) => {
    await raw.send('orders', 'dead');
    const [message] = await raw.receive('orders', 1);
    await sendBack(raw, message as StoredMessage, more);
    const [dead] = await raw.receive('%DLQ%workers', 1);
    expect(dead).toMatchObject({ text: 'dead', reconsumeTimes: 1 });
    expect(dead?.properties).toMatchObject({ RETRY_TOPIC: 'orders' });
  });

  it('goes to the dead letters after the maximum of its group', async () => {
    const group = {
      groupName: 'workers',
      attributes: {},
      brokerId: 0,
      consumeBroadcastEnable: true,
      consumeEnable: true,
      consumeFromMinEnable: true,
      consumeMessageOrderly: false,
      consumeTimeoutMinute: 15,
      groupSysFlag: 0,
      notifyConsumerIdsChangedEnable: true,
      retryMaxTimes: 1,
      retryQueueNums: 1,
      whichBrokerWhenConsumeSlowly: 1,
    };
    await raw.client.invoke(
      raw.address,
      UpdateAndCreateSubscriptiongroup,
      {},
      {
        body: group,
        timeoutMs: 30_000,
      },
    );
    await raw.send('orders', 'twice');
    const [message] = await raw.receive('orders', 1);
    await sendBack(raw, message as StoredMessage);
    await clock.advance(10_000);
    const [again] = await raw.receive('%RETRY%workers', 1);
    await sendBack(raw, again as StoredMessage);
    const [dead] = await raw.receive('%DLQ%workers', 1);
    expect(dead).toMatchObject({ text: 'twice', reconsumeTimes: 2 });
  });

  it('is refused when its position holds no message', async () => {
    await raw.send('orders', 'x');
    const [message] = await raw.receive('orders', 1);
    const { position } = parseOffsetMessageId((message as StoredMessage).offsetMsgId);
    const wrong = { logPosition: position + 8, msgId: 'U', topic: 'orders' } as StoredMessage;
    await expect(sendBack(raw, wrong)).rejects.toThrow(/look message by offset failed/);
  });
});

describe('a message that a consumer sends straight to its retry topic', () => {
  const retry = '%RETRY%workers';

  it('is taken as it is while the group may try again', async () => {
    const { raw } = await start();
    await using _ = raw;
    await raw.send(retry, 'once more', {
      properties: { MSG_REGION: 'elsewhere' },
      more: { reconsumeTimes: 16, maxReconsumeTimes: 16 },
    });
    const [message] = await raw.receive(retry, 1);
    expect(message).toMatchObject({ text: 'once more', reconsumeTimes: 16 });
    expect(message?.propertiesText.split('MSG_REGION')).toHaveLength(2);
  });

  it('is a dead letter when it was tried too often', async () => {
    const { raw } = await start();
    await using _ = raw;
    await raw.send(retry, 'over', {
      properties: { DELAY: '3' },
      more: { reconsumeTimes: 17, maxReconsumeTimes: 16 },
    });
    const [dead] = await raw.receive('%DLQ%workers', 1);
    expect(dead?.text).toBe('over');
  });

  it('is a dead letter while somebody of the group consumes in order', async () => {
    const { raw } = await start();
    await using _ = raw;
    const mqSet = [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }];
    const body = { consumerGroup: 'workers', clientId: 'c', mqSet, onlyThisBroker: false };
    await raw.client.invoke(raw.address, LockBatchMq, {}, { body, timeoutMs: 30_000 });
    await raw.send(retry, 'in order', { more: { reconsumeTimes: 1 } });
    const [dead] = await raw.receive('%DLQ%workers', 1);
    expect(dead?.text).toBe('in order');
  });
});
