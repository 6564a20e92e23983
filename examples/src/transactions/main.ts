import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionChecker,
  type TransactionHandler,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
interface Order {
  readonly id: string;
  readonly total: number;
}

/** Stands for your database. */
@Injectable()
export class OrderTable {
  readonly rows = new Map<string, Order>();
}

@Injectable()
@RocketMQTransactionListener({ topic: 'orders' })
export class OrderTransactions implements TransactionHandler<Order> {
  constructor(private readonly table: OrderTable) {}

  /** The local transaction; runs when the message is stored and nobody can see it yet. */
  execute(order: Order): TransactionVerdict {
    if (order.total <= 0) return 'rollback';
    this.table.rows.set(order.id, order);
    // Whatever is not said here, because the process dies or the database does not answer, is asked
    // later. This order claims not to know.
    return order.id === 'o3' ? 'unknown' : 'commit';
  }

  /** The broker asks what became of it: answer from the database, never from memory. */
  check(order: Order): TransactionVerdict {
    lines.print(`the broker asks about ${order.id}`);
    return this.table.rows.has(order.id) ? 'commit' : 'unknown';
  }
}
// #endregion

// #region service
@Injectable()
export class Orders {
  constructor(private readonly template: RocketMQTemplate) {}

  async place(order: Order): Promise<void> {
    const { verdict } = await this.template.sendInTransaction('orders:placed', order);
    lines.print(`${order.id}: ${verdict}`);
  }
}
// #endregion

// #region inline
/** Who can answer the broker's question is enough: the work stands where the message is sent. */
@Injectable()
@RocketMQTransactionListener({ name: 'refunds' })
export class RefundChecker implements TransactionChecker<Order> {
  constructor(private readonly table: OrderTable) {}

  check(refund: Order): TransactionVerdict {
    return this.table.rows.has(refund.id) ? 'unknown' : 'commit';
  }
}

@Injectable()
export class Refunds {
  constructor(
    private readonly template: RocketMQTemplate,
    private readonly table: OrderTable,
  ) {}

  async refund(order: Order): Promise<void> {
    const { verdict } = await this.template.transaction(
      'refunds',
      order,
      () => {
        // Whatever it returns commits, but for 'rollback' and 'unknown'.
        this.table.rows.delete(order.id);
      },
      { listener: 'refunds' },
    );
    lines.print(`refund of ${order.id}: ${verdict}`);
  }
}
// #endregion

@Injectable()
class Payments {
  @RocketMQListener({ topic: 'refunds', group: 'bookkeeping', from: 'first' })
  onRefund(order: Order): void {
    lines.print(`${order.id} gets ${order.total} back`);
  }

  @RocketMQListener({ topic: 'orders', group: 'payments', from: 'first' })
  onOrder(order: Order): void {
    lines.print(`${order.id} wants to be paid`);
  }
}

const servers = await EmbeddedRocketMQ.start({
  // How soon and how often brokers ask; by default after six seconds and every thirty.
  broker: { transactionTimeOut: 200, transactionCheckInterval: 200 },
});

@Module({
  imports: [
    // Transactions need a producer group: any process of the group may be asked.
    RocketMQModule.forRoot({ nameServers: servers.nameServers, producer: { group: 'shop' } }),
  ],
  providers: [OrderTable, OrderTransactions, Orders, RefundChecker, Refunds, Payments],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
await app.get(Orders).place({ id: 'o1', total: 30 });
await app.get(Orders).place({ id: 'o2', total: 0 });
await app.get(Orders).place({ id: 'o3', total: 15 });
await app.get(Refunds).refund({ id: 'o1', total: 30 });
await lines.until(8);
await app.close();
await servers.close();

// Prints:
//   o1: commit
//   o2: rollback
//   o3: unknown
//   o1 wants to be paid
//   the broker asks about o3
//   o3 wants to be paid
//   refund of o1: commit
//   o1 gets 30 back
