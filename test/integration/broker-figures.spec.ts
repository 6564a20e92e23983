import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  type ConsumerStatus,
  GetAllProducerInfo,
  GetBrokerConsumeStats,
  GetBrokerRuntimeInfo,
  GetConsumerStatusFromClient,
  GetConsumeStats,
  InvokeBrokerToGetConsumerStatus,
  QueryConsumeQueue,
  QueryConsumeTimeSpan,
  QuerySubscriptionByConsumer,
  QueryTopicsByConsumer,
  UpdateConsumerOffset,
  ViewBrokerStatsData,
} from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

const ask = { timeoutMs: 30_000 };

async function figuresOf(raw: RawBroker): Promise<Record<string, string>> {
  const { body } = await raw.client.invoke(raw.address, GetBrokerRuntimeInfo, {}, ask);
  return body.table;
}

async function commit(raw: RawBroker, topic: string, commitOffset: number): Promise<void> {
  const asked = { consumerGroup: 'consumers', topic, queueId: 0, commitOffset };
  await raw.client.invoke(raw.address, UpdateConsumerOffset, asked, ask);
}

describe('the figures of a broker', () => {
  it('count what was put, got, delayed and is not flushed', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    await using raw = await RawBroker.start({}, { clock });
    const empty = await figuresOf(raw);
    expect(empty).toMatchObject({ putMessageTimesTotal: '0', earliestMessageTimeStamp: '-1' });
    for (let i = 0; i < 3; i += 1) await raw.send('orders', 'x');
    await raw.send('orders', 'later', { properties: { DELAY: '18' } });
    await raw.receive('orders', 3);
    const table = await figuresOf(raw);
    expect(table).toMatchObject({
      putMessageTimesTotal: '4',
      putMessageFailedTimes: '0',
      msgPutTotalTodayNow: '3',
      msgGetTotalTodayNow: '3',
      dispatchBehindBytes: '0',
      earliestMessageTimeStamp: String(clock.now()),
      runtime: '[ 0 days, 0 hours, 0 minutes, 0 seconds ]',
      commitLogMaxOffset: table['putMessageSizeTotal'],
      sendThreadPoolQueueSize: '0',
      sendThreadPoolQueueCapacity: '10000',
    });
    expect(table['commitLogDirCapacity']).toMatch(/^Total : [\d.]+ .?i?B, Free : [\d.]+ .?i?B\.$/);
  });

  it('show rates and daily counts as time goes by', async () => {
    const clock = new ManualClock(new Date(2026, 0, 1, 23, 59, 30).getTime());
    await using raw = await RawBroker.start({}, { clock });
    for (let i = 0; i < 20; i += 1) await raw.send('orders', 'x');
    await clock.advance(10_000);
    const soon = await figuresOf(raw);
    expect(soon['putTps']).toMatch(/^2\.0+ 2\.0+ 2\.0+$/);
    await clock.advance(50_000);
    const tomorrow = await figuresOf(raw);
    expect(tomorrow).toMatchObject({
      msgPutTotalYesterdayMorning: '0',
      msgPutTotalTodayMorning: '20',
      msgPutTotalTodayNow: '20',
    });
    expect(tomorrow['putTps']).toMatch(/^0\.0+ /);
  });

  it('are there by name and key, for the last minute, hour and day', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    await using raw = await RawBroker.start({}, { clock });
    for (let i = 0; i < 6; i += 1) await raw.send('orders', 'x');
    await raw.receive('orders', 6);
    await clock.advance(10_000);
    const counter = async (statsName: string, statsKey: string) => {
      const asked = { statsName, statsKey };
      return (await raw.client.invoke(raw.address, ViewBrokerStatsData, asked, ask)).body;
    };
    const puts = await counter('TOPIC_PUT_NUMS', 'orders');
    expect(puts.statsMinute).toEqual({ sum: 6, tps: 0.6, avgpt: 1 });
    expect(puts.statsHour).toEqual({ sum: 0, tps: 0, avgpt: 0 });
    expect((await counter('GROUP_GET_NUMS', 'orders@consumers')).statsMinute.sum).toBe(6);
    expect((await counter('BROKER_PUT_NUMS', 'DefaultCluster')).statsMinute.sum).toBe(6);
    await clock.advance(590_000);
    expect((await counter('TOPIC_PUT_NUMS', 'orders')).statsHour.sum).toBe(6);
    await expect(counter('TOPIC_PUT_NUMS', 'refunds')).rejects.toThrow(
      'The stats <TOPIC_PUT_NUMS> <refunds> not exist',
    );
  });
});

