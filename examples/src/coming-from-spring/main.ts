import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQListener, RocketMQModule, RocketMQTemplate } from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
interface Order {
  readonly id: string;
}

@Injectable()
@RocketMQListener({ topic: 'orders', group: 'payments', tags: 'placed' })
export class Payments {
  onMessage(order: Order): void {
    lines.print(`paid: ${order.id}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({ nameServers: servers.nameServers, consumer: { from: 'first' } }),
  ],
  providers: [Payments],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);

// #region send
const { status } = await template.syncSend('orders:placed', { id: 'o1' });
await template.syncSendOrderly('orders:placed', { id: 'o2' }, 'ada');
await template.convertAndSend('orders:placed', { id: 'o3' }, { keys: 'o3' });
lines.print(status);
// #endregion

await lines.until(4);
await app.close();
await servers.close();

// Prints:
//   SEND_OK
//   paid: o1
//   paid: o2
//   paid: o3
