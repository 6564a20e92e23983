import {
  RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQTemplate,
  type ReceivedMessage,
  type RocketMQModuleOptions,
} from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import type { FakePull } from '../testing/fake-pull.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

interface Order {
  readonly id: string;
}

const options: RocketMQModuleOptions = {
  ...testOptions,
  pullConsumers: { audit: { group: 'audit', topic: 'orders', tags: 'placed' } },
};

const order = (id: string) => storedMessage({ id });

async function start() {
  const { app, clients } = await startApplication({}, options);
  const pull = clients.pulls[0] as FakePull;
  return { app, clients, pull, template: app.get(RocketMQTemplate) };
}

describe('receive', () => {
  it('gives what was pulled, at most so many, and commits only when told', async () => {
    const { app, template, pull } = await start();
    pull.put(0, 10, order('a'), order('b'), order('c'));
    const first = await template.receive<Order>('audit', { max: 2 });
    expect(first.payloads).toEqual([{ id: 'a' }, { id: 'b' }]);
    const second = await template.receive<Order>('audit', { timeout: 0 });
    expect([...second].map(({ payload }) => payload.id)).toEqual(['c']);
    expect((await template.receive('audit', { timeout: 0 })).length).toBe(0);
    expect(pull.commits).toEqual([]);
    await second.commit();
    // What lies before the committed is committed with it; going back would bring it again.
    await first.commit();
    expect(pull.commits).toEqual([{ offsets: [[0, 13]], persist: true }]);
    await app.close();
  });

  it('shows everything that a listener sees of a message', async () => {
    const { app, template, pull } = await start();
    pull.put(3, 0, storedMessage({ id: 'a' }, { tags: 'placed', keys: ['k'] }));
    const [message] = (await template.receive<Order>('audit')).messages;
    expect(message?.context).toMatchObject({ topic: 'orders', tag: 'placed', keys: ['k'] });
    expect(message?.queue).toMatchObject({ queueId: 3 });
    expect(message?.message.tags).toBe('placed');
    await app.close();
  });

  it('counts again from where somebody went back to', async () => {
    const { app, template, pull } = await start();
    pull.put(0, 10, order('a'));
    await (await template.receive('audit')).commit();
    pull.put(0, 5, order('before'));
    await (await template.receive('audit')).commit();
    expect(pull.commits.map(({ offsets }) => offsets)).toEqual([[[0, 11]], [[0, 6]]]);
    await app.close();
  });

  it('refuses what cannot be', async () => {
    const { app, template } = await start();
    const code = 'ROCKETMQ_RECEIVE_REFUSED';
    await expect(template.receive('adit')).rejects.toMatchObject({
      code,
      message: expect.stringContaining("perhaps 'audit'"),
    });
    await expect(template.receive('audit', { max: 0 })).rejects.toMatchObject({ code });
    await expect(template.receive('audit', { timeout: 'soon' })).rejects.toMatchObject({ code });
    await expect(template.receive('audit', { batch: 1 } as object)).rejects.toThrow(
      'batch is wrong',
    );
    const odd = { group: 'g', topic: 'or ders', consumerGroup: 'g' };
    await expect(template.receive(odd)).rejects.toThrow("'consumerGroup' is Java's name");
    const other = { group: 'audit', topic: 'refunds' };
    await expect(template.receive(other)).rejects.toThrow('with other options');
    await app.close();
  });
});

describe('a pull consumer made by a call', () => {
  it('is made once, started at its first use, and closed with the application', async () => {
    const { app, clients, template } = await start();
    const given = { group: 'later', topic: { orders: 'a', refunds: '*' } };
    const consumer = template.pullConsumer<Order>(given);
    expect(template.pullConsumer({ ...given })).toBe(consumer);
    expect(clients.pulls).toHaveLength(1);
    expect((await consumer.receive({ timeout: 0 })).length).toBe(0);
    expect(clients.pulls[1]?.options.subscriptions).toEqual([
      { topic: 'orders', expression: 'a' },
      { topic: 'refunds', expression: '*' },
    ]);
    await app.close();
    expect(clients.journal).toContain('close pull later');
    const code = 'ROCKETMQ_CLOSED';
    await expect(consumer.receive()).rejects.toMatchObject({ code });
    expect(() => consumer.native).toThrow('is not running');
  });
});