describe('how far groups are behind', () => {
  it('is told for every group of the broker, with the age of what waits', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    await using raw = await RawBroker.start({}, { clock });
    const start = clock.now();
    await raw.send('orders', 'x');
    await clock.advance(1000);
    await raw.send('orders', 'x');
    await clock.advance(1000);
    await raw.pull('orders');
    await commit(raw, 'orders', 1);
    const all = await raw.client.invoke(
      raw.address,
      GetBrokerConsumeStats,
      { isOrder: false },
      ask,
    );
    expect(all.body).toMatchObject({ brokerAddr: raw.address, totalDiff: 1 });
    const ofGroup = all.body.consumeStatsList.find((each) => 'consumers' in each)?.['consumers'];
    expect(ofGroup?.[0]?.offsetTable[0]).toEqual([
      { brokerName: 'broker-a', queueId: 0, topic: 'orders' },
      { brokerOffset: 2, consumerOffset: 1, pullOffset: 0, lastTimestamp: start },
    ]);
    const ordered = await raw.client.invoke(
      raw.address,
      GetBrokerConsumeStats,
      { isOrder: true },
      ask,
    );
    expect(ordered.body.totalDiff).toBe(0);
    const asked = { topic: 'orders', group: 'consumers' };
    const span = await raw.client.invoke(raw.address, QueryConsumeTimeSpan, asked, ask);
    expect(span.body.consumeTimeSpanSet[0]).toMatchObject({
      minTimeStamp: start,
      maxTimeStamp: start + 1000,
      consumeTimeStamp: start,
      delayTime: 1000,
    });
    expect(span.body.consumeTimeSpanSet[1]).toMatchObject({ minTimeStamp: -1, delayTime: 0 });
    const nowhere = { topic: 'nowhere', group: 'consumers' };
    await expect(
      raw.client.invoke(raw.address, QueryConsumeTimeSpan, nowhere, ask),
    ).rejects.toThrow('topic[nowhere] not exist');
  });

  it('is told of a group that is online for topics that it listens to', async () => {
    await using raw = await RawBroker.start();
    for (const topic of ['orders', 'refunds']) {
      await raw.send(topic, 'x');
      await raw.pull(topic);
      await commit(raw, topic, 1);
    }
    const topicsOf = async (more: { topicList?: string } = {}) => {
      const asked = { consumerGroup: 'consumers', ...more };
      const { body } = await raw.client.invoke(raw.address, GetConsumeStats, asked, ask);
      return [...new Set(body.offsetTable.map(([queue]) => queue.topic))];
    };
    expect(await topicsOf()).toEqual(['orders', 'refunds']);
    await raw.heartbeat('one', { consumers: [consumerOf('consumers', 'refunds')] });
    expect(await topicsOf()).toEqual(['refunds']);
    expect(await topicsOf({ topicList: 'orders;' })).toEqual(['orders']);
  });
});

describe('clients of a broker', () => {
  it('are listed with what they produce, consume and listen to', async () => {
    await using raw = await RawBroker.start();
    await raw.heartbeat('one', {
      producers: ['p'],
      consumers: [consumerOf('consumers', 'orders', 'TagA')],
    });
    const { body } = await raw.client.invoke(raw.address, GetAllProducerInfo, {}, ask);
    expect(Object.keys(body.data)).toEqual(['p']);
    expect(body.data['p']?.[0]).toMatchObject({ clientId: 'one' });
    expect(body.data['p']?.[0]?.remoteIP).toMatch(/^\/127\.0\.0\.1:\d+$/);
    await raw.send('orders', 'x');
    await commit(raw, 'orders', 1);
    const group = 'consumers';
    const topics = await raw.client.invoke(raw.address, QueryTopicsByConsumer, { group }, ask);
    expect(topics.body).toEqual({ topicList: ['orders'], brokerAddr: raw.address });
    const subscriptionOf = async (topic: string) => {
      const asked = { group, topic };
      return (await raw.client.invoke(raw.address, QuerySubscriptionByConsumer, asked, ask)).body;
    };
    expect(await subscriptionOf('orders')).toMatchObject({
      group,
      topic: 'orders',
      subscriptionData: { subString: 'TagA' },
    });
    expect((await subscriptionOf('refunds')).subscriptionData).toBeUndefined();
  });

  it('are named beside the entries of a queue that one of their groups reads', async () => {
    await using raw = await RawBroker.start();
    await raw.send('orders', 'x');
    await raw.heartbeat('one', { consumers: [consumerOf('g', 'orders', 'TagA')] });
    const entries = async (consumerGroup?: string) => {
      const asked = { topic: 'orders', queueId: 0, index: 0, count: 1, consumerGroup };
      return (await raw.client.invoke(raw.address, QueryConsumeQueue, asked, ask)).body;
    };
    expect((await entries()).subscriptionData).toBeUndefined();
    expect(await entries('g')).toMatchObject({
      filterData: 'null',
      subscriptionData: { subString: 'TagA' },
      queueData: [{ physicOffset: 0 }],
    });
    expect((await entries('h')).filterData).toBe('h@orders is not online!');
  });

  it('are asked where they stand; who is silent is left out', async () => {
    const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
    const messageQueueTable: ConsumerStatus['messageQueueTable'] = [[queue, 5]];
    const router = new Router().route(GetConsumerStatusFromClient, () => ({
      body: { consumerTable: {}, messageQueueTable },
    }));
    await using raw = await RawBroker.start({}, { router });
    await raw.heartbeat('one', { consumers: [consumerOf('consumers', 'orders')] });
    const mute = RawBroker.clientOf();
    await raw.heartbeat('two', { consumers: [consumerOf('consumers', 'orders')] }, mute);
    const asked = { topic: 'orders', group: 'consumers' };
    const status = await raw.client.invoke(
      raw.address,
      InvokeBrokerToGetConsumerStatus,
      asked,
      ask,
    );
    expect(status.body.consumerTable).toEqual({ one: [[queue, 5]] });
    await mute.close();
    await expect(
      raw.client.invoke(
        raw.address,
        InvokeBrokerToGetConsumerStatus,
        { topic: 'orders', group: 'nobody' },
        ask,
      ),
    ).rejects.toThrow('No Any Consumer online in the consumer group: [nobody]');
  });
});
