import { Injectable, Module } from '@nestjs/common';
import { RocketMQListener, RocketMQModule, RocketMQTransactionListener } from './index.js';
import { refusal, startApplication, testOptions } from './testing/test-application.js';

/** A provider with one listener of the given options. */
function listenerOf(name: string, options: object) {
  class Listener {
    onMessage(): void {}
  }
  Object.defineProperty(Listener, 'name', { value: name });
  const { prototype } = Listener;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'onMessage') as PropertyDescriptor;
  const decorate = RocketMQListener(options as never) as MethodDecorator;
  decorate(prototype, 'onMessage', descriptor);
  Injectable()(Listener);
  return Listener;
}

function transactionListenerOf(name: string, options: object) {
  class Listener {
    execute() {
      return 'commit' as const;
    }
    check() {
      return 'commit' as const;
    }
  }
  Object.defineProperty(Listener, 'name', { value: name });
  RocketMQTransactionListener(options)(Listener);
  Injectable()(Listener);
  return Listener;
}

describe('an application that is set up wrongly does not start', () => {
  it.each([
    ['consumerGroup', { consumerGroup: 'g' }, "'consumerGroup' is Java's name; write 'group'"],
    ['selectorExpression', { selectorExpression: 'a' }, "write 'tags'"],
    ['consumeMode', { consumeMode: 'ORDERLY' }, "write mode: 'concurrent' | 'orderly'"],
    [
      'messageModel',
      { messageModel: 'BROADCASTING' },
      "write model: 'clustering' | 'broadcasting'",
    ],
    ['consumeThreadNumber', { consumeThreadNumber: 4 }, "write 'concurrency'"],
  ])("refuses Spring's name %s with ours", async (_, options, told) => {
    const all = { topic: 'orders', group: 'g', ...options };
    const error = await refusal({ providers: [listenerOf('Payments', all)] });
    expect(error.codes).toEqual(['ROCKETMQ_SPRING_NAME']);
    expect(error.message).toContain('Payments.onMessage (@RocketMQListener)');
    expect(error.message).toContain(told);
  });

  it('refuses an unknown option with the nearest name', async () => {
    const options = { topic: 'orders', group: 'g', concurency: 3 };
    const error = await refusal({ providers: [listenerOf('Payments', options)] });
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_UNKNOWN']);
    expect(error.message).toContain("'concurency' is not an option; did you mean 'concurrency'?");
  });

  it('refuses a listener without group and topic, and says what to write', async () => {
    const error = await refusal({ providers: [listenerOf('Payments', {})] });
    expect(error.codes).toEqual(['ROCKETMQ_GROUP_MISSING', 'ROCKETMQ_TOPIC_MISSING']);
    expect(error.message).toContain("write topic: 'orders'");
    expect(error.message).toContain("write for example group: 'payments'");
  });

  it('takes the group from the defaults of the module', async () => {
    const options = { ...testOptions, consumer: { group: 'shared' } };
    const providers = [listenerOf('Payments', { topic: 'orders' })];
    const { app, clients } = await startApplication({ providers }, options);
    expect(clients.consumer('shared').options.subscriptions).toEqual([
      { topic: 'orders', expression: '*' },
    ]);
    await app.close();
  });

  it('hands an SQL92 filter to the client, for every topic', async () => {
    const sql = 'amount > 5';
    const providers = [listenerOf('Payments', { topic: ['orders', 'refunds'], group: 'g', sql })];
    const { app, clients } = await startApplication({ providers });
    expect(clients.consumer('g').options.subscriptions).toEqual([
      { topic: 'orders', sql },
      { topic: 'refunds', sql },
    ]);
    await app.close();
  });

  it.each([
    ['a wrong one', { topic: 'orders', sql: 'amount >' }, 'column 9'],
    ['one beside tags', { topic: 'orders', sql: 'amount > 5', tags: 'a' }, 'instead of tags'],
    ['one beside a map', { topic: { orders: 'a' }, sql: 'amount > 5' }, 'instead of tags'],
  ])('refuses %s among SQL92 filters', async (_, options, told) => {
    const error = await refusal({
      providers: [listenerOf('Payments', { group: 'g', ...options })],
    });
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_INVALID']);
    expect(error.message).toContain(told);
  });

  it('refuses two listeners of one group with different subscriptions and names both', async () => {
    const error = await refusal({
      providers: [
        listenerOf('Payments', { topic: 'orders', group: 'g', tags: 'paid' }),
        listenerOf('Points', { topic: 'orders', group: 'g', tags: 'placed' }),
      ],
    });
    expect(error.codes).toEqual(['ROCKETMQ_SUBSCRIPTIONS_DIFFER']);
    expect(error.message).toContain('Payments.onMessage and Points.onMessage');
    expect(error.message).toContain('orders (paid) against orders (placed)');
  });

  it('refuses two listeners of one group with one subscription', async () => {
    const error = await refusal({
      providers: [
        listenerOf('Payments', { topic: 'orders', group: 'g', tags: 'a || b' }),
        listenerOf('Points', { topic: 'orders', group: 'g', tags: ['b', 'a'] }),
      ],
    });
    expect(error.codes).toEqual(['ROCKETMQ_GROUP_TWICE']);
  });

  it('lets a group be used on two clusters, and by a listener that is switched off', async () => {
    const options = { ...testOptions, connections: { other: { nameServers: 'other:9876' } } };
    const providers = [
      listenerOf('A', { topic: 'orders', group: 'g' }),
      listenerOf('B', { topic: 'refunds', group: 'g', connection: 'other' }),
      listenerOf('C', { topic: 'points', group: 'g', enabled: false }),
    ];
    const { app, clients } = await startApplication({ providers }, options);
    expect(clients.consumers.map((consumer) => consumer.connection.name)).toEqual([
      'default',
      'other',
    ]);
    await app.close();
  });

  it('refuses orderly with broadcasting', async () => {
    const options = { topic: 'orders', group: 'g', mode: 'orderly', model: 'broadcasting' };
    const error = await refusal({ providers: [listenerOf('Payments', options)] });
    expect(error.codes).toEqual(['ROCKETMQ_ORDERLY_BROADCAST']);
  });

  it('refuses a batch larger than a pull', async () => {
    const options = { topic: 'orders', group: 'g', batch: 64 };
    const error = await refusal({ providers: [listenerOf('Payments', options)] });
    expect(error.codes).toEqual(['ROCKETMQ_BATCH_OVER_PULL']);
  });

  it('refuses an unknown connection and names those there are', async () => {
    const options = { topic: 'orders', group: 'g', connection: 'orderz' };
    const error = await refusal({ providers: [listenerOf('Payments', options)] });
    expect(error.codes).toEqual(['ROCKETMQ_CONNECTION_UNKNOWN']);
    expect(error.message).toContain("wants the connection 'orderz'");
    expect(error.message).toContain('RocketMQModule knows default');
  });

  it('refuses two transaction listeners for one topic, and two for every topic', async () => {
    const twice = await refusal({
      providers: [
        transactionListenerOf('A', { topic: 'orders' }),
        transactionListenerOf('B', { topic: ['orders', 'refunds'] }),
      ],
    });
    expect(twice.codes).toEqual(['ROCKETMQ_TRANSACTION_LISTENER_TWICE']);
    expect(twice.message).toContain('A (@RocketMQTransactionListener) and B');
    const everything = await refusal({
      providers: [transactionListenerOf('A', {}), transactionListenerOf('B', {})],
    });
    expect(everything.codes).toEqual(['ROCKETMQ_TRANSACTION_LISTENER_TWICE']);
  });

  it('refuses a transaction listener on the default producer group', async () => {
    const providers = [transactionListenerOf('Orders', { topic: 'orders' })];
    const error = await refusal({ providers }, { nameServers: 'localhost:9876' });
    expect(error.codes).toEqual(['ROCKETMQ_GROUP_MISSING']);
    expect(error.message).toContain("write producer: { group: 'orders' }");
  });

  it("tells a transaction listener in Spring's form which methods to rename", async () => {
    @RocketMQTransactionListener({ topic: 'orders' })
    class Orders {
      executeLocalTransaction(): void {}
      checkLocalTransaction(): void {}
    }
    const error = await refusal({ providers: [Orders] });
    expect(error.codes).toEqual(['ROCKETMQ_HANDLER_MISSING', 'ROCKETMQ_HANDLER_MISSING']);
    expect(error.message).toContain("rename 'executeLocalTransaction'");
  });

  it('refuses a class without onMessage', async () => {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    class Payments {}
    const error = await refusal({ providers: [Payments] });
    expect(error.codes).toEqual(['ROCKETMQ_HANDLER_MISSING']);
    expect(error.message).toContain("no method 'onMessage'");
  });

  it('refuses names that a broker would refuse, and ids given twice', async () => {
    const error = await refusal({
      providers: [
        listenerOf('A', { topic: 'or ders', group: 'g', id: 'same' }),
        listenerOf('B', { topic: 'orders', group: 'h', id: 'same' }),
      ],
    });
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_INVALID', 'ROCKETMQ_LISTENER_ID_TWICE']);
    expect(error.message).toContain('"or ders"');
  });

  it('refuses wrong values with the value and what it must be', async () => {
    const error = await refusal({
      providers: [
        listenerOf('Payments', {
          topic: 'orders',
          group: 'g',
          mode: 'ordered',
          concurrency: 0,
          consumeTimeout: 'soon',
          from: 'start',
          onInvalid: 'drop',
        }),
      ],
    });
    expect(error.codes).toEqual(Array.from({ length: 5 }, () => 'ROCKETMQ_OPTION_INVALID'));
    expect(error.message).toContain(`'mode' must be one of concurrent, orderly, but is "ordered"`);
    expect(error.message).toContain("'concurrency' must be between 1 and 1000, but is 0");
    expect(error.message).toContain(`'10s', '15m', but is "soon"`);
  });

  it.each([
    [{}, "RocketMQModule: 'nameServers' is missing"],
    [{ nameServers: '' }, "'nameServers' is empty"],
    [{ nameServers: 'localhost' }, "'localhost', which is not host:port"],
    [{ nameServer: 'a:1', nameServers: 'a:1' }, "'nameServer' is Java's name"],
    [
      { nameServers: 'a:1', producer: { sendMessageTimeout: 3 } },
      'write producer: { sendTimeout }',
    ],
    [{ nameServers: 'a:1', producer: { retries: -1 } }, "'retries' must be between 0 and 100"],
    [{ nameServers: 'a:1', delayLevels: '1s soon' }, "'delayLevels' must be times"],
    [{ nameServers: 'a:1', contentType: 'application/yaml' }, '\'contentType\' "application/yaml"'],
    [{ connections: { eu: { nameServers: 'eu' } } }, 'RocketMQModule connections.eu'],
    [
      { nameServers: 'a:1', consumer: { consumerGroup: 'g' } },
      "RocketMQModule consumer: 'consumerGroup'",
    ],
  ])('refuses the module options %j', async (options, told) => {
    const error = await refusal({}, options as never);
    expect(error.code).toBe('ROCKETMQ_SETUP_INVALID');
    expect(error.message).toContain(told);
  });

  it('refuses forRoot twice', async () => {
    const error = await refusal({ imports: [RocketMQModule.forRoot({ nameServers: 'b:1' })] });
    expect(error.codes).toEqual(['ROCKETMQ_MODULE_TWICE']);
  });

  it('reports everything that is wrong together', async () => {
    @RocketMQTransactionListener({ topic: 'orders', connection: 'nowhere' })
    class Orders {
      execute(): void {}
      check(): void {}
    }
    const providers = [
      listenerOf('Payments', { topic: 'orders', consumerGroup: 'g' }),
      listenerOf('Points', { group: 'points' }),
      Orders,
    ];
    const error = await refusal({ providers }, { nameServers: 'localhost', producer: {} });
    expect(new Set(error.codes)).toEqual(
      new Set([
        'ROCKETMQ_OPTION_INVALID',
        'ROCKETMQ_SPRING_NAME',
        'ROCKETMQ_GROUP_MISSING',
        'ROCKETMQ_TOPIC_MISSING',
        'ROCKETMQ_CONNECTION_UNKNOWN',
      ]),
    );
    expect(error.message).toMatch(/^5 things are wrong/);
  });

  it('opens nothing when something is wrong', async () => {
    const { FakeClients } = await import('./testing/fake-client.js');
    const clients = new FakeClients();
    const providers = [listenerOf('Payments', {})];
    await expect(startApplication({ providers }, testOptions, clients)).rejects.toThrow('wrong');
    expect(clients.journal.filter((event) => event.startsWith('start'))).toEqual([]);
  });
});

