import { ConsumerBench, named, texts, textsOf } from '../testing/consumer-bench.js';

const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
const other = { ...queue, queueId: 1 };

describe('LitePullConsumer and its queues', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  describe('seek', () => {
    it('goes on at an offset, the begin, the end or a time; what was pulled is dropped', async () => {
      for (let i = 0; i < 40; i += 1) {
        bench.cluster.queues.add('t', 0, { text: `m${i}`, storeTimestamp: 100 + i });
      }
      const consumer = await bench.startedLite();
      expect(await bench.polled(consumer)).toEqual(named(0, 10));
      await bench.done(consumer.seek(queue, 35));
      expect(await bench.polled(consumer)).toEqual(named(35, 40));
      await bench.done(consumer.seekToBegin(queue));
      expect(await bench.polled(consumer)).toEqual(named(0, 10));
      await bench.done(consumer.seekToTime(queue, 125));
      expect(await bench.polled(consumer)).toEqual(named(25, 35));
      await bench.done(consumer.seekToEnd(queue));
      expect(await bench.polled(consumer)).toEqual([]);
      expect(await bench.done(consumer.offsetForTimestamp(queue, new Date(130)))).toBe(30);
    });

    it('is what autoCommit and commit go by from then on, also back', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 40));
      bench.cluster.queues.offsets.set('g t 0', 20);
      const consumer = await bench.startedLite();
      expect(await bench.polled(consumer)).toEqual(named(20, 30));
      await bench.done(consumer.seek(queue, 5));
      expect(await bench.stored()).toBe(5);
      expect(await bench.polled(consumer)).toEqual(named(5, 15));
      await bench.done(consumer.commit());
      expect(bench.offset(0)).toBe(15);
    });

    it('gives up a pull that is held', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 3));
      const consumer = await bench.startedLite();
      expect(await bench.polled(consumer)).toEqual(named(0, 3));
      const waiting = consumer.poll('5s');
      await bench.done(consumer.seek(queue, 1));
      expect(textsOf(await bench.done(waiting))).toEqual(['m1', 'm2']);
    });

    it('refuses offsets outside of the queue and queues of others', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 5));
      bench.cluster.queues.minOffsets.set('t 0', 2);
      const consumer = await bench.startedLite();
      for (const offset of [1, 6, 2.5]) {
        await expect(bench.done(consumer.seek(queue, offset))).rejects.toMatchObject({
          code: 'CLIENT_SEEK_OUT_OF_RANGE',
        });
      }
      await expect(bench.done(consumer.seek({ ...queue, queueId: 9 }, 3))).rejects.toMatchObject({
        code: 'CLIENT_QUEUE_NOT_ASSIGNED',
      });
    });
  });

  describe('an offset that lies outside of the queue', () => {
    it('keeps what is in hand when the first messages went', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 60));
      const consumer = await bench.startedLite({ pullThresholdForQueue: 20 });
      await bench.clock.advance(1_000);
      bench.cluster.queues.minOffsets.set('t 0', 50);
      expect(await bench.polled(consumer)).toEqual(named(0, 10));
      expect(await bench.polled(consumer)).toEqual(named(10, 20));
      expect(await bench.polled(consumer)).toEqual(named(50, 60));
    });

    it('goes back when the queue is shorter than thought', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 5));
      bench.cluster.queues.offsets.set('g t 0', 50);
      const consumer = await bench.startedLite();
      await bench.clock.advance(1_000);
      bench.cluster.queues.add('t', 0, ...texts(5, 7));
      expect(await bench.polled(consumer)).toEqual(['m5', 'm6']);
      expect(await bench.polled(consumer)).toEqual([]);
      expect(await bench.stored()).toBe(7);
    });
  });

  describe('pause', () => {
    it('stops pulling one queue and no other; what is in hand is still handed out', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 500));
      const consumer = await bench.startedLite({ pullThresholdForQueue: 20 });
      await bench.clock.advance(1_000);
      consumer.pause([queue]);
      expect(consumer.paused()).toEqual([queue]);
      expect(await bench.polled(consumer)).toEqual(named(0, 10));
      expect(await bench.polled(consumer)).toEqual(named(10, 20));
      expect(await bench.polled(consumer)).toEqual([]);
      bench.cluster.queues.add('t', 1, { text: 'other' });
      expect(await bench.polled(consumer)).toEqual(['other']);
      await bench.done(consumer.seek(queue, 100));
      expect(await bench.polled(consumer)).toEqual([]);
      consumer.resume([queue]);
      expect(await bench.polled(consumer)).toEqual(named(100, 110));
      expect(consumer.paused()).toEqual([]);
    });
  });

  describe('subscriptions', () => {
    it('may come before and after the start, change, and go', async () => {
      bench.cluster.addTopic('u', 1);
      bench.cluster.queues.add('u', 0, { text: 'a', properties: { TAGS: 'a' } });
      const consumer = bench.lite();
      await consumer.subscribe('t');
      await bench.done(consumer.start());
      expect(consumer.assignment()).toEqual([queue, other]);
      await bench.done(consumer.subscribe('u', 'b'));
      expect(consumer.assignment()).toHaveLength(3);
      expect(await bench.polled(consumer)).toEqual([]);
      await bench.done(consumer.subscribe('u', 'a'));
      bench.cluster.queues.add('u', 0, { text: 'b', properties: { TAGS: 'b' } });
      bench.cluster.queues.add('u', 0, { text: 'c', properties: { TAGS: 'a' } });
      await bench.clock.advance(20_000);
      expect(await bench.polled(consumer)).toEqual(['c']);
      await bench.done(consumer.unsubscribe('u'));
      expect(consumer.assignment()).toEqual([queue, other]);
      const last = bench.cluster.heartbeats.at(-1)?.consumerDataSet[0];
      expect(last?.subscriptionDataSet.map((one) => one.topic)).toEqual(['t']);
      bench.cluster.queues.add('u', 0, { text: 'd', properties: { TAGS: 'a' } });
      expect(await bench.polled(consumer)).toEqual([]);
    });

    it('tell their listener which queues a topic has and which are ours', async () => {
      const told: unknown[] = [];
      const messageQueueListener = (...all: unknown[]): void => void told.push(all);
      await bench.startedLite({ messageQueueListener });
      expect(told).toEqual([['t', [queue, other], [queue, other]]]);
    });

    it('of broadcasting give every member all queues', async () => {
      const offsetStore = { read: async () => undefined, write: async () => undefined };
      const options = { model: 'broadcasting', offsetStore } as const;
      const one = await bench.startedLite({ ...options, instanceName: 'one' });
      const two = await bench.startedLite({ ...options, instanceName: 'two' });
      expect([one.assignment(), two.assignment()]).toEqual([
        [queue, other],
        [queue, other],
      ]);
    });
  });

  describe('assign', () => {
    it('takes exactly these queues, before or after the start, without a rebalance', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 2));
      bench.cluster.queues.add('t', 1, ...texts(10, 12));
      const consumer = bench.lite();
      await consumer.assign([queue]);
      await bench.done(consumer.start());
      expect(await bench.polled(consumer)).toEqual(['m0', 'm1']);
      await bench.done(consumer.assign([other, other]));
      expect(consumer.assignment()).toEqual([other]);
      expect(bench.offset(0)).toBe(2);
      expect(await bench.polled(consumer)).toEqual(['m10', 'm11']);
      expect(bench.cluster.heartbeats.at(-1)?.consumerDataSet[0]?.subscriptionDataSet).toEqual([]);
    });

    it('gives queues to two members of one group alike', async () => {
      const one = bench.lite({ instanceName: 'one' });
      const two = bench.lite({ instanceName: 'two' });
      for (const member of [one, two]) {
        await member.assign([queue]);
        await bench.done(member.start());
        expect(member.assignment()).toEqual([queue]);
      }
    });

    it('goes by a filter that was told before the start', async () => {
      bench.cluster.queues.add('t', 0, { text: 'a', properties: { TAGS: 'a' } }, { text: 'b' });
      const consumer = bench.lite();
      consumer.filterAssigned('t', 'a');
      await consumer.assign([queue]);
      await bench.done(consumer.start());
      expect(await bench.polled(consumer)).toEqual(['a']);
      expect(bench.cluster.queues.pulls[0]?.subscription).toBe('a');
      expect(() => consumer.filterAssigned('t', 'b')).toThrow(/before the start/);
    });

    it('and subscribe exclude each other', async () => {
      const subscriber = await bench.startedLite();
      const code = 'CLIENT_ASSIGNMENT_CONFLICT';
      await expect(subscriber.assign([queue])).rejects.toMatchObject({ code });
      const assigner = bench.lite({ group: 'h' });
      await assigner.assign([queue]);
      await expect(assigner.subscribe('t')).rejects.toMatchObject({ code });
      await expect(assigner.assign([])).rejects.toThrow(/must not be empty/);
    });

    it('takes a queue as soon as its broker can say where the group stands', async () => {
      bench.cluster.queues.add('t', 0, ...texts(0, 1));
      const routes = bench.cluster.routes.get('t');
      bench.cluster.routes.delete('t');
      const consumer = bench.lite();
      await consumer.assign([queue]);
      await bench.done(consumer.start());
      expect(consumer.assignment()).toEqual([]);
      if (routes !== undefined) bench.cluster.routes.set('t', routes);
      expect(await bench.polled(consumer, '5s')).toEqual(['m0']);
    });
  });

  it('tells when a topic got queues', async () => {
    const consumer = await bench.startedLite();
    const told: unknown[] = [];
    const stop = consumer.onTopicQueuesChanged('t', (topic, queues) => {
      told.push([topic, queues.length]);
    });
    await bench.clock.advance(30_000);
    expect(told).toEqual([]);
    bench.cluster.addTopic('t', 3);
    await bench.clock.advance(30_000);
    await bench.until(() => told.length > 0);
    expect(told).toEqual([['t', 3]]);
    expect(await bench.done(consumer.fetchMessageQueues('t'))).toHaveLength(3);
    stop();
    bench.cluster.addTopic('t', 4);
    await bench.clock.advance(60_000);
    expect(told).toHaveLength(1);
  });

  it('goes on where an operator wants it', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 30));
    const consumer = await bench.startedLite();
    expect(await bench.polled(consumer)).toEqual(named(0, 10));
    bench.reset('t', [[queue, 25]]);
    await bench.clock.advance(1_000);
    expect(await bench.polled(consumer)).toEqual(named(25, 30));
  });

  describe('close', () => {
    it('ends polls and loops, tells the brokers and leaves nothing behind', async () => {
      const consumer = await bench.startedLite();
      const waiting = consumer.poll('60s');
      await bench.done(consumer.close());
      expect(await waiting).toBeUndefined();
      expect(bench.cluster.unregistered).toEqual(['g']);
      await expect(consumer.poll()).rejects.toMatchObject({ code: 'CLIENT_NOT_RUNNING' });
      await bench.clock.advance(30_000);
      await bench.done(bench.cluster.close());
      await bench.clock.advance(30_000);
      expect(bench.clock.waiting).toBe(0);
    });

    it('while it starts leaves nothing behind, either', async () => {
      const consumer = bench.lite({ subscriptions: [{ topic: 't' }] });
      const starting = consumer.start();
      await bench.clock.advance(0);
      await bench.done(consumer.close());
      await bench.done(starting);
      await bench.done(bench.cluster.close());
      await bench.clock.advance(30_000);
      expect(bench.clock.waiting).toBe(0);
    });

    it('ends also when everything else is gone', async () => {
      const consumer = await bench.startedLite();
      await bench.done(bench.cluster.close());
      await bench.done(consumer.close({ deadline: '1s' }));
      await bench.clock.advance(30_000);
      expect(bench.clock.waiting).toBe(0);
    });

    it('of a consumer that never started is harmless', async () => {
      const consumer = bench.lite();
      await expect(consumer.poll()).rejects.toThrow(/waits for 'start\(\)'/);
      await consumer.close();
      await expect(consumer.start()).rejects.toThrow(/started before|was closed/);
    });
  });
});
