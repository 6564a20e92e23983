import { Injectable, type Type } from '@nestjs/common';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  ConsumeResult,
  MessagePayload,
  RocketMQListener,
  RocketMQTransactionListener,
  type TransactionContext,
  type TransactionHandler,
} from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import { MemoryStorage, type MemoryTx } from '../testing/memory-storage.js';
import {
  startApplication,
  testOptions,
  type TestApplication,
} from '../testing/test-application.js';
import {
  Idempotent,
  IdempotencyService,
  MessageTransaction,
  OUTBOX_ID_PROPERTY,
  OutboxService,
  RocketMQConsistencyModule,
  TransactionFence,
  typeOrmStorage,
  type RocketMQConsistencyOptions,
} from './index.js';
import { RetentionSweeper } from './retention-sweeper.js';

interface Order {
  readonly id: string;
  readonly fails?: boolean;
  readonly later?: boolean;
}

@Injectable()
class Orders {
  calls = 0;

  @RocketMQListener({ topic: 'orders', group: 'points' })
  @Idempotent({ key: 'id' })
  async onOrder(@MessagePayload() order: Order, @MessageTransaction() tx: MemoryTx) {
    this.calls += 1;
    tx.effects.push(order.id);
    if (order.fails === true && this.calls === 1) throw new Error('not now');
    return order.later === true && this.calls === 1 ? ConsumeResult.retryLater() : undefined;
  }

  @RocketMQListener({ topic: 'events', group: 'events' })
  @Idempotent()
  async onEvent(@MessagePayload() order: Order, @MessageTransaction() tx: MemoryTx) {
    tx.effects.push(`event ${order.id}`);
  }
}

async function start(
  storage: MemoryStorage,
  providers: Type[] = [],
  options: Partial<RocketMQConsistencyOptions<MemoryTx>> = {},
): Promise<TestApplication & { clock: ManualClock }> {
  const clock = new ManualClock();
  const module = RocketMQConsistencyModule.forRoot({ storage, ...options });
  const root = { ...testOptions, clock };
  const started = await startApplication({ imports: [module], providers }, root, new FakeClients());
  return { ...started, clock };
}

const refused = (started: Promise<TestApplication>): Promise<string> =>
  started.then(
    () => 'started',
    (error: Error) => error.message,
  );

describe('a method under @Idempotent', () => {
  it('has its effect once, however often the message comes', async () => {
    const storage = new MemoryStorage();
    const { app, clients } = await start(storage, [Orders]);
    const consumer = clients.consumer('points');
    for (let time = 0; time < 3; time += 1) {
      const verdict = await consumer.deliverOne(storedMessage({ id: 'o1' }));
      expect(verdict.kind).toBe('success');
    }
    await consumer.deliverOne(storedMessage({ id: 'o2' }));
    expect(storage.state.effects).toEqual(['o1', 'o2']);
    expect(app.get(Orders).calls).toBe(2);
    await app.close();
  });

  it.each([{ fails: true }, { later: true }])('is undone and comes again: %j', async (how) => {
    const storage = new MemoryStorage();
    const { app, clients } = await start(storage, [Orders]);
    const message = storedMessage({ id: 'o1', ...how });
    expect((await clients.consumer('points').deliverOne(message)).kind).toBe('retry');
    expect(storage.state.effects).toEqual([]);
    expect((await clients.consumer('points').deliverOne(message)).kind).toBe('success');
    expect(storage.state.effects).toEqual(['o1']);
    await app.close();
  });

  it('succeeds when the commit was done and its answer lost', async () => {
    const storage = new MemoryStorage();
    const { app, clients } = await start(storage, [Orders]);
    const { transaction } = storage;
    storage.transaction = async (work) => {
      await transaction.call(storage, work);
      throw new Error('connection lost');
    };
    const message = storedMessage({ id: 'o1' });
    expect((await clients.consumer('points').deliverOne(message)).kind).toBe('retry');
    storage.transaction = transaction;
    expect((await clients.consumer('points').deliverOne(message)).kind).toBe('success');
    expect(storage.state.effects).toEqual(['o1']);
    await app.close();
  });

  it('takes the id of the outbox as key, or else the message id', async () => {
    const storage = new MemoryStorage();
    const { app, clients } = await start(storage, [Orders]);
    const again = { topic: 'events', properties: { [OUTBOX_ID_PROPERTY]: 'out-1' } };
    await clients.consumer('events').deliverOne(storedMessage({ id: 'a' }, again));
    await clients.consumer('events').deliverOne(storedMessage({ id: 'a' }, again));
    await clients.consumer('events').deliverOne(storedMessage({ id: 'b' }, { topic: 'events' }));
    expect([...storage.state.done.keys()]).toEqual(['events|out-1', 'events|UNIQUE']);
    await app.close();
  });

  it('sends a message whose key cannot be used to the dead letters, with the reason', async () => {
    const { app, clients, logger } = await start(new MemoryStorage(), [Orders]);
    const verdict = await clients.consumer('points').deliverOne(storedMessage({ id: '' }));
    expect(verdict.kind).toBe('dead-letter');
    expect(logger.lines.join('\n')).toContain('@Idempotent on Orders.onOrder: The key of an idem');
    await app.close();
  });
});

