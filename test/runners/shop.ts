import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { RocketMQListener, RocketMQModule, RocketMQTemplate } from 'nestjs-rocketmq';

/** What is tested under each runner, as a user writes it. */
@Injectable()
export class Orders {
  constructor(private readonly template: RocketMQTemplate) {}

  async place(order: { readonly id: number }): Promise<void> {
    await this.template.send('orders:placed', order);
  }
}

@Injectable()
export class Payments {
  tries = 0;

  @RocketMQListener({ topic: 'orders', group: 'payments' })
  pay(): void {
    this.tries += 1;
    if (this.tries < 3) throw new Error('no money yet');
  }
}

@Module({
  imports: [RocketMQModule.forRoot({ nameServers: 'mq.example.com:9876' })],
  providers: [Orders, Payments],
})
export class ShopModule {}
