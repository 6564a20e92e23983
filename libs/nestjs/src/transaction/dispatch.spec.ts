import { Injectable } from '@nestjs/common';
import {
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionChecker,
  type TransactionContext,
  type TransactionHandler,
  type TransactionVerdict,
} from '../index.js';
import { storedMessage, type FakeProducer } from '../testing/fake-client.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

interface Order {
  readonly id: string;
}

@RocketMQTransactionListener({ topic: 'orders' })
@Injectable()
class OrderChecker implements TransactionChecker<Order> {
  check({ id }: Order): TransactionVerdict {
    return id === 'known' ? 'commit' : 'unknown';
  }
}

@RocketMQTransactionListener({ name: 'refund' })
@Injectable()
class Refunds implements TransactionHandler<Order, string> {
  readonly asked: unknown[] = [];

  execute(order: Order, arg: string): TransactionVerdict {
    this.asked.push(['execute', order.id, arg]);
    return 'commit';
  }

  check(order: Order, { topic }: TransactionContext): TransactionVerdict {
    this.asked.push(['check', order.id, topic]);
    return 'rollback';
  }
}

type Provider = typeof OrderChecker | typeof Refunds;

async function start(providers: Provider[] = [OrderChecker, Refunds]) {
  const { app, clients, logger } = await startApplication({ providers });
  const producer = clients.producers[0] as FakeProducer;
  return { app, logger, producer, template: app.get(RocketMQTemplate) };
}

describe('an inline transaction', () => {
  it.each<[unknown, TransactionVerdict]>([
    [undefined, 'commit'],
    [{ rows: 1 }, 'commit'],
    ['commit', 'commit'],
    ['rollback', 'rollback'],
    ['unknown', 'unknown'],
  ])('that returns %j ends with %s', async (returned, verdict) => {
    const { app, template } = await start();
    const seen: TransactionContext[] = [];
    const result = await template.transaction('orders:placed', { id: 'o1' }, async (tx) => {
      seen.push(tx);
      return returned;
    });
    expect(result).toMatchObject({ verdict, executed: true, transactionId: 'M0' });
    expect(seen).toMatchObject([{ topic: 'orders', tag: 'placed', transactionId: 'M0' }]);
    await app.close();
  });

  it('that throws rejects with the error and leaves the answer to check', async () => {
    const { app, template, logger, producer } = await start();
    const failure = new Error('stock is locked');
    const verdicts: string[] = [];
    const execute = producer.transactions.execute.bind(producer.transactions);
    producer.transactions.execute = async (...args) => {
      const verdict = await execute(...args);
      verdicts.push(verdict);
      return verdict;
    };
    const sending = template.transaction('orders', { id: 'o1' }, () => Promise.reject(failure));
    await expect(sending).rejects.toBe(failure);
    expect(verdicts).toEqual(['UNKNOWN']);
    expect(logger.of('error')).toEqual([]);
    const half = storedMessage({ id: 'known' }, { properties: { REAL_TOPIC: 'orders' } });
    expect(await producer.transactions.check(half)).toBe('COMMIT');
    await app.close();
  });

  it('is not run when the half message is not safely stored', async () => {
    const { app, template, producer } = await start();
    producer.status = 'FLUSH_DISK_TIMEOUT';
    let runs = 0;
    const sending = template.transaction('orders', { id: 'o1' }, () => (runs += 1));
    await expect(sending).rejects.toMatchObject({
      code: 'ROCKETMQ_TRANSACTION_NOT_STORED',
      message: expect.stringContaining('FLUSH_DISK_TIMEOUT'),
    });
    expect(runs).toBe(0);
    const declared = await template.sendInTransaction('orders', { id: 'o1' }, 'arg', {
      listener: 'refund',
    });
    expect(declared).toMatchObject({ executed: false, verdict: 'rollback' });
    expect(app.get(Refunds).asked).toEqual([]);
    await app.close();
  });

  it('without anybody who could answer a check is refused before anything is sent', async () => {
    const { app, template, producer } = await start();
    const local = (): void => undefined;
    const code = 'ROCKETMQ_TRANSACTION_LISTENER_MISSING';
    await expect(template.transaction('refunds', { id: 'r' }, local)).rejects.toMatchObject({
      code,
    });
    const named = template.transaction('orders', { id: 'r' }, local, { listener: 'refnd' });
    await expect(named).rejects.toThrow("Nothing answers to the name 'refnd' (names are refund)");
    const declared = template.sendInTransaction('orders', { id: 'o1' });
    await expect(declared).rejects.toMatchObject({
      code,
      message: expect.stringContaining(
        "OrderChecker answers for topic 'orders', but has no method",
      ),
    });
    await expect(template.transaction('orders', {}, 'commit' as never)).rejects.toThrow(
      'must be a function',
    );
    expect(producer.sent).toEqual([]);
    await app.close();
  });
});

describe('a named transaction listener', () => {
  it('executes what names it, and is asked about it, whatever the topic', async () => {
    const { app, template, producer } = await start();
    const options = { listener: 'refund', properties: { region: 'eu' } };
    await template.sendInTransaction('orders', { id: 'o1' }, 'arg', options);
    expect(producer.sent[0]?.properties).toMatchObject({
      transactionListener: 'refund',
      region: 'eu',
    });
    const properties = { REAL_TOPIC: 'orders', transactionListener: 'refund' };
    const half = storedMessage({ id: 'o1' }, { properties });
    expect(await producer.transactions.check(half)).toBe('ROLLBACK');
    expect(app.get(Refunds).asked).toEqual([
      ['execute', 'o1', 'arg'],
      ['check', 'o1', 'orders'],
    ]);
    await app.close();
  });

  it('does not answer for topics that it does not name', async () => {
    const { app, template } = await start([Refunds]);
    await expect(template.sendInTransaction('orders', { id: 'o1' })).rejects.toMatchObject({
      code: 'ROCKETMQ_TRANSACTION_LISTENER_MISSING',
    });
    await app.close();
  });

  it('must be the only one of its name, and the name a text', async () => {
    @RocketMQTransactionListener({ name: 'refund' })
    class Again extends Refunds {}
    const twice = await refusal({ providers: [Refunds, Again] });
    expect(twice.codes).toEqual(['ROCKETMQ_TRANSACTION_LISTENER_TWICE']);
    expect(twice.message).toContain("both have the name 'refund'");
    @RocketMQTransactionListener({ name: 7 as never })
    class Odd extends OrderChecker {}
    const odd = await refusal({ providers: [Odd] });
    expect(odd.codes).toContain('ROCKETMQ_OPTION_INVALID');
  });
});

describe('topics of transactions', () => {
  const producer = { group: 'orders-service', transactionTopics: ['orders', 'refunds'] };

  it('without a listener for each keep the application from starting', async () => {
    const error = await refusal({ providers: [OrderChecker] }, { ...testOptions, producer });
    expect(error.codes).toEqual(['ROCKETMQ_TRANSACTION_LISTENER_MISSING']);
    expect(error.message).toContain("has 'refunds', but nothing answers for it");
  });

  it('with listeners for all let it start', async () => {
    @RocketMQTransactionListener()
    class Every extends OrderChecker {}
    const options = { ...testOptions, producer };
    const { app } = await startApplication({ providers: [OrderChecker, Every] }, options);
    await app.close();
  });
});
