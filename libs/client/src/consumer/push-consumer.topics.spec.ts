import {
  BrokerRefusedError,
  ClientConfigurationError,
  ClientStateError,
} from '../client.errors.js';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';

describe('PushConsumer whose subscriptions change', () => {
  const bench = new ConsumerBench();

  beforeEach(async () => {
    await bench.open();
    bench.cluster.addTopic('u', 1);
  });

  afterEach(() => bench.close());

  const told = (): string[] =>
    (bench.cluster.heartbeats.at(-1)?.consumerDataSet[0]?.subscriptionDataSet ?? [])
      .map(({ topic, subString }) => `${topic} ${subString}`)
      .toSorted();

  it('takes a topic while it runs: brokers are told, queues shared out, messages come', async () => {
    bench.cluster.queues.add('u', 0, ...texts(0, 2));
    const shared: unknown[] = [];
    const consumer = await bench.consumer({
      messageQueueListener: (topic, all, mine) => shared.push([topic, all.length, mine.length]),
    });
    await bench.done(consumer.subscribe('u'));
    await bench.until(() => bench.seen.length === 2);
    expect(bench.seen).toEqual(['m0', 'm1']);
    expect(told()).toEqual(['%RETRY%g *', 't *', 'u *']);
    expect(shared).toEqual([
      ['t', 2, 2],
      ['%RETRY%g', 1, 1],
      ['u', 1, 1],
    ]);
  });

  it('changes the filter of a topic, which brokers take for newer though no time passed', async () => {
    const tagged = (text: string, TAGS: string) => ({ text, properties: { TAGS } });
    const consumer = await bench.consumer({ subscriptions: [{ topic: 't', expression: 'a' }] });
    const versionOf = (): number =>
      bench.cluster.heartbeats
        .at(-1)
        ?.consumerDataSet[0]?.subscriptionDataSet.find(({ topic }) => topic === 't')?.subVersion ??
      0;
    const before = versionOf();
    await bench.done(consumer.subscribe('t', 'b'));
    expect(told()).toContain('t b');
    expect(versionOf()).toBeGreaterThan(before);
    bench.cluster.queues.add('t', 0, tagged('one', 'a'), tagged('two', 'b'));
    await bench.until(() => bench.seen.length === 1);
    expect(bench.seen).toEqual(['two']);
  });

  it('leaves a topic while it runs, with its offsets stored', async () => {
    bench.cluster.queues.add('u', 0, ...texts(0, 3));
    const consumer = await bench.consumer({ subscriptions: [{ topic: 't' }, { topic: 'u' }] });
    await bench.done(consumer.unsubscribe('u'));
    expect(bench.offset(0, 'u')).toBe(3);
    expect(consumer.assignedQueues().some(({ topic }) => topic === 'u')).toBe(false);
    expect(told()).toEqual(['%RETRY%g *', 't *']);
    bench.cluster.queues.add('u', 0, ...texts(3, 5));
    await bench.clock.advance(30_000);
    expect(bench.seen).toHaveLength(3);
    await bench.done(consumer.subscribe('u'));
    await bench.until(() => bench.seen.length === 5);
    expect(bench.seen.slice(3)).toEqual(['m3', 'm4']);
  });

  it('stores what is finished and not what is in the hands of a listener when it leaves', async () => {
    bench.cluster.queues.add('u', 0, ...texts(0, 3));
    let end = (): void => undefined;
    const consumer = await bench.consumer({
      subscriptions: [{ topic: 'u' }],
      concurrency: 3,
      listener: ([message]) => {
        if (message?.text !== 'm1') return { kind: 'success' };
        return new Promise((resolve) => (end = () => resolve({ kind: 'success' })));
      },
    });
    await bench.done(consumer.unsubscribe('u'));
    end();
    await bench.clock.advance(10_000);
    expect(bench.offset(0, 'u')).toBe(1);
  });

  it('stays as it was when a broker refuses a filter', async () => {
    bench.cluster.queues.filterRefusal = 'no such property';
    const consumer = await bench.consumer();
    const refused = bench.done(consumer.subscribe('t', { sql: 'a > 1' }));
    await expect(refused).rejects.toBeInstanceOf(BrokerRefusedError);
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    await bench.until(() => bench.seen.length === 1);
    expect([bench.seen, told()]).toEqual([['m0'], ['%RETRY%g *', 't *']]);
  });

  it('changes them before the start as well, and not after the end', async () => {
    const consumer = await bench.consumer();
    await bench.done(consumer.close());
    await expect(consumer.subscribe('u')).rejects.toBeInstanceOf(ClientStateError);
    await expect(consumer.unsubscribe('u')).rejects.toBeInstanceOf(ClientStateError);
  });

  it('keeps its retry topic to itself', async () => {
    const consumer = await bench.consumer();
    for (const change of [consumer.subscribe('%RETRY%g'), consumer.unsubscribe('%RETRY%g')]) {
      await expect(change).rejects.toBeInstanceOf(ClientConfigurationError);
    }
  });
});
