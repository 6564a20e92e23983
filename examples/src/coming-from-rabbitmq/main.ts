import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  ConsumeResult,
  MessagePayload,
  MessageProperty,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
@Injectable()
export class Invoices {
  @RocketMQListener({ topic: 'orders', tags: 'placed || changed', group: 'invoices' })
  async onOrder(
    @MessagePayload('id') id: string,
    @MessageProperty('tenant') tenant: string,
  ): Promise<ConsumeResult | void> {
    if (tenant === 'unknown') return ConsumeResult.deadLetter(`no tenant for ${id}`);
    lines.print(`invoice for ${id} of ${tenant}`);
  }

  // A second queue on the same exchange is a second group.
  @RocketMQListener({ topic: 'orders', group: 'audit' })
  onAny(@MessagePayload() order: { id: string }): void {
    lines.print(`audited ${order.id}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({ nameServers: servers.nameServers, consumer: { from: 'first' } }),
  ],
  providers: [Invoices],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);

// #region send
await template.send('orders:placed', { id: 'o1' }, { properties: { tenant: 'ada' } });
await template.send('orders:cancelled', { id: 'o2' });
// #endregion

await lines.until(3);
await app.close();
await servers.close();

// Prints:
//   invoice for o1 of ada
//   audited o1
//   audited o2
