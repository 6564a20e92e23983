import { Injectable } from '@nestjs/common';
import {
  ConsumeResult,
  RocketMQListener,
  RocketMQListenerRegistry,
  type AddedListener,
  type RocketMQModuleOptions,
} from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import {
  startApplication,
  testOptions,
  type TestApplication,
} from '../testing/test-application.js';

@Injectable()
class Listeners {
  @RocketMQListener({ topic: 'orders', group: 'payments', concurrency: 4, tags: 'paid' })
  onOrder(): void {}

  @RocketMQListener({ topic: 'mails', group: 'mails', autoStart: '${mails.start:false}' })
  onMail(): void {}

  @RocketMQListener({ topic: 'old', group: 'old', enabled: () => false })
  onOld(): void {}
}

let current: TestApplication;
let registry: RocketMQListenerRegistry;
async function start(
  options: Partial<RocketMQModuleOptions> = {},
  clients = new FakeClients(),
): Promise<TestApplication> {
  const all = { ...testOptions, ...options };
  current = await startApplication({ providers: [Listeners] }, all, clients);
  registry = current.app.get(RocketMQListenerRegistry);
  return current;
}
const states = () => registry.listeners.map(({ id, state }) => `${id} ${state}`);
const added = (more: Partial<AddedListener> = {}): AddedListener => ({
  id: 'late',
  topic: 'news',
  group: 'late',
  handler: () => undefined,
  ...more,
});

afterEach(() => current.app.close());

describe('RocketMQListenerRegistry', () => {
  it('starts what is to start by itself, the others by id, the disabled never', async () => {
    await start();
    expect(states()).toEqual([
      'Listeners.onOrder running',
      'Listeners.onMail idle',
      'Listeners.onOld disabled',
    ]);
    await registry.start('Listeners.onMail');
    expect(registry.get('Listeners.onMail').state).toBe('running');
    await expect(registry.start('Listeners.onOld')).rejects.toMatchObject({
      code: 'ROCKETMQ_LISTENER_DISABLED',
      message: expect.stringContaining('autoStart: false'),
    });
    await expect(registry.start('Mails')).rejects.toMatchObject({
      code: 'ROCKETMQ_LISTENER_UNKNOWN',
      message: expect.stringContaining('Listeners.onMail'),
    });
  });

  it('starts, pauses, resumes and stops all at once, as often as one likes', async () => {
    const { clients } = await start();
    await registry.start();
    registry.pause();
    expect(clients.consumers.map(({ isPaused }) => isPaused)).toEqual([true, true]);
    registry.resume();
    await Promise.all([registry.stop(), registry.stop()]);
    await Promise.all([registry.start(), registry.start()]);
    expect(clients.journal.filter((line) => line.includes('consumer'))).toEqual([
      'start consumer payments',
      'start consumer mails',
      'close consumer payments',
      'close consumer mails',
      'start consumer payments',
      'start consumer mails',
    ]);
    expect(states().slice(0, 2)).toEqual(['Listeners.onOrder running', 'Listeners.onMail running']);
  });

  it('may be stopped while it starts, and starts again after a start that failed', async () => {
    const { clients } = await start();
    let isDown = true;
    clients.onEvent = (event) => {
      if (event === 'start consumer mails' && isDown) throw new Error('no broker');
    };
    await expect(registry.start('Listeners.onMail')).rejects.toThrow('no broker');
    expect(registry.get('Listeners.onMail').state).toBe('stopped');
    isDown = false;
    let go: () => void = () => undefined;
    clients.onEvent = (event) =>
      event.startsWith('start') ? new Promise((resolve) => (go = resolve)) : undefined;
    const starting = registry.start('Listeners.onMail');
    await Promise.resolve();
    expect(registry.get('Listeners.onMail').state).toBe('starting');
    await registry.stop('Listeners.onMail');
    go();
    await starting;
    expect(registry.get('Listeners.onMail').state).toBe('stopped');
  });

  it('inspects a listener: state, subscriptions, queues with their lag, counters', async () => {
    const queue = { topic: 'orders', brokerName: 'a', queueId: 0 };
    const one = { queue, pullOffset: 9, held: 2, isPaused: false, consumedAt: 0 };
    const queues = [{ ...one, committed: 7, end: 20, pulledAt: 5 }];
    const clients = new FakeClients();
    clients.onConsumer = (consumer) => {
      consumer.status = () => ({ clientId: 'c', isRunning: true, isPaused: false, queues });
    };
    await start({}, clients);
    await clients.consumer('payments').deliverOne(storedMessage({}));
    expect(registry.inspect('Listeners.onOrder')).toEqual({
      id: 'Listeners.onOrder',
      group: 'payments',
      connection: 'default',
      subscriptions: [{ topic: 'orders', expression: 'paid' }],
      state: 'running',
      inHand: 0,
      counters: { succeeded: 1, retried: 0, deadLettered: 0, dropped: 0, late: 0 },
      queues: [
        {
          queue,
          committed: 7,
          end: 20,
          lag: 13,
          held: 2,
          isPaused: false,
          lastPulledAt: new Date(5),
          lastConsumedAt: undefined,
        },
      ],
      lag: 13,
      lastPulledAt: new Date(5),
    });
    expect(registry.inspect('Listeners.onMail')).toMatchObject({ lag: undefined, queues: [] });
    expect(registry.inspect()).toHaveLength(3);
  });

  it('adds a listener, whose answers and errors mean what they mean elsewhere', async () => {
    const { clients } = await start();
    const got: unknown[] = [];
    const handle = await registry.add<{ n: number }>({
      ...added(),
      maxReconsumeTimes: 3,
      handler: ({ n }, context) => {
        got.push([n, context.topic, context.listener.id]);
        if (n === 2) throw new Error('no');
        return n === 3 ? ConsumeResult.deadLetter() : Promise.resolve(n);
      },
    });
    expect(handle.state).toBe('running');
    const consumer = clients.consumer('late');
    const kinds = [1, 2, 3].map(async (n) => {
      const { kind } = await consumer.deliverOne(storedMessage({ n }, { topic: 'news' }));
      return kind;
    });
    expect(await Promise.all(kinds)).toEqual(['success', 'retry', 'dead-letter']);
    expect(got[0]).toEqual([1, 'news', 'late']);
    expect(registry.has('late')).toBe(true);
  });

  it('adds one that gets batches, and one that waits for its start', async () => {
    const { clients } = await start();
    const sizes: number[] = [];
    const handler = (all: unknown[]) => void sizes.push(all.length);
    await registry.add<unknown[]>({ ...added(), batch: { maxSize: 9 }, handler });
    await clients.consumer('late').deliver(storedMessage(1), storedMessage(2));
    expect(sizes).toEqual([2]);
    const handle = await registry.add(added({ id: 'idle', group: 'idle', autoStart: false }));
    expect(handle.state).toBe('idle');
  });

  it.each<[string, Partial<AddedListener>, string]>([
    ['a group that is taken', { group: 'payments' }, 'ROCKETMQ_SUBSCRIPTIONS_DIFFER'],
    ['an id that is taken', { id: 'Listeners.onMail' }, 'ROCKETMQ_LISTENER_ID_TWICE'],
    ['no group', { group: undefined as never }, 'ROCKETMQ_GROUP_MISSING'],
    ["Spring's names", { consumeMode: 'ORDERLY' } as never, 'ROCKETMQ_SPRING_NAME'],
    ['no handler', { handler: undefined as never }, 'ROCKETMQ_OPTION_INVALID'],
  ])('adds none with %s', async (_, more, code) => {
    const { clients } = await start();
    await expect(registry.add(added(more))).rejects.toMatchObject({ problems: [{ code }] });
    expect(clients.consumers).toHaveLength(1);
    expect(registry.listeners).toHaveLength(3);
  });

  it('removes a listener, and takes another of the same name then', async () => {
    const { clients } = await start();
    await registry.add(added());
    await registry.remove('late');
    expect(registry.has('late')).toBe(false);
    await registry.add(added());
    expect(clients.journal.filter((line) => line.endsWith('consumer late'))).toEqual([
      'start consumer late',
      'close consumer late',
      'start consumer late',
    ]);
    await expect(registry.remove('never')).rejects.toMatchObject({
      code: 'ROCKETMQ_LISTENER_UNKNOWN',
    });
  });

  it('keeps none whose start failed', async () => {
    const { clients } = await start();
    clients.onEvent = (event) => {
      if (event === 'start consumer late') throw new Error('no broker');
    };
    await expect(registry.add(added())).rejects.toThrow('no broker');
    expect(registry.has('late')).toBe(false);
  });

  it('starts nothing any more after the application was closed', async () => {
    const { app, clients } = await start();
    await app.close();
    await expect(registry.start()).rejects.toMatchObject({ code: 'ROCKETMQ_CLOSED' });
    await expect(registry.add(added())).rejects.toMatchObject({ code: 'ROCKETMQ_CLOSED' });
    expect(clients.consumers).toHaveLength(1);
  });
});

