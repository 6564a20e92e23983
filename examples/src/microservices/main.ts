import 'reflect-metadata';
import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientsModule,
  EventPattern,
  MessagePattern,
  Payload,
  type ClientProxy,
} from '@nestjs/microservices';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQClient, RocketMQServer } from 'nestjs-rocketmq/microservices';
import { firstValueFrom } from 'rxjs';
import { Lines } from '../lines.js';

const lines = new Lines();
const servers = await EmbeddedRocketMQ.start();

// #region controller
@Controller()
export class PriceController {
  /** Done when the method has ended; what it throws brings the message back. */
  @EventPattern('orders:placed')
  async onPlaced(@Payload() order: { id: string }): Promise<void> {
    lines.print(`placed ${order.id}`);
  }

  @MessagePattern('prices')
  price(@Payload() sku: string): number {
    return sku === 'tea' ? 4 : 0;
  }
}

@Module({ controllers: [PriceController] })
export class PriceModule {}
// #endregion

// #region client
@Injectable()
export class Shop {
  constructor(@Inject('SHOP') private readonly client: ClientProxy) {}

  async order(): Promise<void> {
    // Sent although nobody subscribes; the promise is for those who want the broker's answer.
    await firstValueFrom(this.client.emit('orders:placed', { id: 'o1' }));
    const price = await firstValueFrom(this.client.send<number>('prices', 'tea'));
    lines.print(`tea costs ${price}`);
  }
}

@Module({
  imports: [
    ClientsModule.register([
      {
        name: 'SHOP',
        customClass: RocketMQClient,
        options: { nameServers: servers.nameServers, producer: { group: 'shop' } },
      },
    ]),
  ],
  providers: [Shop],
})
export class ShopModule {}
// #endregion

// #region server
const service = await NestFactory.createMicroservice(PriceModule, {
  strategy: new RocketMQServer({
    nameServers: servers.nameServers,
    group: 'prices',
    consumer: { from: 'first' },
  }),
  logger: ['error'],
});
await service.listen();
// #endregion

const shop = await NestFactory.createApplicationContext(ShopModule, { logger: ['error'] });
await shop.get(Shop).order();
await lines.until(2);
await shop.close();
await service.close();
await servers.close();

// Prints:
//   placed o1
//   tea costs 4