describe('a loop over a pull consumer', () => {
  it('counts a message when the next one is asked for, and ends when the application closes', async () => {
    const { app, template, pull } = await start();
    pull.put(0, 0, order('a'), order('b'));
    const seen: string[] = [];
    const counted: number[] = [];
    const looping = (async () => {
      for await (const { payload } of template.pullConsumer<Order>('audit')) {
        seen.push(payload.id);
        counted.push(pull.commits.length);
        if (payload.id === 'b') void app.close();
      }
    })();
    await looping;
    expect(seen).toEqual(['a', 'b']);
    expect(counted).toEqual([0, 1]);
    expect(pull.commits).toEqual([
      { offsets: [[0, 1]], persist: false },
      { offsets: [[0, 2]], persist: false },
    ]);
    await app.close();
  });

  it.each([
    ['break', false],
    ['an error', true],
  ])('that is left by %s gets the message in hand again', async (_, throws) => {
    const { app, template, pull } = await start();
    pull.put(0, 0, order('a'), order('b'));
    const consumer = template.pullConsumer<Order>('audit');
    const leave = async (): Promise<void> => {
      for await (const { payload } of consumer) {
        if (payload.id !== 'b') continue;
        if (throws) throw new Error('boom');
        break;
      }
    };
    if (throws) await expect(leave()).rejects.toThrow('boom');
    else await leave();
    const again: ReceivedMessage<Order>[] = [];
    for await (const message of consumer) {
      again.push(message);
      break;
    }
    expect(again[0]?.payload).toEqual({ id: 'b' });
    expect(pull.commits).toEqual([{ offsets: [[0, 1]], persist: false }]);
    await app.close();
  });
});

