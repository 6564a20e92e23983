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

class OrderPlaced {
  id!: string;
  total!: number;
}

@Injectable()
export class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments', tags: 'placed' })
  async onOrderPlaced(
    @MessagePayload() order: OrderPlaced,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    console.log(`order ${order.id} of ${order.total}, try ${context.reconsumeTimes + 1}`);
  }
}

// A nameserver and a broker inside this process. When you have a cluster, leave this line out and
// write the addresses of its name servers below: 'host1:9876;host2:9876'.
const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      producer: { group: 'orders' },
    }),
  ],
  providers: [Payments],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule);
app.enableShutdownHooks();
await app.get(RocketMQTemplate).send('orders:placed', { id: 'o1', total: 30 });
