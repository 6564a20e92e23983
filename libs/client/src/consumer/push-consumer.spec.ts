import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import type { ConsumeVerdict } from './consumer-options.js';
import type { OffsetStore } from './offset-store.js';
import { PushConsumer } from './push-consumer.js';

const success: ConsumeVerdict = { kind: 'success' };

describe('PushConsumer', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  it('consumes what is there and what comes, and stores how far it is every five seconds', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    await bench.consumer();
    expect(bench.seen).toEqual(['m0', 'm1', 'm2']);
    bench.cluster.queues.add('t', 0, ...texts(3, 5));
    await bench.until(() => bench.seen.length === 5);
    expect(bench.seen).toHaveLength(5);
    await bench.clock.advance(5_000);
    await bench.until(() => bench.offset(0) === 5);
    expect(bench.offset(0)).toBe(5);
  });

  it('tells brokers what it wants, its retry topic included', async () => {
    await bench.consumer({ subscriptions: [{ topic: 't', expression: 'a || b' }] });
    const [data] = bench.cluster.heartbeats.at(-1)?.consumerDataSet ?? [];
    expect(data).toMatchObject({
      groupName: 'g',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    expect(data?.subscriptionDataSet.map((one) => [one.topic, one.tagsSet])).toEqual([
      ['t', ['a', 'b']],
      ['%RETRY%g', []],
    ]);
  });

  it('lets only the wanted tags pass, also when hashes are equal', async () => {
    const tagged = (text: string, TAGS: string) => ({ text, properties: { TAGS } });
    bench.cluster.queues.add('t', 0, tagged('yes', 'Aa'), tagged('no', 'BB'));
    await bench.consumer({ subscriptions: [{ topic: 't', expression: 'Aa' }] });
    expect(bench.seen).toEqual(['yes']);
    await bench.clock.advance(5_000);
    await bench.until(() => bench.offset(0) === 2);
    expect(bench.offset(0)).toBe(2);
  });

  it.each([
    ['first', 0],
    ['last', 3],
  ] as const)("starts a new group at '%s'", async (from, expected) => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    await bench.consumer({ from });
    expect(bench.cluster.queues.pulls.find((one) => one.queueId === 0)?.queueOffset).toBe(expected);
  });

  it('starts at the stored offset, whatever from says', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 5));
    bench.cluster.queues.offsets.set('g t 0', 3);
    await bench.consumer({ from: 'first' });
    expect(bench.seen).toEqual(['m3', 'm4']);
  });

  it('does not skip what came while nobody was there, once it has begun at the end', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const first = await bench.consumer({ from: 'last' });
    await bench.done(first.close());
    bench.cluster.queues.add('t', 0, ...texts(3, 5));
    await bench.consumer({ from: 'last' });
    await bench.until(() => bench.seen.length === 2);
    expect(bench.seen).toEqual(['m3', 'm4']);
  });

  it('shows a retried message under the topic that it was sent to', async () => {
    const topics: string[] = [];
    bench.cluster.queues.add('%RETRY%g', 0, {
      text: 'again',
      properties: { RETRY_TOPIC: 't' },
      reconsumeTimes: 1,
    });
    await bench.consumer({
      listener: ([message]) => {
        topics.push(`${message?.topic} ${message?.reconsumeTimes}`);
        return success;
      },
    });
    expect(topics).toEqual(['t 1']);
  });

  it('gives a failed message back to the broker that holds it', async () => {
    bench.cluster.queues.add('t', 1, { text: 'bad' });
    await bench.consumer({ listener: () => Promise.reject(new Error('no')), maxReconsumeTimes: 5 });
    await bench.clock.advance(0);
    expect(bench.cluster.queues.sentBack).toEqual([
      expect.objectContaining({
        group: 'g',
        originTopic: 't',
        offset: 1000,
        delayLevel: 0,
        maxReconsumeTimes: 5,
      }),
    ]);
    await bench.clock.advance(5_000);
    await bench.until(() => bench.offset(1) === 1);
    expect(bench.offset(1)).toBe(1);
  });

  it('holds at most its threshold of a queue while the listener is slow', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 500));
    const consumer = await bench.consumer({
      listener: () => new Promise(() => undefined),
      pullThresholdForQueue: 64,
      concurrency: 1,
    });
    await bench.clock.advance(1_000);
    expect(consumer.statistics().pulled).toBe(64);
  });

  it('goes on pulling when there is room again', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 300));
    await bench.consumer({ pullThresholdForQueue: 10, concurrency: 2 });
    for (let i = 0; i < 100 && bench.seen.length < 300; i += 1) await bench.clock.advance(1);
    expect(bench.seen).toHaveLength(300);
  });

  it('stops pulling while paused', async () => {
    const consumer = await bench.consumer();
    consumer.pause();
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    bench.cluster.queues.add('t', 1, ...texts(1, 2));
    await bench.clock.advance(1_000);
    const before = bench.seen.length;
    bench.cluster.queues.add('t', 0, ...texts(2, 3));
    await bench.clock.advance(30_000);
    expect(bench.seen).toHaveLength(before);
    consumer.resume();
    await bench.clock.advance(100);
    expect(bench.seen).toHaveLength(3);
  });

  it('stops pulling single queues, until each is named again', async () => {
    const consumer = await bench.consumer();
    const queues = [0, 1].map((queueId) => ({ topic: 't', brokerName: 'broker-a', queueId }));
    consumer.pause(queues);
    expect(consumer.paused()).toEqual(queues);
    // A pull that is under way may still bring something.
    bench.cluster.queues.add('t', 0, { text: 'a' });
    bench.cluster.queues.add('t', 1, { text: 'b' });
    await bench.clock.advance(1_000);
    const before = bench.seen.length;
    bench.cluster.queues.add('t', 0, { text: 'c' });
    bench.cluster.queues.add('t', 1, { text: 'd' });
    await bench.clock.advance(30_000);
    expect(bench.seen).toHaveLength(before);
    consumer.resume(queues.slice(0, 1));
    await bench.clock.advance(100);
    expect([bench.seen.includes('c'), bench.seen.includes('d')]).toEqual([true, false]);
    consumer.resume();
    await bench.clock.advance(100);
    expect(bench.seen).not.toContain('d');
    consumer.resume(queues);
    await bench.clock.advance(100);
    expect(bench.seen).toContain('d');
  });

  it('keeps a queue paused that was reset meanwhile', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const consumer = await bench.consumer();
    const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
    consumer.pause([queue]);
    bench.reset('t', [[queue, 1]]);
    await bench.clock.advance(1_000);
    expect(bench.seen).toHaveLength(3);
    consumer.resume([queue]);
    await bench.clock.advance(100);
    expect(bench.seen.slice(3)).toEqual(['m1', 'm2']);
  });

  it('repeats a failed pull, and brings its subscription when the broker lost it', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    let failures = 2;
    bench.cluster.queues.onPull = ({ topic }) => {
      if (topic !== 't' || failures === 0) return undefined;
      failures -= 1;
      return { code: 'SUBSCRIPTION_NOT_EXIST', remark: 'who are you' };
    };
    await bench.consumer();
    const beats = bench.cluster.heartbeats.length;
    expect(bench.seen).toEqual([]);
    await bench.clock.advance(1_100);
    expect(bench.seen).toEqual(['m0']);
    expect(bench.cluster.heartbeats.length).toBeGreaterThanOrEqual(beats);
  });

  it('tells once that pulls fail, and once that they succeed again', async () => {
    let failures = 5;
    bench.cluster.queues.onPull = ({ topic, queueId }) => {
      if (topic !== 't' || queueId !== 0 || failures === 0) return undefined;
      failures -= 1;
      return { code: 'SYSTEM_BUSY', remark: 'not now' };
    };
    const told: string[] = [];
    const tell = (sentence: string): void => void told.push(sentence);
    const logger: Logger = { ...silentLogger, warn: tell, info: tell, child: () => logger };
    await bench.consumer({ logger });
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    await bench.clock.advance(20_000);
    expect(bench.seen).toEqual(['m0']);
    expect(told.filter((sentence) => sentence.includes('ull'))).toEqual([
      'A pull failed; it will be repeated.',
      'Pulls succeed again.',
    ]);
  });

  it('goes on where the broker says when its offset is outside of the queue', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 6));
    bench.cluster.queues.minOffsets.set('t 0', 4);
    bench.cluster.queues.offsets.set('g t 0', 1);
    await bench.consumer();
    await bench.clock.advance(1_000);
    expect(bench.seen).toEqual(['m4', 'm5']);
  });

  it('waits for topics that do not exist yet', async () => {
    await bench.consumer({ subscriptions: [{ topic: 'later' }] });
    bench.cluster.addTopic('later', 1);
    bench.cluster.queues.add('later', 0, { text: 'early bird' });
    await bench.clock.advance(20_000);
    expect(bench.seen).toEqual(['early bird']);
  });

  it('finds a topic half a second after its start, however often it was told to look meanwhile', async () => {
    const consumer = await bench.consumer({ subscriptions: [{ topic: 'later' }] });
    for (let i = 0; i < 5; i += 1) {
      consumer.resume();
      await bench.until(() => false);
    }
    bench.cluster.addTopic('later', 1);
    bench.cluster.queues.add('later', 0, { text: 'early bird' });
    await bench.clock.advance(500);
    await bench.until(() => bench.seen.length > 0);
    expect(bench.seen).toEqual(['early bird']);
  });

  it('goes on elsewhere when the group is reset while it runs', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    await bench.consumer();
    expect(bench.seen).toHaveLength(3);
    bench.reset('t', [[{ topic: 't', brokerName: 'broker-a', queueId: 0 }, 1]]);
    await bench.clock.advance(1_000);
    expect(bench.seen.slice(3)).toEqual(['m1', 'm2']);
  });

  it('is not kept from a reset by a store that fails', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const offsets = new Map<number, number>();
    let fails = false;
    const offsetStore: OffsetStore = {
      read: ({ topic, queueId }) =>
        Promise.resolve(topic === 't' ? offsets.get(queueId) : undefined),
      write: (all) => {
        if (fails) return Promise.reject(new Error('disk full'));
        for (const { queue, offset } of all) {
          if (queue.topic === 't') offsets.set(queue.queueId, offset);
        }
        return Promise.resolve();
      },
    };
    await bench.consumer({ offsetStore });
    await bench.clock.advance(5_000);
    expect(offsets.get(0)).toBe(3);
    fails = true;
    bench.reset('t', [[{ topic: 't', brokerName: 'broker-a', queueId: 0 }, 1]]);
    await bench.clock.advance(1_000);
    expect([bench.seen.slice(3), offsets.get(0)]).toEqual([['m1', 'm2'], 3]);
    fails = false;
    bench.reset('t', [[{ topic: 't', brokerName: 'broker-a', queueId: 0 }, 2]]);
    await bench.clock.advance(0);
    await bench.until(() => offsets.get(0) === 2);
    expect(offsets.get(0)).toBe(2);
  });

  it('refuses a topic that is subscribed twice', () => {
    const subscriptions = [{ topic: 't' }, { topic: 't', expression: 'a' }];
    const listener = () => success;
    expect(
      () => new PushConsumer({ nameServers: 'a:1', group: 'g', subscriptions, listener }),
    ).toThrow(/subscribed twice/);
  });
});
