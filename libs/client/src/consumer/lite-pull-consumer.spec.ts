import { PullSysFlag } from '@nestjs-rocketmq/protocol';
import { ConsumerBench, named, texts, textsOf } from '../testing/consumer-bench.js';
import type { MessageBatch } from './message-batch.js';

const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };

describe('LitePullConsumer', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  describe('poll', () => {
    it('hands out what was pulled ahead, a batch of one queue at a time, in order', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 15));
      const consumer = await bench.startedLite();
      const first = await bench.done(consumer.poll());
      expect(first).toMatchObject({ queue, offset: 10, length: 10 });
      expect([...(first ?? [])].map((one) => one.text)).toEqual(named(0, 10));
      expect(await bench.polled(consumer)).toEqual(named(10, 15));
    });

    it('waits for what comes, at most its time-out', async () => {
      const consumer = await bench.startedLite();
      const waiting = consumer.poll('30s');
      await bench.clock.advance(20_000);
      bench.cluster.queues.add('t', 1, { text: 'late' });
      expect(textsOf(await bench.done(waiting))).toEqual(['late']);
      const before = bench.clock.now();
      expect(await bench.done(consumer.poll())).toBeUndefined();
      expect(bench.clock.now() - before).toBeGreaterThanOrEqual(5_000);
      expect(await consumer.poll(0)).toBeUndefined();
    });

    it('asks as Java does: lite pulls that carry their subscription and may be held', async () => {
      await bench.startedLite({ subscriptions: [{ topic: 't', expression: 'b || a' }] });
      await bench.until(() => bench.cluster.queues.pulls.length === 2);
      expect(bench.cluster.queues.pulls[0]).toMatchObject({
        subscription: 'b || a',
        expressionType: 'TAG',
        sysFlag: PullSysFlag.suspend | PullSysFlag.subscription | PullSysFlag.litePull,
        maxMsgNums: 10,
        commitOffset: 0,
        suspendTimeoutMillis: 20_000,
      });
      expect(bench.cluster.heartbeats.at(-1)?.consumerDataSet[0]).toMatchObject({
        consumeType: 'CONSUME_ACTIVELY',
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        subscriptionDataSet: [{ topic: 't', tagsSet: ['b', 'a'] }],
      });
    });

    it('pulls from 4.x brokers, which know ordinary pulls only', async () => {
      bench.cluster.queues.knowsLitePulls = false;
      bench.cluster.queues.add('t', 0, ...texts(0, 2));
      const consumer = await bench.startedLite();
      expect(await bench.polled(consumer)).toEqual(['m0', 'm1']);
    });

    it('lets only the wanted tags pass, also when hashes are equal', async () => {
      const tagged = (text: string, TAGS: string) => ({ text, properties: { TAGS } });
      bench.cluster.queues.add('t', 0, tagged('no', 'BB'), tagged('yes', 'Aa'));
      const subscriptions = [{ topic: 't', expression: 'Aa' }];
      const consumer = await bench.startedLite({ subscriptions });
      expect(await bench.polled(consumer)).toEqual(['yes']);
    });

    it('goes on pulling while a broker is away, and hands out what comes when it is back', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 1));
      let isAway = true;
      bench.cluster.queues.onPull = () =>
        isAway ? ({ code: 'SYSTEM_ERROR', remark: 'away' } as never) : undefined;
      const consumer = await bench.startedLite();
      expect(await bench.polled(consumer)).toEqual([]);
      isAway = false;
      expect(await bench.polled(consumer, '3s')).toEqual(['m0']);
    });
  });

  describe('offsets with autoCommit', () => {
    it('never pass what was polled, and count a batch when the next poll begins', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 35));
      const consumer = await bench.startedLite();
      await bench.polled(consumer);
      expect(await bench.stored()).toBe(0);
      await bench.polled(consumer);
      expect(await bench.stored()).toBe(10);
      await bench.polled(consumer);
      expect(await bench.stored()).toBe(20);
      expect(await bench.done(consumer.committed(queue))).toBe(20);
    });

    it('are stored at close with all that was polled', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 35));
      const consumer = await bench.startedLite();
      await bench.polled(consumer);
      await bench.polled(consumer);
      await bench.done(consumer.close());
      expect(bench.offset(0)).toBe(20);
    });

    it('do not move over messages that nobody polled, however many were pulled', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 500));
      const consumer = await bench.startedLite();
      await bench.clock.advance(1_000);
      expect(await bench.stored()).toBe(0);
      await bench.done(consumer.close());
      expect(bench.offset(0)).toBe(0);
    });

    it('are stored for the next owner when the queue goes to another member', async () => {
      bench.cluster.queues.add('t', 1, ...texts(0, 30));
      const first = await bench.startedLite({ instanceName: 'one' });
      await bench.polled(first);
      await bench.polled(first);
      const second = await bench.startedLite({ instanceName: 'two' });
      await bench.until(() => second.assignment().length === 1);
      await bench.until(() => first.assignment().length === 1);
      expect(bench.offset(1)).toBe(10);
      expect(await bench.polled(second)).toEqual(named(10, 20));
      expect(await bench.polled(first)).toEqual([]);
    });
  });

  describe('offsets by hand', () => {
    it('move with commit only: all that was handed out, a batch, or any offset', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 40));
      const consumer = await bench.startedLite({ autoCommit: false });
      const first = (await bench.done(consumer.poll())) as MessageBatch;
      await bench.polled(consumer);
      await bench.polled(consumer);
      expect(await bench.stored()).toBe(0);
      await bench.done(consumer.commit(first));
      expect(bench.offset(0)).toBe(10);
      await bench.done(consumer.commit());
      expect(bench.offset(0)).toBe(30);
      await bench.done(consumer.commit([{ queue, offset: 7 }]));
      expect(bench.offset(0)).toBe(7);
      await bench.polled(consumer);
      await bench.done(consumer.close());
      expect(bench.offset(0)).toBe(7);
    });

    it('wait for the next round when they need not be stored at once', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 4));
      const consumer = await bench.startedLite({ autoCommit: false });
      await bench.polled(consumer);
      await consumer.commit(undefined, { persist: false });
      expect(await bench.done(consumer.committed(queue))).toBe(4);
      expect(bench.offset(0)).not.toBe(4);
      expect(await bench.stored()).toBe(4);
    });

    it('are left alone for queues of others', async () => {
      bench.cluster.queues.offsets.set('g t 5', 9);
      const consumer = await bench.startedLite({ autoCommit: false });
      await bench.done(consumer.commit({ queue: { ...queue, queueId: 5 }, offset: 1 }));
      expect(bench.offset(5)).toBe(9);
      expect(await bench.done(consumer.committed({ ...queue, queueId: 5 }))).toBe(9);
    });
  });

  describe('for await', () => {
    it('counts a batch as consumed when the loop comes back, and ends with close', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 25));
      const consumer = await bench.startedLite();
      const seen: string[] = [];
      let step = (): void => undefined;
      const loop = (async () => {
        for await (const batch of consumer) {
          seen.push(...textsOf(batch));
          await new Promise<void>((resolve) => (step = resolve));
        }
      })();
      await bench.until(() => seen.length === 10);
      expect(await bench.stored()).toBe(0);
      step();
      await bench.until(() => seen.length === 20);
      expect(await bench.stored()).toBe(10);
      const closed = consumer.close();
      await bench.done(closed);
      expect(bench.offset(0)).toBe(10);
      step();
      await loop;
      expect(seen).toEqual(named(0, 20));
    });

    it('commits while it waits for more', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 3));
      const consumer = await bench.startedLite();
      const seen: string[] = [];
      const loop = (async () => {
        for await (const batch of consumer) seen.push(...textsOf(batch));
      })();
      await bench.until(() => seen.length === 3);
      expect(await bench.stored()).toBe(3);
      await bench.done(consumer.close());
      await loop;
    });

    it('leaves the batch open at which it was left, until something is polled again', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 25));
      const consumer = await bench.startedLite();
      const failing = async () => {
        for await (const batch of consumer) throw new Error(batch.messages[0]?.text);
      };
      await expect(bench.done(failing())).rejects.toThrow('m0');
      expect(await bench.stored()).toBe(0);
      expect(await bench.polled(consumer)).toEqual(named(10, 20));
      expect(await bench.stored()).toBe(10);
    });

    it('holds no more than the thresholds while the loop is busy', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 500));
      const consumer = await bench.startedLite({ pullThresholdForQueue: 40 });
      const pulledTo = () => Math.max(...bench.cluster.queues.pulls.map((one) => one.queueOffset));
      await bench.clock.advance(60_000);
      expect(pulledTo()).toBe(30);
      let count = 0;
      for await (const batch of consumer) {
        count += batch.length;
        await bench.until(() => false);
        expect(pulledTo()).toBeLessThanOrEqual(count + 40);
        if (count === 500) break;
      }
      expect(count).toBe(500);
    });
  });

  it.each([
    ['pullThresholdForAll', { pullThresholdForAll: 30 }, 30],
    ['pullThresholdForQueue', { pullThresholdForQueue: 20 }, 20],
    ['pullThresholdForTopic', { pullThresholdForTopic: 40 }, 20],
    ['consumeMaxSpan', { consumeMaxSpan: 15 }, 10],
  ])('holds no more than %s', async (_, options, most) => {
    bench.cluster.queues.add('t', 0, ...texts(0, 500));
    await bench.startedLite(options);
    await bench.clock.advance(10_000);
    const pulled = bench.cluster.queues.pulls.filter((one) => one.queueId === 0);
    expect(pulled.length * 10).toBe(most);
  });

  it('pulls other queues again when what filled the cache was sought over', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 500));
    const consumer = await bench.startedLite({ pullThresholdForAll: 10 });
    // So long that the pull of the other queue was answered: it waits for room, too.
    await bench.clock.advance(30_000);
    await bench.done(consumer.seekToEnd(queue));
    bench.cluster.queues.add('t', 1, { text: 'other' });
    expect(await bench.polled(consumer)).toEqual(['other']);
  });

  it('stops pulling beyond pullThresholdSizeForQueue', async () => {
    const text = 'x'.repeat(200_000);
    bench.cluster.queues.add('t', 0, ...Array.from({ length: 50 }, () => ({ text })));
    await bench.startedLite({ pullThresholdSizeForQueue: 3 });
    await bench.clock.advance(10_000);
    const pulled = bench.cluster.queues.pulls.filter((one) => one.queueId === 0);
    expect(pulled).toHaveLength(2);
  });
});