describe('listeners of the module options', () => {
  it.each([false, '${rocketmq.listeners:false}', () => false])(
    'that are %p: none is started, and all are checked',
    async (listeners) => {
      const { clients } = await start({ listeners: listeners as boolean });
      expect(clients.consumers).toEqual([]);
      expect(states().every((state) => state.endsWith('disabled'))).toBe(true);
    },
  );

  it('change single ones by id', async () => {
    const { clients } = await start({
      listeners: {
        'Listeners.onOrder': { concurrency: 7, sql: 'a > 5', topic: 'other' },
        'Listeners.onMail': false,
      },
    });
    expect(clients.consumers).toHaveLength(1);
    expect(clients.consumer('payments').options).toMatchObject({
      concurrency: 7,
      subscriptions: [{ topic: 'other', sql: 'a > 5' }],
    });
    expect(registry.get('Listeners.onMail').state).toBe('disabled');
  });

  it('name only listeners that exist, and only options', async () => {
    const started = start({
      listeners: { 'Listeners.onOder': false, 'Listeners.onMail': { conurrency: 4 } as never },
    });
    await expect(started).rejects.toMatchObject({
      problems: [
        {
          code: 'ROCKETMQ_OPTION_UNKNOWN',
          sentence: expect.stringContaining("did you mean 'concurrency'?"),
        },
        {
          code: 'ROCKETMQ_LISTENER_UNKNOWN',
          sentence: expect.stringContaining("did you mean 'Listeners.onOrder'?"),
        },
      ],
    });
    await start();
  });

  it('may be made by a function that knows class and method', async () => {
    const { clients } = await start({
      listenerOptions: (options, { id, className, method }) =>
        method === 'onOrder'
          ? { ...options, group: `${className}-${method}-${id.length}` }
          : undefined,
    });
    expect(clients.consumers.map(({ options }) => options.group)).toEqual(['Listeners-onOrder-17']);
  });

  it('are not started when that function fails', async () => {
    const listenerOptions = () => {
      throw new Error('no such tenant');
    };
    await expect(start({ listenerOptions })).rejects.toThrow('no such tenant');
    await start();
  });
});
