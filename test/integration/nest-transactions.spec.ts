import { Injectable } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  MessagePayload,
  RocketMQListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionContext,
  type TransactionHandler,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import { eventually } from '../support/eventually.js';
import { Inbox } from '../support/inbox.js';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

interface Order {
  readonly id: string;
}
type Asked = readonly [
  application: string,
  order: string,
  txKey: string | undefined,
  times: number,
];

/** Stands for the database that both applications share. */
const rows = new Map<string, TransactionVerdict>();
const checks = new Inbox<Asked>();
const delivered = new Inbox<Order>();

class Orders implements TransactionHandler<Order, TransactionVerdict> {
  readonly name: string = 'first';

  execute({ id }: Order, verdict: TransactionVerdict): TransactionVerdict {
    if (id.startsWith('throws')) throw new Error('database gone');
    return verdict;
  }

  check({ id }: Order, context: TransactionContext): TransactionVerdict {
    checks.put([this.name, id, context.properties['txKey'], context.checkTimes]);
    return rows.get(id) ?? 'unknown';
  }
}

@Injectable()
@RocketMQTransactionListener({ topic: 'orders' })
class FirstOrders extends Orders {}

@Injectable()
@RocketMQTransactionListener()
class SecondOrders extends Orders {
  override readonly name = 'second';
}

@Injectable()
class Listener {
  @RocketMQListener({ topic: 'orders', group: 'listener' })
  onOrder(@MessagePayload() order: Order): void {
    delivered.put(order);
  }
}

describe('transactional messages of a Nest application', () => {
  let embedded: EmbeddedRocketMQ;

  beforeAll(async () => {
    embedded = await startEmbedded(['orders']);
  });

  afterAll(() => embedded?.close());

  it('are delivered on commit, dropped on rollback, and asked about otherwise', async () => {
    const app = await startNest(embedded, { providers: [FirstOrders, Listener] });
    try {
      const template = app.get(RocketMQTemplate);
      const send = (id: string, verdict: TransactionVerdict) =>
        template.sendInTransaction('orders:placed', { id }, verdict, {
          properties: { txKey: `tx-${id}` },
        });
      rows.set('unknown', 'commit').set('throws', 'commit').set('lost', 'rollback');
      expect(await send('rolled back', 'rollback')).toMatchObject({ verdict: 'rollback' });
      expect(await send('committed', 'commit')).toMatchObject({ verdict: 'commit' });
      expect(await delivered.next()).toEqual({ id: 'committed' });
      const results = await Promise.all([
        send('unknown', 'unknown'),
        send('throws', 'commit'),
        send('lost', 'unknown'),
      ]);
      expect(results.map(({ verdict }) => verdict)).toEqual(['unknown', 'unknown', 'unknown']);
      expect(results[1]?.error).toMatchObject({ message: 'database gone' });
      // Each is asked about until its answer has arrived: once, or more often on a slow machine.
      const undecided = ['lost', 'throws', 'unknown'];
      await eventually('checks of all three', 60_000, () => {
        const asked = new Set(checks.all.map(([, id]) => id));
        return undecided.every((id) => asked.has(id)) || undefined;
      });
      for (const [, id, txKey] of checks.all) expect(txKey).toBe(`tx-${id}`);
      const ids = (await delivered.take(2)).map(({ id }) => id);
      expect(ids.toSorted()).toEqual(['throws', 'unknown']);
    } finally {
      await app.close();
    }
  });

  it('are asked of another application of the group when the sender is gone', async () => {
    const sender = await startNest(embedded, { providers: [FirstOrders] });
    const template = sender.get(RocketMQTemplate);
    await template.sendInTransaction('orders', { id: 'orphan' }, 'unknown');
    await sender.close();
    rows.set('orphan', 'commit');
    const other = await startNest(embedded, { providers: [SecondOrders, Listener] });
    try {
      expect(await delivered.next()).toEqual({ id: 'orphan' });
      const last = checks.all.at(-1);
      expect(last?.slice(0, 2)).toEqual(['second', 'orphan']);
    } finally {
      await other.close();
    }
  });
});