describe('discovery', () => {
  it('lets a class listen once although two modules provide it, and warns', async () => {
    const Payments = listenerOf('Payments', { topic: 'orders', group: 'g' });
    @Module({ providers: [Payments] })
    class A {}
    @Module({ providers: [Payments] })
    class B {}
    const { app, clients, logger } = await startApplication({ imports: [A, B] });
    expect(clients.consumers).toHaveLength(1);
    expect(logger.of('warn').join()).toContain('Payments is provided by several modules');
    await app.close();
  });

  it('warns of a subclass of a decorated class, which does not listen', async () => {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    class Base {
      onMessage(): void {}
    }
    @Injectable()
    class Special extends Base {}
    const { app, clients, logger } = await startApplication({ providers: [Special] });
    expect(clients.consumers).toHaveLength(0);
    expect(logger.of('warn').join()).toContain('Special extends a class with @RocketMQListener');
    await app.close();
  });

  it('finds inherited methods, several methods, and several decorators on one method', async () => {
    class Base {
      @RocketMQListener({ topic: 'orders', group: 'inherited' })
      inherited(): void {}
    }
    @Injectable()
    class Special extends Base {
      @RocketMQListener({ topic: 'orders', group: 'first' })
      @RocketMQListener({ topic: 'refunds', group: 'second' })
      own(): void {}
    }
    const { app, clients } = await startApplication({ providers: [Special] });
    const groups = clients.consumers.map((consumer) => consumer.options.group);
    expect(groups.toSorted()).toEqual(['first', 'inherited', 'second']);
    await app.close();
  });

  it('finds a provider that a factory makes', async () => {
    const Payments = listenerOf('Payments', { topic: 'orders', group: 'g' });
    const providers = [{ provide: 'PAYMENTS', useFactory: () => new Payments() }];
    const { app, clients } = await startApplication({ providers });
    expect(clients.consumers).toHaveLength(1);
    await app.close();
  });
});
