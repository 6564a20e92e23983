import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import type { PushConsumerOptions } from './consumer-options.js';
import type { QueueReport } from './inspection.js';

const mebibyte = 1024 * 1024;

describe('a push consumer whose listener is slow', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  /** Consumes everything, some of it late and out of order, and looks at every step. */
  const consumeAll = async (
    count: number,
    options: Partial<PushConsumerOptions>,
    look: (queues: readonly QueueReport[]) => void,
  ): Promise<void> => {
    const random = new SeededRandom(seedOfRun());
    const seen: string[] = [];
    const consumer = await bench.consumer({
      concurrency: 7,
      listener: async ([message]) => {
        await bench.clock.sleep(1 + random.below(200));
        seen.push(message?.text ?? '');
        return { kind: 'success' };
      },
      ...options,
    });
    for (let i = 0; i < 5_000 && seen.length < count; i += 1) {
      await bench.clock.advance(10);
      look(consumer.status().queues.filter(({ queue }) => queue.topic === 't'));
    }
    expect(seen).toHaveLength(count);
  };

  const most = (value: (one: QueueReport) => number, limit: number) => {
    let highest = 0;
    const look = (queues: readonly QueueReport[]): void => {
      highest = Math.max(highest, ...queues.map(value));
      if (highest > limit) throw new Error(`${highest} held, ${limit} allowed`);
    };
    return { look, highest: () => highest };
  };

  it.each<[string, Partial<PushConsumerOptions>, number, number]>([
    ['messages of a queue', { pullThresholdForQueue: 40 }, 40, 40],
    ['messages of a queue, fewer than a pull may bring', { pullThresholdForQueue: 5 }, 5, 5],
    ['messages of a topic', { pullThresholdForTopic: 100 }, 50, 50],
    ['messages of a topic, fewer than it has queues', { pullThresholdForTopic: 1 }, 1, 1],
  ])('never holds more %s than it may, and uses the room', async (_, options, limit, used) => {
    bench.cluster.queues.add('t', 0, ...texts(0, 150));
    bench.cluster.queues.add('t', 1, ...texts(150, 250));
    const { look, highest } = most((one) => one.held, limit);
    await consumeAll(250, options, look);
    expect(highest()).toBe(used);
  });

  it.each<[string, Partial<PushConsumerOptions>, number]>([
    ['of a queue', { pullThresholdSizeForQueue: 1 }, mebibyte],
    ['of a topic', { pullThresholdSizeForTopic: 4 }, 2 * mebibyte],
  ])('never holds more bytes %s than it may', async (_, options, limit) => {
    const text = 'x'.repeat(60_000);
    const large = Array.from({ length: 60 }, () => ({ text }));
    bench.cluster.queues.add('t', 0, ...large);
    bench.cluster.queues.add('t', 1, ...large);
    const { look, highest } = most((one) => one.heldBytes, limit);
    await consumeAll(120, { ...options, concurrency: 2 }, look);
    expect(highest()).toBeGreaterThan(limit / 2);
  });

  it('takes a single message that is larger than all it may hold', async () => {
    const text = 'x'.repeat(2 * mebibyte);
    bench.cluster.queues.add('t', 0, { text }, { text });
    const { look, highest } = most((one) => one.held, 1);
    await consumeAll(2, { pullThresholdSizeForQueue: 1 }, look);
    expect(highest()).toBe(1);
  });

  it('does not run further than the span ahead of a message that is not finished', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 200));
    let end = (): void => undefined;
    const consumer = await bench.consumer({
      consumeConcurrentlyMaxSpan: 60,
      listener: ([message]) => {
        if (message?.text !== 'm0') return { kind: 'success' };
        return new Promise((resolve) => (end = () => resolve({ kind: 'success' })));
      },
    });
    await bench.clock.advance(5_000);
    const [report] = consumer.status().queues;
    expect(report).toMatchObject({ pullOffset: 32, committed: 0, held: 1 });
    end();
    await bench.until(() => bench.cluster.queues.pulls.at(-1)?.queueOffset === 200);
    expect(await bench.stored()).toBe(200);
  });
});
