import { decodeRecords, SystemTopic } from '@nestjs-rocketmq/message';
import {
  DeleteTopicInBroker,
  subscriptionGroupConfig,
  UpdateAndCreateSubscriptiongroup,
} from '@nestjs-rocketmq/protocol';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

describe('a pull that waits', () => {
  let raw: RawBroker;

  beforeAll(async () => {
    raw = await RawBroker.start();
    await raw.send('orders', 'old');
  });

  afterAll(() => raw[Symbol.asyncDispose]());

  it('is answered by the message that arrives', async () => {
    const waiting = raw.pull('orders', { offset: 1, waitMillis: 60_000 });
    const started = performance.now();
    await raw.send('orders', 'new');
    const answer = await waiting;
    expect(answer.name).toBe('SUCCESS');
    expect(answer.header.nextBeginOffset).toBe(2);
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it('waits for the first message of a topic that is empty', async () => {
    const waiting = raw.pull('BenchmarkTest', { queueId: 7, waitMillis: 60_000 });
    await raw.send('BenchmarkTest', 'first', { queueId: 7 });
    expect((await waiting).header.nextBeginOffset).toBe(1);
  });

  it('sleeps on through messages of other tags, and does not get those it wants twice', async () => {
    const waiting = raw.pull('BenchmarkTest', {
      queueId: 8,
      waitMillis: 60_000,
      subscription: 'wanted',
    });
    await raw.send('BenchmarkTest', 'no', { queueId: 8, properties: { TAGS: 'other' } });
    await raw.send('BenchmarkTest', 'no', { queueId: 8, properties: { TAGS: 'other' } });
    await raw.send('BenchmarkTest', 'yes', { queueId: 8, properties: { TAGS: 'wanted' } });
    const answer = await waiting;
    expect(answer.name).toBe('SUCCESS');
    expect(answer.header.nextBeginOffset).toBe(3);
    expect(Buffer.from(answer.body).includes('yes')).toBe(true);
    expect(Buffer.from(answer.body).includes('no')).toBe(false);
  });

  it('is answered PULL_NOT_FOUND when its time is up', async () => {
    const answer = await raw.pull('BenchmarkTest', { queueId: 9, waitMillis: 300 });
    expect([answer.name, answer.header.nextBeginOffset]).toEqual(['PULL_NOT_FOUND', 0]);
  });

  it('does not wait when it does not ask to', async () => {
    const answer = await raw.pull('BenchmarkTest', { queueId: 9 });
    expect(answer.name).toBe('PULL_NOT_FOUND');
  });

  it('is answered when the broker closes', async () => {
    await using other = await RawBroker.start();
    const waiting = other.pull('BenchmarkTest', { waitMillis: 60_000 });
    // The broker has the pull when it has answered what was sent after it.
    await other.maxOffset(SystemTopic.SCHEDULE);
    await other.broker.close();
    expect((await waiting).name).toBe('PULL_NOT_FOUND');
  });

  it('is answered when its topic is deleted', async () => {
    await raw.send('short-lived', 'x');
    const waiting = raw.pull('short-lived', { offset: 1, waitMillis: 60_000 });
    const asked = { topic: 'short-lived' };
    const [answer] = await Promise.allSettled([
      waiting,
      raw.client.invoke(raw.address, DeleteTopicInBroker, asked, { timeoutMs: 30_000 }),
    ]);
    expect(answer).toMatchObject({
      status: 'rejected',
      reason: { responseName: 'TOPIC_NOT_EXIST' },
    });
  });

  it('is not given what its group may not read any more', async () => {
    const waiting = raw.pull('orders', { group: 'stopped', offset: 2, waitMillis: 60_000 });
    const body = subscriptionGroupConfig.read(
      { groupName: 'stopped', consumeEnable: false },
      'group',
    );
    await raw.client.invoke(
      raw.address,
      UpdateAndCreateSubscriptiongroup,
      {},
      { body, timeoutMs: 30_000 },
    );
    await raw.send('orders', 'for others');
    expect((await waiting.catch((error: unknown) => error)) as object).toMatchObject({
      responseName: 'NO_PERMISSION',
    });
  });

  it('gets what a newer subscription of its group wants', async () => {
    const changed = consumerOf('changing', 'changing', 'a');
    await raw.heartbeat('c', { consumers: [changed] });
    await raw.send('changing', 'other', { properties: { TAGS: 'b' } });
    const how = { group: 'changing', announced: true, waitMillis: 60_000 };
    const first = await raw.pull('changing', { ...how, offset: 0 });
    expect([first.name, first.header.nextBeginOffset]).toEqual(['PULL_RETRY_IMMEDIATELY', 1]);
    const waiting = raw.pull('changing', { ...how, offset: 1 });
    await raw.send('changing', 'wanted later', { properties: { TAGS: 'b' } });
    const [subscription] = changed.subscriptionDataSet;
    const newer = { ...subscription, subString: 'b', subVersion: 2 };
    const consumers = [{ ...changed, subscriptionDataSet: [newer as never] }];
    await raw.heartbeat('c', { consumers });
    await raw.send('changing', 'wanted', { properties: { TAGS: 'b' } });
    const answer = await waiting;
    expect([answer.name, answer.header.nextBeginOffset]).toEqual(['SUCCESS', 3]);
    expect(decodeRecords(answer.body).map(({ text }) => text)).toEqual(['wanted later', 'wanted']);
  });
});