describe('IdempotencyService.once', () => {
  it('gives the first outcome to every later call', async () => {
    const { app } = await start(new MemoryStorage());
    const idempotency = app.get<IdempotencyService<MemoryTx>>(IdempotencyService);
    const first = await idempotency.once('pay-1', () => Promise.resolve({ cents: 5 }));
    const again = await idempotency.once({ key: 'pay-1' }, () => Promise.resolve({ cents: 9 }));
    expect(first).toEqual({ isFirst: true, outcome: { cents: 5 } });
    expect(again).toEqual({ isFirst: false, outcome: { cents: 5 } });
    const elsewhere = { key: 'pay-1', scope: 'refunds' };
    expect(await idempotency.once(elsewhere, async () => {})).toMatchObject({ isFirst: true });
    await expect(idempotency.once('x'.repeat(256), async () => {})).rejects.toMatchObject({
      code: 'ROCKETMQ_CONSISTENCY_KEY',
    });
    await app.close();
  });
});

describe('the fence', () => {
  const context = (transactionId: string, ageMs = 0): TransactionContext =>
    ({ transactionId, message: { bornTimestamp: -ageMs } }) as unknown as TransactionContext;

  it('gives the verdict of a local transaction, and the same one to a check-back', async () => {
    const { app } = await start(new MemoryStorage());
    const fence = app.get<TransactionFence<MemoryTx>>(TransactionFence);
    expect(await fence.execute('t1', async () => {})).toBe('commit');
    expect(await fence.check(context('t1'))).toBe('commit');
    const errors: unknown[] = [];
    const failing = () => Promise.reject(new Error('out of stock'));
    const onError = (error: unknown) => void errors.push(error);
    expect(await fence.execute('t2', failing, { onError })).toBe('rollback');
    expect(errors).toEqual([new Error('out of stock')]);
    expect(await fence.check(context('t2'))).toBe('rollback');
    await app.close();
  });

  it('waits for the deadline, and then rules the local transaction out', async () => {
    const { app } = await start(new MemoryStorage(), [], { localDeadline: '1m' });
    const fence = app.get<TransactionFence<MemoryTx>>(TransactionFence);
    const check = fence.checker();
    expect(await check({}, context('t1', 59_999))).toBe('unknown');
    expect(await check({}, context('t1', 60_000))).toBe('rollback');
    expect(await fence.execute('t1', async () => {}, { onError: () => {} })).toBe('rollback');
    await app.close();
  });

  it('commits when the database did, though its answer was lost', async () => {
    const storage = new MemoryStorage();
    const { app } = await start(storage);
    const fence = app.get<TransactionFence<MemoryTx>>(TransactionFence);
    const { transaction } = storage;
    storage.transaction = async (work) => {
      await transaction.call(storage, work);
      throw new Error('connection lost');
    };
    expect(await fence.execute('t1', async () => {})).toBe('commit');
    storage.onCall = () => {
      throw new Error('database down');
    };
    await expect(fence.execute('t2', async () => {})).rejects.toThrow('database down');
    await app.close();
  });
});

