import { Injectable } from '@nestjs/common';
import {
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionContext,
  type TransactionHandler,
  type TransactionVerdict,
} from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication } from '../testing/test-application.js';

interface Order {
  readonly id: string;
}

/** Answers what a spec wants and notes what it was asked. */
abstract class Scripted implements TransactionHandler<Order, number> {
  answer: () => unknown = () => 'commit';
  readonly asked: unknown[] = [];

  async execute(order: Order, arg: number, context: TransactionContext) {
    this.asked.push(['execute', order, arg, context]);
    return (await this.answer()) as TransactionVerdict;
  }

  async check(order: Order, context: TransactionContext) {
    this.asked.push(['check', order, context]);
    return (await this.answer()) as TransactionVerdict;
  }
}

@RocketMQTransactionListener({ topic: 'orders' })
@Injectable()
class Orders extends Scripted {}

@RocketMQTransactionListener()
@Injectable()
class Others extends Scripted {}

async function start(providers: (typeof Orders | typeof Others)[] = [Orders]) {
  const started = await startApplication({ providers });
  return { ...started, template: started.app.get(RocketMQTemplate) };
}

describe('a transactional send', () => {
  it.each(['commit', 'rollback', 'unknown'] as const)(
    'ends as execute says: %s',
    async (verdict) => {
      const { app, template } = await start();
      const orders = app.get(Orders);
      orders.answer = () => verdict;
      const result = await template.sendInTransaction('orders:placed', { id: 'o1' }, 42, {
        keys: 'k1 k2',
        properties: { txKey: 't1' },
      });
      expect(result).toMatchObject({ status: 'SEND_OK', verdict, transactionId: 'M0' });
      expect(orders.asked).toMatchObject([
        [
          'execute',
          { id: 'o1' },
          42,
          {
            topic: 'orders',
            tag: 'placed',
            keys: ['k1', 'k2'],
            properties: { txKey: 't1' },
            transactionId: 'M0',
            checkTimes: 0,
          },
        ],
      ]);
      await app.close();
    },
  );

  it('is unknown when execute throws; the caller gets the error, the log too', async () => {
    const { app, template, logger } = await start();
    const failure = new Error('stock is locked');
    app.get(Orders).answer = () => {
      throw failure;
    };
    const result = await template.sendMessageInTransaction('orders', { id: 'o1' });
    expect(result).toMatchObject({ verdict: 'unknown', error: failure });
    expect(logger.of('error').join()).toContain('Orders.execute failed for M0 of topic orders');
    await app.close();
  });

  it('is unknown when execute forgets to answer', async () => {
    const { app, template, logger } = await start();
    app.get(Orders).answer = () => undefined;
    const result = await template.sendInTransaction('orders', { id: 'o1' }, 1);
    expect(result.verdict).toBe('unknown');
    expect(logger.of('error').join()).toContain("instead of 'commit', 'rollback' or 'unknown'");
    await app.close();
  });

  it('goes to the listener of its topic, else to the one without topic', async () => {
    const { app, template } = await start([Orders, Others]);
    await template.sendInTransaction('orders', { id: 'o1' }, 1);
    await template.sendInTransaction('refunds', { id: 'r1' }, 2);
    expect(app.get(Orders).asked).toMatchObject([['execute', { id: 'o1' }, 1, {}]]);
    expect(app.get(Others).asked).toMatchObject([['execute', { id: 'r1' }, 2, {}]]);
    await app.close();
  });

  it('is refused before anything is sent when nobody answers for the topic', async () => {
    const { app, template, clients } = await start();
    const sending = template.sendInTransaction('refunds', { id: 'r1' });
    await expect(sending).rejects.toMatchObject({ code: 'ROCKETMQ_TRANSACTION_LISTENER_MISSING' });
    await expect(sending).rejects.toThrow("@RocketMQTransactionListener({ topic: 'refunds' })");
    expect(clients.sent).toEqual([]);
    await app.close();
  });
});

describe('a check-back', () => {
  const half = storedMessage(
    { id: 'o1' },
    {
      topic: 'RMQ_SYS_TRANS_HALF_TOPIC',
      tags: 'placed',
      properties: {
        REAL_TOPIC: 'orders',
        txKey: 't1',
        __transactionId__: 'TX',
        TRANSACTION_CHECK_TIMES: '2',
      },
    },
  );

  it.each([
    ['commit', 'COMMIT'],
    ['rollback', 'ROLLBACK'],
    ['unknown', 'UNKNOWN'],
    [undefined, 'UNKNOWN'],
  ])('is answered by check of the real topic: %s', async (answer, verdict) => {
    const { app, clients } = await start();
    const orders = app.get(Orders);
    orders.answer = () => answer;
    expect(await clients.producers[0]?.transactions.check(half)).toBe(verdict);
    expect(orders.asked).toMatchObject([
      [
        'check',
        { id: 'o1' },
        { topic: 'orders', tag: 'placed', transactionId: 'TX', checkTimes: 2 },
      ],
    ]);
    await app.close();
  });

  it('is unknown when check throws, when the body cannot be read, and when nobody answers', async () => {
    const { app, clients, logger } = await start();
    const { transactions } = clients.producers[0] ?? {};
    app.get(Orders).answer = () => {
      throw new Error('database gone');
    };
    expect(await transactions?.check(half)).toBe('UNKNOWN');
    expect(await transactions?.check(storedMessage('no json'))).toBe('UNKNOWN');
    expect(await transactions?.check(storedMessage({}, { topic: 'refunds' }))).toBe('UNKNOWN');
    expect(logger.of('error')).toHaveLength(3);
    await app.close();
  });
});
