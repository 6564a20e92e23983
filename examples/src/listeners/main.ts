import 'reflect-metadata';
import { Injectable, Module, ValidationPipe } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_PIPE, NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { IsInt, IsString } from 'class-validator';
import {
  MessageContext,
  MessageKeys,
  MessagePayload,
  MessageProperty,
  RocketMQContext,
  RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { z } from 'zod';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region payload
export class OrderPlaced {
  @IsString()
  id!: string;

  @IsInt()
  total!: number;
}
// #endregion

// #region methods
@Injectable()
export class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments', tags: 'placed || changed' })
  async onOrder(
    @MessagePayload() order: OrderPlaced,
    @MessageKeys() keys: readonly string[],
    @MessageProperty('region') region: string | undefined,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    lines.print(`${context.tag} ${order.id} with key ${keys.join()} from ${region}`);
  }

  @RocketMQListener({ topic: ['refunds', 'vouchers'], group: 'bookkeeping' })
  async onMoneyBack(payload: { id: string }, context: RocketMQContext): Promise<void> {
    lines.print(`${context.topic}: ${payload.id}`);
  }
}
// #endregion

// #region class-form
@Injectable()
@RocketMQListener({ topic: 'orders', group: 'points', tags: 'placed', payloadType: OrderPlaced })
export class Points {
  onMessage(order: OrderPlaced): void {
    lines.print(`${order.total} points for ${order.id}`);
  }
}
// #endregion

// #region schema
const gift = z.object({ id: z.string(), amount: z.coerce.number().positive() });

@Injectable()
export class Gifts {
  @RocketMQListener({ topic: 'gifts', group: 'gifts', schema: gift })
  onGift({ id, amount }: z.infer<typeof gift>): void {
    lines.print(`gift ${id} of ${amount.toFixed(2)}`);
  }
}
// #endregion

// #region batch
@Injectable()
export class Audit {
  @RocketMQListener({ topic: 'audit', group: 'audit', batch: 32, concurrency: 1 })
  async onEntries(
    @MessagePayload() entries: { id: string }[],
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    for (const [index, entry] of entries.entries()) {
      lines.print(`audited ${entry.id}`);
      // What fails from here on does not bring this one back.
      context.acknowledge(index + 1);
    }
  }
}
// #endregion

// #region placeholders
@Injectable()
export class Mails {
  @RocketMQListener({
    topic: '${mails.topic:mails}',
    group: (values) => `mails-${String(values.get('region'))}`,
    concurrency: 4,
  })
  onMail(mail: { to: string }, context: RocketMQContext): void {
    lines.print(`mail to ${mail.to} by ${context.listener.group}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

// #region module
@Module({
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ region: 'eu' })] }),
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      // Defaults for every listener of this connection.
      consumer: { from: 'first', concurrency: 8 },
    }),
  ],
  providers: [
    Payments,
    Points,
    Gifts,
    Audit,
    Mails,
    { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) },
  ],
})
export class AppModule {}
// #endregion

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const template = app.get(RocketMQTemplate);
const options = { keys: 'o1', properties: { region: 'eu' } };
await template.send('orders:placed', { id: 'o1', total: 30 }, options);
await template.send('refunds', { id: 'r1' });
await template.send('vouchers', { id: 'v1' });
await template.sendBatch('audit', [{ id: 'a1' }, { id: 'a2' }]);
await template.send('gifts', { id: 'g1', amount: '20' });
await template.send('mails', { to: 'ada' });
await lines.until(8);

// #region registry
const registry = app.get(RocketMQListenerRegistry);
const payments = registry.get('Payments.onOrder');
payments.pause();
lines.print(`${payments.id} of group ${payments.group} is ${payments.state}`);
payments.resume();
// #endregion

await app.close();
await servers.close();

// Prints:
//   placed o1 with key o1 from eu
//   30 points for o1
//   refunds: r1
//   vouchers: v1
//   gift g1 of 20.00
//   audited a1
//   audited a2
//   mail to ada by mails-eu
//   Payments.onOrder of group payments is paused
