import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import type { ConsumeCall, ConsumeHook, ConsumeOutcome, FilterHook } from './consume-hooks.js';
import type { ConsumeVerdicts } from './consumer-options.js';

describe('hooks around consumption', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  const recorder = () => {
    const before: ConsumeCall[] = [];
    const after: [ConsumeCall, ConsumeOutcome][] = [];
    const hook: ConsumeHook = {
      before: (call) => void before.push(call),
      after: (call, outcome) => void after.push([call, outcome]),
    };
    return { hook, before, after };
  };

  it('see each listener call, before it and after it, as one object', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const { hook, before, after } = recorder();
    await bench.consumer({ batch: 2, consumeHooks: [hook] });
    expect(before.map(({ messages }) => messages.map((one) => one.text))).toEqual([
      ['m0', 'm1'],
      ['m2'],
    ]);
    expect(before[0]).toMatchObject({ group: 'g', queue: { topic: 't', queueId: 0 } });
    expect(after.map(([call]) => call)).toEqual(before);
    expect(after[0]?.[0]).toBe(before[0]);
    expect(after[0]?.[1]).toEqual({ ended: 'success', isSuccess: true, elapsed: 0 });
  });

  it.each<[string, () => ConsumeVerdicts, ConsumeOutcome['ended']]>([
    ['asks for a retry', () => ({ kind: 'retry' }), 'failed'],
    ['wants one of its messages again', () => [{ kind: 'retry' }], 'failed'],
    ['answers nothing', () => undefined as never, 'no-answer'],
    ['answers something else', () => 'done' as never, 'failed'],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'threw',
    ],
  ])('are told of a listener that %s', async (_, listener, ended) => {
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    const { hook, after } = recorder();
    await bench.consumer({ listener, consumeHooks: [hook] });
    expect(after[0]?.[1]).toMatchObject({ ended, isSuccess: false });
  });

  it('are told of a call that took longer than its time, though it ended well', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    const { hook, after } = recorder();
    await bench.consumer({
      mode: 'orderly',
      consumeTimeout: '1s',
      consumeHooks: [hook],
      listener: async () => {
        await bench.clock.sleep(1_500);
        return { kind: 'success' };
      },
    });
    await bench.clock.advance(2_000);
    expect(after[0]?.[1]).toMatchObject({ ended: 'timed-out', isSuccess: true, elapsed: 1_500 });
  });

  it('do no harm when they throw, and the log says which one', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 2));
    const told: unknown[] = [];
    const error = (_: string, fields?: Record<string, unknown>): void => {
      told.push(fields?.['hook']);
    };
    const logger: Logger = { ...silentLogger, error, child: () => logger };
    const fail = (): never => {
      throw new Error('broken');
    };
    const name = 'clumsy';
    const broken = { name, before: fail, after: fail };
    const filter = { name: 'sieve', keep: fail };
    await bench.consumer({ logger, consumeHooks: [broken], filterHooks: [filter] });
    expect(bench.seen).toEqual(['m0', 'm1']);
    expect(told).toEqual(['sieve', name, name, name, name]);
  });

  it('see a hand-out of a lite pull consumer as a call that ended well', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const { hook, after } = recorder();
    const keep: FilterHook['keep'] = ({ messages }) => messages.filter((one) => one.text !== 'm1');
    const consumer = await bench.startedLite({ consumeHooks: [hook], filterHooks: [{ keep }] });
    expect(await bench.polled(consumer)).toEqual(['m0', 'm2']);
    expect(after).toMatchObject([
      [
        { group: 'g', queue: { topic: 't' } },
        { ended: 'success', isSuccess: true },
      ],
    ]);
    const { queues, topics } = consumer.status();
    expect(queues.find(({ queue }) => queue.queueId === 0)).toMatchObject({
      pullOffset: 3,
      held: 2,
    });
    expect(topics['t']).toMatchObject({ pullTps: 2 });
  });

  it('take messages out, which are finished by that', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 4));
    const consumer = await bench.consumer();
    consumer.addFilterHook({
      keep: ({ queue, messages }) =>
        messages.filter((one) => queue.topic === 't' && one.text !== 'm5'),
    });
    bench.cluster.queues.add('t', 0, ...texts(4, 7));
    await bench.until(() => bench.seen.length === 6);
    expect(bench.seen.slice(4)).toEqual(['m4', 'm6']);
    expect(await bench.stored()).toBe(7);
    expect(consumer.statistics()).toMatchObject({ pulled: 6, consumed: 6 });
  });
});
