import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  MessageContext,
  MessagePayload,
  RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
@Injectable()
export class OrderEvents {
  // Orderly: the events of one order in their order, different orders side by side.
  @RocketMQListener({ topic: 'order-events', group: 'projection', mode: 'orderly' })
  async onEvent(
    @MessagePayload() event: { step: string },
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    lines.print(`${context.property('order')}: ${event.step}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({ nameServers: servers.nameServers, consumer: { from: 'first' } }),
  ],
  providers: [OrderEvents],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);

// #region send
for (const step of ['placed', 'paid', 'shipped']) {
  // With Kafka: emit('order-events', { key: 'o1', value: { step }, headers: { order: 'o1' } })
  await template.send('order-events', { step }, { hashKey: 'o1', properties: { order: 'o1' } });
}
// #endregion

await lines.until(3);
await app.close();
await servers.close();

// Prints:
//   o1: placed
//   o1: paid
//   o1: shipped
