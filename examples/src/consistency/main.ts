import 'reflect-metadata';
import { Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  MessagePayload,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionContext,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import {
  Idempotent,
  MessageTransaction,
  OutboxService,
  pgStorage,
  RocketMQConsistencyModule,
  TransactionFence,
} from 'nestjs-rocketmq/consistency';
import { Lines } from '../lines.js';
import { EmbeddedPool, type Client } from './pool.js';

const lines = new Lines();

// #region database
@Injectable()
export class Database implements OnModuleInit, OnApplicationShutdown {
  // Of the package pg: new Pool({ connectionString: process.env.DATABASE_URL })
  readonly pool = new EmbeddedPool();

  async onModuleInit(): Promise<void> {
    const client = await this.pool.connect();
    await client.query('CREATE TABLE IF NOT EXISTS points ("user" text, points int)');
    await client.query('CREATE TABLE IF NOT EXISTS payments ("order" text)');
    client.release();
  }

  /** Handlers and the relay of the outbox have ended by now. */
  onApplicationShutdown(): Promise<void> {
    return this.pool.end();
  }
}

@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {}
// #endregion

// #region idempotent
interface OrderPaid {
  readonly orderId: string;
  readonly userId: string;
  readonly points: number;
}

@Injectable()
export class Points {
  constructor(private readonly outbox: OutboxService<Client>) {}

  @RocketMQListener({ topic: 'orders', tags: 'paid', group: 'points', from: 'first' })
  @Idempotent({ key: 'orderId' })
  async onPaid(
    @MessagePayload() order: OrderPaid,
    @MessageTransaction() tx: Client,
  ): Promise<void> {
    await tx.query('INSERT INTO points VALUES ($1, $2)', [order.userId, order.points]);
    // A message that this change owes to the world: written with it, sent afterwards.
    await this.outbox.add(tx, 'points:given', order, { orderKey: order.userId });
    lines.print(`${order.points} points for ${order.userId}`);
  }
}
// #endregion

// #region fence
@Injectable()
@RocketMQTransactionListener({ topic: 'orders' })
export class Payments {
  constructor(private readonly fence: TransactionFence<Client>) {}

  /** The payment, and the row that says so, in one database transaction. */
  execute(order: OrderPaid, _: unknown, context: TransactionContext): Promise<TransactionVerdict> {
    return this.fence.execute(context, async (tx) => {
      await tx.query('INSERT INTO payments VALUES ($1)', [order.orderId]);
    });
  }

  /** Right however early it comes: who is asked before the row is there waits, or rules it out. */
  check(_: OrderPaid, context: TransactionContext): Promise<TransactionVerdict> {
    return this.fence.check(context);
  }
}
// #endregion

// #region letters
@Injectable()
class Letters {
  @RocketMQListener({ topic: 'points', group: 'letters', from: 'first' })
  onGiven(order: OrderPaid): void {
    lines.print(`a letter to ${order.userId}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

// #region module
@Module({
  imports: [
    RocketMQModule.forRoot({ nameServers: servers.nameServers, producer: { group: 'shop' } }),
    RocketMQConsistencyModule.forRootAsync({
      imports: [DatabaseModule],
      inject: [Database],
      useFactory: ({ pool }: Database) => ({
        storage: pgStorage<Client>(pool), // or typeOrmStorage(dataSource)
        migrate: true,
      }),
    }),
  ],
  providers: [Points, Payments, Letters],
})
export class AppModule {}
// #endregion

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const template = app.get(RocketMQTemplate);
// #region send
const order = { orderId: 'o1', userId: 'ada', points: 30 };
const { verdict } = await template.sendInTransaction('orders:paid', order);
lines.print(`paid: ${verdict}`);
// #endregion
// The same once more, as after a time-out whose message had arrived all the same.
await template.send('orders:paid', order);
await lines.until(3);
const reader = await app.get(Database, { strict: false }).pool.connect();
const { rows } = await reader.query('SELECT points FROM points');
lines.print(`rows: ${JSON.stringify(rows)}`);
reader.release();
await app.close();
await servers.close();

// Prints:
//   paid: commit
//   30 points for ada
//   a letter to ada
//   rows: [{"points":30}]