describe('pull consumers of the options', () => {
  it('start after the listeners and stop before everything else', async () => {
    const { app, clients } = await start();
    await app.close();
    expect(clients.journal).toEqual([
      'start producer orders-service',
      'start pull audit',
      'close pull audit',
      'close producer orders-service',
      'close connection default',
    ]);
  });

  it('hand their options to the client', async () => {
    const audit = {
      group: 'audit',
      topic: ['orders', 'refunds'],
      sql: 'amount > 5',
      model: 'broadcasting',
      from: { timestamp: 9 },
      pullBatchSize: 7,
      offsetDirectory: 'offsets',
      trace: { topic: 'traces' },
    } as const;
    const { app, clients } = await startApplication(
      {},
      { ...testOptions, pullConsumers: { audit } },
    );
    const { topic, sql, trace, ...same } = audit;
    const subscriptions = topic.map((name) => ({ topic: name, sql }));
    expect(clients.pulls[0]?.options).toMatchObject({
      ...same,
      subscriptions,
      trace: true,
      traceTopic: trace.topic,
    });
    await app.close();
  });

  it('may wait for their first use', async () => {
    const lazy = { audit: { group: 'audit', topic: 'orders', autoStart: false } };
    const given = { ...testOptions, pullConsumers: lazy };
    const { app, clients } = await startApplication({}, given, new FakeClients());
    expect(clients.pulls).toEqual([]);
    await app.get(RocketMQTemplate).receive('audit', { timeout: 0 });
    expect(clients.pulls).toHaveLength(1);
    await app.close();
  });

  it.each<[string, object, string]>([
    ['no group', { audit: { topic: 'orders' } }, "pullConsumers.audit: 'group' is missing"],
    ['an unknown option', { a: { group: 'a', topic: 't', tag: 'x' } }, "did you mean 'tags'?"],
    ['a bad filter', { a: { group: 'a', topic: 't', sql: 'a >' } }, "'sql': "],
    ['two filters', { a: { group: 'a', topic: { t: '*' }, tags: 'x' } }, 'exclude each other'],
    [
      'one group twice',
      { a: { group: 'g', topic: 't' }, b: { group: 'g', topic: 'u' } },
      "'a' and 'b' are both in group 'g'",
    ],
  ])('are refused at start: %s', async (_, pullConsumers, told) => {
    const error = await refusal({}, { ...testOptions, pullConsumers } as RocketMQModuleOptions);
    expect(error.message).toContain(told);
  });

  it('are refused at start in the group of a listener, which would share its messages', async () => {
    class Audit {
      @RocketMQListener({ topic: 'orders', group: 'audit' })
      onOrder(): void {}
    }
    const pullConsumers = { reader: { group: 'audit', topic: 'orders' } };
    const error = await refusal({ providers: [Audit] }, { ...testOptions, pullConsumers });
    expect(error.codes).toEqual(['ROCKETMQ_GROUP_TWICE']);
    expect(error.message).toContain(
      "Audit.onOrder (@RocketMQListener) and the pull consumer 'reader' of connection 'default' " +
        "are both in group 'audit'",
    );
    expect(error.message).toContain("pullConsumers: { 'reader': { group } } a group of its own");
  });

  it('may have the group of a disabled listener, or of one on another cluster', async () => {
    class Audit {
      @RocketMQListener({ topic: 'orders', group: 'audit', enabled: false })
      onOrder(): void {}

      @RocketMQListener({ topic: 'orders', group: 'audit', connection: 'archive' })
      onArchived(): void {}
    }
    const { app, clients } = await startApplication(
      { providers: [Audit] },
      {
        ...testOptions,
        pullConsumers: { reader: { group: 'audit', topic: 'orders' } },
        connections: { archive: { nameServers: 'archive:9876' } },
      },
    );
    expect(clients.pulls).toHaveLength(1);
    await app.close();
  });

  it('are refused to a listener that is added in their group while they run', async () => {
    const { app } = await start();
    const listener = { id: 'late', topic: 'orders', group: 'audit', handler: () => undefined };
    await expect(app.get(RocketMQListenerRegistry).add(listener)).rejects.toThrow(
      "'late' (added at run time) and the pull consumer 'audit' of connection 'default'",
    );
    await app.close();
  });

  it('made by a call are refused the group of a listener, until that is removed', async () => {
    class Audit {
      @RocketMQListener({ topic: 'orders', group: 'audited', autoStart: false })
      onOrder(): void {}

      @RocketMQListener({ topic: 'orders', group: 'off', enabled: false })
      onNothing(): void {}
    }
    const { app } = await startApplication({ providers: [Audit] });
    const template = app.get(RocketMQTemplate);
    const given = { group: 'audited', topic: 'orders' };
    expect(() => template.pullConsumer(given)).toThrow(
      "The group 'audited' is that of the listener Audit.onOrder (@RocketMQListener)",
    );
    const code = 'ROCKETMQ_RECEIVE_REFUSED';
    await expect(template.receive(given, { timeout: 0 })).rejects.toMatchObject({ code });
    expect(template.pullConsumer({ ...given, group: 'off' }).group).toBe('off');
    await app.get(RocketMQListenerRegistry).remove('Audit.onOrder');
    expect(template.pullConsumer(given).group).toBe('audited');
    await app.close();
  });

  it('made by a call keep their group from listeners that are added', async () => {
    const { app } = await startApplication({});
    app.get(RocketMQTemplate).pullConsumer({ group: 'later', topic: 'orders' });
    const listener = { id: 'late', topic: 'orders', group: 'later', handler: () => undefined };
    await expect(app.get(RocketMQListenerRegistry).add(listener)).rejects.toThrow(
      "'late' (added at run time) and the pull consumer 'later' of connection 'default'",
    );
    await app.close();
  });
});
