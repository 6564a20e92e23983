import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import type { ConsumeVerdict, PushConsumerOptions } from './consumer-options.js';
import { PushConsumer } from './push-consumer.js';

const success: ConsumeVerdict = { kind: 'success' };

describe('PushConsumer among others, and at its end', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  it('shares queues with another member at once, and takes them back', async () => {
    const first = await bench.consumer({ instanceName: 'one' });
    expect(first.assignedQueues()).toHaveLength(3);
    const second = await bench.consumer({ instanceName: 'two' });
    await bench.until(
      () => second.assignedQueues().length > 0 && first.assignedQueues().length < 3,
    );
    const owned = [first, second].map((one) =>
      one
        .assignedQueues()
        .filter(({ topic }) => topic === 't')
        .map(({ queueId }) => queueId),
    );
    expect(owned).toEqual([[0], [1]]);
    await second.close();
    await bench.until(() => first.assignedQueues().length === 3);
    expect(first.assignedQueues()).toHaveLength(3);
  });

  it('stores where a queue stands before it leaves it to another member', async () => {
    bench.cluster.queues.add('t', 1, ...texts(0, 4));
    await bench.consumer({ instanceName: 'one' });
    expect(bench.seen).toHaveLength(4);
    await bench.consumer({ instanceName: 'two' });
    await bench.clock.advance(1_000);
    expect(bench.offset(1)).toBe(4);
    expect(bench.seen).toHaveLength(4);
  });

  it('keeps its queues when a broker does not know it, and makes itself known again', async () => {
    const consumer = await bench.consumer();
    bench.cluster.queues.members.get('g')?.clear();
    bench.cluster.queues.members.get('g')?.set('somebody', bench.cluster.clients[0]!);
    await bench.clock.advance(20_000);
    await bench.until(() => bench.cluster.queues.members.get('g')?.size === 2);
    expect(bench.cluster.queues.members.get('g')?.size).toBe(2);
    expect(consumer.assignedQueues().length).toBeGreaterThan(0);
  });

  it('consumes each queue in order under its lock when orderly', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 20));
    let running = 0;
    let most = 0;
    await bench.consumer({
      mode: 'orderly',
      listener: async ([message]) => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        bench.seen.push(message?.text ?? '');
        running -= 1;
        return success;
      },
    });
    await bench.clock.advance(100);
    expect(bench.seen).toEqual(texts(0, 20).map((one) => one.text));
    expect(most).toBe(1);
    expect(bench.cluster.queues.locks.size).toBe(3);
  });

  it('does not touch a queue that another member holds, and takes it when it becomes free', async () => {
    bench.cluster.queues.locks.set('t 0', 'somebody else');
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    const consumer = await bench.consumer({ mode: 'orderly' });
    expect(
      consumer.assignedQueues().some(({ topic, queueId }) => topic === 't' && queueId === 0),
    ).toBe(false);
    bench.cluster.queues.locks.delete('t 0');
    await bench.clock.advance(2_000);
    expect(bench.seen).toEqual(['m0']);
  });

  it('takes a queue soon after it became free, however long that took', async () => {
    bench.cluster.queues.locks.set('t 0', 'somebody else');
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    await bench.consumer({ mode: 'orderly' });
    await bench.clock.advance(19_000);
    bench.cluster.queues.locks.delete('t 0');
    await bench.clock.advance(3_100);
    expect(bench.seen).toEqual(['m0']);
  });

  it('hands an orderly queue over only when its running call has ended', async () => {
    bench.cluster.queues.add('t', 1, ...texts(0, 2));
    let end: (() => void) | undefined;
    await bench.consumer({
      mode: 'orderly',
      instanceName: 'one',
      listener: ([message]) => {
        bench.seen.push(`one ${message?.text}`);
        return new Promise((resolve) => (end = () => resolve(success)));
      },
    });
    await bench.consumer({
      mode: 'orderly',
      instanceName: 'two',
      listener: ([message]) => {
        bench.seen.push(`two ${message?.text}`);
        return success;
      },
    });
    await bench.clock.advance(5_000);
    expect(bench.seen).toEqual(['one m0']);
    end?.();
    await bench.clock.advance(5_000);
    expect(bench.seen).toEqual(['one m0', 'two m1']);
  });

  it('goes on elsewhere after a reset only when the running call of the queue has ended', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const ends: (() => void)[] = [];
    await bench.consumer({
      mode: 'orderly',
      listener: ([message]) => {
        bench.seen.push(message?.text ?? '');
        return new Promise((resolve) => ends.push(() => resolve(success)));
      },
    });
    ends.shift()?.();
    await bench.until(() => bench.seen.length === 2);
    bench.reset('t', [[{ topic: 't', brokerName: 'broker-a', queueId: 0 }, 0]]);
    await bench.clock.advance(3_000);
    expect([bench.seen, bench.offset(0)]).toEqual([['m0', 'm1'], 0]);
    ends.shift()?.();
    await bench.until(() => bench.seen.length === 3);
    expect(bench.seen).toEqual(['m0', 'm1', 'm0']);
    expect(await bench.stored()).toBe(0);
  });

  it('gives every member all messages when broadcasting', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 2));
    const options = { model: 'broadcasting', offsetStore: memoryStore() } as const;
    await bench.consumer({ ...options, instanceName: 'one' });
    await bench.consumer({ ...options, offsetStore: memoryStore(), instanceName: 'two' });
    await bench.until(() => bench.seen.length === 4);
    expect(bench.seen.sort()).toEqual(['m0', 'm0', 'm1', 'm1']);
    expect(bench.offset(0)).toBeUndefined();
  });

  it('ends running calls at close, stores offsets, unlocks and leaves nothing behind', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 2));
    let end: (() => void) | undefined;
    const consumer = await bench.consumer({
      mode: 'orderly',
      listener: () => new Promise((resolve) => (end = () => resolve(success))),
    });
    const closed = consumer.close();
    await bench.clock.advance(10);
    end?.();
    await closed;
    expect([bench.offset(0), bench.cluster.queues.locks.size, bench.cluster.unregistered]).toEqual([
      1,
      0,
      ['g'],
    ]);
    await bench.clock.advance(20_000);
    await bench.done(bench.cluster.close());
    await bench.clock.advance(20_000);
    expect(bench.clock.waiting).toBe(0);
  });

  it('gives a lock back as soon as the broker takes it, when it did not at first', async () => {
    const { queues } = bench.cluster;
    const first = await bench.consumer({ mode: 'orderly', instanceName: 'one' });
    queues.takesUnlocks = false;
    const second = await bench.consumer({ mode: 'orderly', instanceName: 'two' });
    await bench.until(() => first.assignedQueues().length === 2);
    expect(second.assignedQueues()).toHaveLength(0);
    queues.takesUnlocks = true;
    await bench.clock.advance(10_000);
    expect(second.assignedQueues()).toHaveLength(1);
  });

  it('keeps no lock when it closes while it takes its queues', async () => {
    const { offsets, locks } = bench.cluster.queues;
    const read = offsets.get.bind(offsets);
    let wereLocked = 0;
    let closed: Promise<void> | undefined;
    const consumer = new PushConsumer({
      nameServers: bench.cluster.nameServer,
      group: 'g',
      mode: 'orderly',
      subscriptions: [{ topic: 't' }],
      clock: bench.clock,
      network: bench.network,
      listener: () => success,
    });
    offsets.get = (key) => {
      wereLocked = Math.max(wereLocked, locks.size);
      closed ??= consumer.close();
      return read(key);
    };
    await bench.done(consumer.start());
    await bench.done(closed ?? Promise.reject(new Error('it asked for no offset')));
    expect([wereLocked > 0, locks.size]).toEqual([true, 0]);
  });

  it('gives up waiting at the deadline of close and aborts the signals', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    let signal: AbortSignal | undefined;
    const consumer = await bench.consumer({
      listener: (_, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    });
    await bench.done(consumer.close({ deadline: '2s' }));
    expect([signal?.aborted, bench.offset(0)]).toEqual([true, 0]);
  });

  it('closes when everything else is gone', async () => {
    const consumer = await bench.consumer();
    await bench.done(bench.cluster.close());
    await bench.done(consumer.close({ deadline: '1s' }));
    await bench.clock.advance(20_000);
    expect(bench.clock.waiting).toBe(0);
  });
});

function memoryStore(): NonNullable<PushConsumerOptions['offsetStore']> {
  const offsets = new Map<string, number>();
  return {
    read: ({ queueId }) => Promise.resolve(offsets.get(`${queueId}`)),
    write: (all) => {
      for (const { queue, offset } of all) offsets.set(`${queue.queueId}`, offset);
      return Promise.resolve();
    },
  };
}
