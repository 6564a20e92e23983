import { Injectable } from '@nestjs/common';
import {
  MessagePayload,
  RocketMQListener,
  RocketMQListenerRegistry,
  type RocketMQListenerOptions,
  type RocketMQModuleOptions,
} from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import {
  refusal,
  startApplication,
  testOptions,
  type TestApplication,
} from '../testing/test-application.js';

const seen: string[] = [];

@Injectable()
class Shop {
  @RocketMQListener({ topic: 'orders', group: 'shop' })
  onOrder(@MessagePayload() payload: string): void {
    seen.push(`order ${payload}`);
  }

  @RocketMQListener({ topic: { refunds: 'asked', returns: '*' }, group: 'shop' })
  onRefund(@MessagePayload() payload: string): void {
    seen.push(`refund ${payload}`);
    if (payload === 'bad') throw new Error('no money');
  }
}

/** Two listeners of one group. */
function twoOf(
  first: Partial<RocketMQListenerOptions>,
  second: Partial<RocketMQListenerOptions>,
): new () => object {
  @Injectable()
  class Pair {
    @RocketMQListener({ topic: 'a', group: 'pair', ...first })
    one(): void {}

    @RocketMQListener({ topic: 'b', group: 'pair', ...second })
    two(): void {}
  }
  return Pair;
}

describe('listeners of one group', () => {
  let current: TestApplication | undefined;
  const start = async (options: Partial<RocketMQModuleOptions> = {}) => {
    seen.length = 0;
    current = await startApplication({ providers: [Shop] }, { ...testOptions, ...options });
    return current;
  };
  const registry = () => current?.app.get(RocketMQListenerRegistry) as RocketMQListenerRegistry;

  afterEach(async () => {
    await current?.app.close();
    current = undefined;
  });

  it('share one consumer with the subscriptions of all', async () => {
    const { clients } = await start();
    expect(clients.consumers).toHaveLength(1);
    expect(clients.consumer('shop').options.subscriptions).toEqual([
      { topic: 'orders', expression: '*' },
      { topic: 'refunds', expression: 'asked' },
      { topic: 'returns', expression: '*' },
    ]);
  });

  it('get the messages of their own topics', async () => {
    const { clients } = await start();
    const consumer = clients.consumer('shop');
    for (const topic of ['orders', 'refunds', 'returns']) {
      const message = storedMessage(topic, { topic });
      expect(await consumer.deliverOne(message)).toEqual({ kind: 'success' });
    }
    expect(seen).toEqual(['order orders', 'refund refunds', 'refund returns']);
  });

  it('each get their part of a batch of the retry topic, and each message its verdict', async () => {
    const { clients } = await start();
    const of = (topic: string, text: string) => storedMessage(text, { topic });
    const mixed = [of('returns', 'bad'), of('orders', 'x'), of('refunds', 'y')];
    const verdicts = await clients.consumer('shop').deliver(...mixed);
    expect(verdicts.map(({ kind }) => kind)).toEqual(['retry', 'success', 'success']);
  });

  it('are given back again what no listener has the topic of, loudly', async () => {
    const { clients, logger } = await start();
    const stranger = storedMessage('1', { topic: 'strange' });
    expect(await clients.consumer('shop').deliverOne(stranger)).toMatchObject({ kind: 'retry' });
    expect(logger.of('error').join()).toContain('no listener has its topic strange');
  });

  it('are paused, resumed, stopped and started together', async () => {
    const { clients } = await start();
    registry().pause('Shop.onOrder');
    expect(registry().listeners.map(({ state }) => state)).toEqual(['paused', 'paused']);
    registry().resume('Shop.onRefund');
    await registry().stop('Shop.onRefund');
    expect(registry().listeners.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    await registry().start('Shop.onOrder');
    expect(registry().listeners.map(({ state }) => state)).toEqual(['running', 'running']);
    expect(clients.consumers).toHaveLength(2);
  });

  it('count for themselves', async () => {
    const { clients } = await start();
    const message = storedMessage('bad', { topic: 'refunds' });
    await clients.consumer('shop').deliverOne(message);
    await clients.consumer('shop').deliverOne(storedMessage('x', { topic: 'orders' }));
    const counted = registry()
      .inspect()
      .map(({ counters }) => [counters.succeeded, counters.retried]);
    expect(counted).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('need no agreement with one that is disabled', async () => {
    const provider = twoOf({ concurrency: 3 }, { concurrency: 4, enabled: false });
    current = await startApplication({ providers: [provider] });
    expect(current.clients.consumer('pair').options.concurrency).toBe(3);
  });

  it.each<[string, Partial<RocketMQListenerOptions>, Partial<RocketMQListenerOptions>]>([
    ['mode', { mode: 'orderly' }, {}],
    ['model', {}, { model: 'broadcasting' }],
    ['concurrency', { concurrency: 5 }, {}],
    ['batch', { batch: 5 }, { batch: 6 }],
    ['batchWait', { batch: 5 }, { batch: { maxSize: 5, maxWait: '1s' } }],
    ['from', { from: { timestamp: 1 } }, { from: { timestamp: 2 } }],
    ['pullThresholdForQueue', { pullThresholdForQueue: 9 }, {}],
    ['trace', { trace: true }, { trace: { topic: 'traces' } }],
    ['autoStart', {}, { autoStart: false }],
  ])('are refused when they differ in %s', async (name, first, second) => {
    const error = await refusal({ providers: [twoOf(first, second)] });
    expect(error.codes).toEqual(['ROCKETMQ_GROUP_OPTIONS_DIFFER']);
    expect(error.message).toContain(
      "Pair.one and Pair.two (@RocketMQListener) are both in group 'pair'",
    );
    expect(error.message).toContain(`differ in '${name}'`);
  });

  it('may say the same in other words', async () => {
    const provider = twoOf(
      { concurrency: 20, from: { timestamp: 5 } },
      { from: { timestamp: new Date(5) } },
    );
    current = await startApplication({ providers: [provider] });
    expect(current.clients.consumers).toHaveLength(1);
  });

  it.each<[string, Partial<RocketMQListenerOptions>, Partial<RocketMQListenerOptions>, string]>([
    [
      'differ in the tags of a topic',
      { topic: { a: 'x' } },
      { topic: { a: 'y', b: '*' } },
      'DIFFER',
    ],
    ['want one topic of several alike', { topic: ['a', 'c'] }, { topic: ['a', 'b'] }, 'TWICE'],
  ])('are refused when they %s', async (_, first, second, code) => {
    const error = await refusal({ providers: [twoOf(first, second)] });
    expect(error.codes).toEqual([expect.stringMatching(new RegExp(`^ROCKETMQ_\\w+_${code}$`))]);
    expect(error.message).toContain('Pair.one and Pair.two');
  });

  it('are refused on two connections to one cluster, and taken in two namespaces', async () => {
    const { nameServers } = testOptions;
    const second = (more: object) => ({
      ...testOptions,
      connections: { other: { nameServers: nameServers as string, ...more } },
    });
    const provider = twoOf({}, { connection: 'other' });
    const error = await refusal({ providers: [provider] }, second({}));
    expect(error.codes).toEqual(['ROCKETMQ_SUBSCRIPTIONS_DIFFER']);
    current = await startApplication({ providers: [provider] }, second({ namespace: 'two' }));
    expect(current.clients.consumers).toHaveLength(2);
  });
});
