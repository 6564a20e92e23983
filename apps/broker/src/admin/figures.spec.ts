import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { Counter } from '../counter.js';
import { Figures } from './figures.js';
import { Meter } from './meter.js';
import { MessageType, type TopicTraffic } from './topic-traffic.js';

describe('Meter', () => {
  it('knows its speed over windows of different length', () => {
    const meter = new Meter(0);
    for (let second = 10; second <= 60; second += 10) {
      meter.total += second <= 30 ? 100 : 200;
      meter.sample(second * 1000);
    }
    expect(meter.rate(10_000, 60_000)).toBe(20);
    expect(meter.rate(60_000, 60_000)).toBe(15);
    expect(meter.rates(60_000)).toBe('20.000000 15.000000 15.000000');
  });

  it('stands at zero before any time has passed', () => {
    expect(new Meter(5).rate(10_000, 5)).toBe(0);
  });
});

describe('Figures', () => {
  const options = {
    brokerClusterName: 'cluster',
    enableDetailStat: true,
    enableScheduleMessageStats: true,
    autoDeleteUnusedStats: true,
    maxStatsIdleTimeInMinutes: -1,
    metricsExporterType: 'DISABLE',
  };

  function start(now: number, more: Partial<typeof options> = {}) {
    const clock = new ManualClock(now);
    const topic = (name: string, isSystem = false) => ({
      name,
      isSystem,
      puts: new Counter(),
      putSizes: new Counter(),
      traffic: undefined as TopicTraffic | undefined,
    });
    const topics = new Map(
      [topic('orders'), topic('SCHEDULE_TOPIC_XXXX', true)].map((one) => [one.name, one]),
    );
    const table = { get: (name: string) => topics.get(name), all: () => topics.values() };
    const figures = new Figures(clock, table, { ...options, ...more });
    const orders = topics.get('orders') as ReturnType<typeof topic>;
    return { clock, figures, orders };
  }

  it('remembers what was stored at midnight', async () => {
    const { clock, figures, orders } = start(new Date(2026, 0, 1, 23, 59, 55).getTime());
    figures.stored(orders, 5, 500);
    await clock.advance(10_000);
    figures.sample();
    figures.stored(orders, 2, 200);
    expect(figures.mornings.put).toEqual([0, 5]);
    expect(figures.putTotal).toBe(7);
  });

  it('measures how fast a topic is filled and a group consumes', async () => {
    const { clock, figures, orders } = start(0);
    figures.stored(orders, 50, 5000);
    figures.found('g', 'orders', 0, 100, 10_000, 1, 100);
    await clock.advance(10_000);
    figures.sample();
    expect(figures.putRate(orders)).toBe(5);
    expect(figures.consumeRate('g', 'orders')).toBe(10);
    expect(figures.consumeRate('g', 'refunds')).toBe(0);
  });

  it('has counters under the names and keys of Java', async () => {
    const { clock, figures, orders } = start(0);
    expect(figures.counter('TOPIC_PUT_NUMS', 'orders')).toBeUndefined();
    figures.stored(orders, 3, 300);
    figures.storedIn('SCHEDULE_TOPIC_XXXX', 100);
    figures.putDelayed(2, 100);
    figures.gotDelayed(2, 100);
    figures.found('g', 'orders', 1, 3, 300, 7, 3);
    figures.sentBack('g', 'orders', true);
    await clock.advance(10_000);
    figures.sample();
    const sum = (name: string, key: string) => figures.counter(name, key)?.inMinute().sum;
    expect(sum('TOPIC_PUT_NUMS', 'orders')).toBe(3);
    expect(sum('TOPIC_PUT_SIZE', 'orders')).toBe(300);
    expect(sum('BROKER_PUT_NUMS', 'cluster')).toBe(4);
    expect(sum('BROKER_PUT_NUMS', 'elsewhere')).toBeUndefined();
    expect(sum('BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC', 'cluster')).toBe(3);
    expect(sum('GROUP_GET_NUMS', 'orders@g')).toBe(3);
    expect(sum('GROUP_GET_SIZE', 'orders@g')).toBe(300);
    expect(sum('GROUP_GET_LATENCY', '1@orders@g')).toBe(7);
    expect(sum('GROUP_GET_LATENCY', '0@orders@g')).toBeUndefined();
    expect(sum('QUEUE_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX@2')).toBe(1);
    expect(sum('QUEUE_GET_SIZE', 'SCHEDULE_TOPIC_XXXX@2@SCHEDULE_CONSUMER')).toBe(100);
    expect(sum('SNDBCK_PUT_NUMS', 'orders@g')).toBe(1);
    expect(sum('SNDBCK2DLQ_TIMES', 'null@orders@g@SEND_BACK_TO_DLQ')).toBe(1);
    expect(sum('NO_SUCH_NUMS', 'orders')).toBeUndefined();
    figures.forgetGroup('g');
    expect(sum('GROUP_GET_NUMS', 'orders@g')).toBeUndefined();
    expect(sum('SNDBCK_PUT_NUMS', 'orders@g')).toBeUndefined();
  });

  it('are kept per queue, for delayed messages and for what is gone only where that is wanted', () => {
    const { figures } = start(0, {
      enableDetailStat: false,
      enableScheduleMessageStats: false,
      autoDeleteUnusedStats: false,
    });
    figures.putDelayed(2, 100);
    figures.gotDelayed(2, 100);
    figures.found('g', 'orders', 1, 3, 300, 7, 3);
    figures.forgetGroup('g');
    expect(figures.counter('QUEUE_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX@2')).toBeUndefined();
    const delayed = 'SCHEDULE_TOPIC_XXXX@SCHEDULE_CONSUMER';
    expect(figures.counter('GROUP_GET_NUMS', delayed)).toBeUndefined();
    expect(figures.counter('GROUP_GET_LATENCY', '1@orders@g')).toBeUndefined();
    expect(figures.counter('GROUP_GET_LATENCY', 'orders@g')?.value).toBe(7);
  });

  it('are forgotten when they stand still for longer than is wanted', async () => {
    const { clock, figures, orders } = start(0, { maxStatsIdleTimeInMinutes: 1 });
    figures.stored(orders, 1, 100);
    for (let i = 0; i < 8; i += 1) {
      await clock.advance(10_000);
      figures.sample();
      if (i === 5) expect(figures.counter('TOPIC_PUT_NUMS', 'orders')?.value).toBe(1);
    }
    expect(figures.counter('TOPIC_PUT_NUMS', 'orders')).toBeUndefined();
    expect(figures.counter('BROKER_PUT_NUMS', 'cluster')?.value).toBe(1);
  });

  it('count messages by type only where somebody is shown them, and only what was sent', () => {
    const { figures, orders } = start(0, { metricsExporterType: 'PROM' });
    figures.stored(orders, 2, 200, MessageType.fifo);
    figures.stored(orders, 1, 70);
    figures.storedIn('orders', 50, MessageType.delay);
    const counted = [...(orders.traffic?.all() ?? [])].map(([type, { messages, bytes }]) => [
      type,
      messages,
      bytes,
    ]);
    expect(counted).toEqual([
      ['fifo', 2, 200],
      ['delay', 1, 50],
    ]);
    expect(orders.puts.value).toBe(4);
    const unwatched = start(0);
    unwatched.figures.stored(unwatched.orders, 1, 100, MessageType.normal);
    expect(unwatched.orders.traffic).toBeUndefined();
  });

  it('know where a group pulls next, until the group or the topic is gone', () => {
    const { figures } = start(0, { autoDeleteUnusedStats: false });
    expect(figures.pulledTo('g', 'orders', 1)).toBeUndefined();
    figures.found('g', 'orders', 1, 3, 300, 7, 13);
    figures.sentOn('g', 'refunds', 0, 20);
    expect(figures.pulledTo('g', 'orders', 1)).toBe(13);
    expect(figures.pulledTo('g', 'orders', 0)).toBeUndefined();
    figures.sentOn('g', 'orders', 1, 4);
    expect(figures.pulledTo('g', 'orders', 1)).toBe(4);
    figures.forgetTopic('orders');
    expect(figures.pulledTo('g', 'orders', 1)).toBeUndefined();
    expect(figures.pulledTo('g', 'refunds', 0)).toBe(20);
    figures.forgetGroup('g');
    expect(figures.pulledTo('g', 'refunds', 0)).toBeUndefined();
  });
});