describe('the module', () => {
  it('needs the tables, and makes them when told to', async () => {
    const storage = new MemoryStorage();
    storage.tablesVersion = 0;
    expect(await refused(start(storage))).toContain(
      'The tables of the consistency toolkit are not',
    );
    const { app } = await start(storage, [], { migrate: true });
    await app.close();
  });

  it('tells everything that is wrong with its options at once', async () => {
    const message = await refused(
      start(new MemoryStorage(), [], {
        localDeadline: 'soon',
        outbox: { polInterval: 5, lease: '4s' } as never,
        retention: { limit: 0 },
      }),
    );
    expect(message).toContain("'localDeadline' must be milliseconds or a text");
    expect(message).toContain("'polInterval' is not a known option; did you mean 'pollInterval'?");
    expect(message).toContain("'limit' must be between 1 and 100000");
  });

  it('refuses a lease that a send could outlast, and a database of another kind', async () => {
    const outbox = { lease: '4s', sendTimeout: '3s' };
    const message = await refused(start(new MemoryStorage(), [], { outbox }));
    expect(message).toContain("'lease' (4000 ms) must be at least twice 'sendTimeout' (3000 ms)");
    const mysql = { options: { type: 'mysql' } } as never;
    expect(() => typeOrmStorage(mysql)).toThrow("the DataSource is of type 'mysql'");
  });

  it('refuses @Idempotent on a batch listener', async () => {
    class Batches {
      @RocketMQListener({ topic: 'orders', group: 'batches', batch: 5 })
      @Idempotent()
      onOrders(): void {}
    }
    const message = await refused(start(new MemoryStorage(), [Batches]));
    expect(message).toContain('@Idempotent on Batches.onOrders: a batch listener handles many');
  });

  it('says what is missing when @Idempotent is used without it', async () => {
    const clients = new FakeClients();
    const { app, logger } = await startApplication({ providers: [Orders] }, testOptions, clients);
    await clients.consumer('points').deliverOne(storedMessage({ id: 'o1' }));
    expect(logger.lines.join('\n')).toContain(
      '@Idempotent on Orders.onOrder has no storage; import RocketMQConsistencyModule.forRoot(...)',
    );
    await app.close();
  });

  it('removes old rows in bounded statements, and stops when the application closes', async () => {
    const storage = new MemoryStorage();
    const retention = { interval: '1h', limit: 2 };
    const { app, clock } = await start(storage, [], { retention, outbox: { relay: false } });
    for (const key of ['a', 'b', 'c']) {
      await app.get(IdempotencyService).once(key, async () => {});
    }
    await clock.advance(3_600_000);
    expect(storage.state.done.size).toBe(0);
    expect(storage.removedLimits).toEqual([2, 2]);
    expect(await app.get(RetentionSweeper, { strict: false }).sweep()).toBe(0);
    await app.close();
    expect(clock.waiting).toBe(0);
  });
});

describe('a transaction listener with the fence', () => {
  @Injectable()
  @RocketMQTransactionListener({ topic: 'orders' })
  class Placing implements TransactionHandler<Order> {
    constructor(
      private readonly fence: TransactionFence<MemoryTx>,
      private readonly outbox: OutboxService<MemoryTx>,
    ) {}

    execute(order: Order, _: unknown, context: TransactionContext) {
      return this.fence.execute(context, async (tx) => {
        tx.effects.push(order.id);
        await this.outbox.add(tx, 'mails:welcome', order);
      });
    }

    check(_: Order, context: TransactionContext) {
      return this.fence.check(context);
    }
  }

  it('commits the row, the effect and the outbox together', async () => {
    const storage = new MemoryStorage();
    const { app, clients } = await start(storage, [Placing], { outbox: { relay: false } });
    const [producer] = clients.producers;
    const body = new TextEncoder().encode('{"id":"o1"}');
    const message = { topic: 'orders', body, properties: { contentType: 'application/json' } };
    const arg = { payload: { id: 'o1' }, arg: undefined };
    expect(await producer?.transactions.execute(message, arg, 'T1')).toBe('COMMIT');
    expect(storage.state.effects).toEqual(['o1']);
    expect([...storage.state.fence]).toEqual([['T1', 'DONE']]);
    expect(storage.state.outbox).toMatchObject([{ destination: 'mails:welcome' }]);
    await app.close();
  });
});
