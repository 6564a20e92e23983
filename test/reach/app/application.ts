/** The application that `npm run test:reach` puts into empty projects: as ES module and as CommonJS. */
import 'reflect-metadata';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  ConsumeResult,
  MessageContext,
  MessageKeys,
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
class Payments {
  private handled: (text: string) => void = () => undefined;
  readonly first = new Promise<string>((resolve) => {
    this.handled = resolve;
  });

  @RocketMQListener({ topic: 'orders', group: 'payments', tags: 'placed', from: 'first' })
  async onOrderPlaced(
    @MessagePayload() order: OrderPlaced,
    @MessageKeys() keys: readonly string[],
    @MessageContext() context: RocketMQContext,
  ): Promise<ConsumeResult> {
    this.handled(`${order.id} of ${order.total} with key ${keys.join()} from ${context.topic}`);
    return ConsumeResult.success();
  }
}

@Injectable()
class Orders {
  // What the compiler notes about this parameter is all that Nest has to inject by.
  constructor(private readonly template: RocketMQTemplate) {}

  async place(order: OrderPlaced): Promise<string> {
    const { status } = await this.template.send('orders:placed', order, { keys: order.id });
    return status;
  }
}

@Module({})
class Shop {
  static at(nameServers: string): DynamicModule {
    return {
      module: Shop,
      imports: [RocketMQModule.forRoot({ nameServers, producer: { group: 'shop' } })],
      providers: [Orders, Payments],
    };
  }
}

async function main(): Promise<void> {
  const servers = await EmbeddedRocketMQ.start();
  const application = await NestFactory.createApplicationContext(Shop.at(servers.nameServers), {
    logger: ['warn', 'error'],
  });
  const status = await application.get(Orders).place({ id: 'o1', total: 30 });
  const handled = await application.get(Payments).first;
  await application.close();
  await servers.close();
  console.log(`sent ${status}, handled ${handled}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
