import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  MessagePayload,
  RequestFailedError,
  RocketMQModule,
  RocketMQReplyListener,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
interface Price {
  readonly sku: string;
  readonly amount: number;
}

@Injectable()
export class Prices {
  private readonly amounts = new Map([['book', 30]]);

  /** What it returns, or the error that it throws, goes to whoever asked. */
  @RocketMQReplyListener({ topic: 'prices', group: 'price-service', replyTimeout: '2s' })
  async priceOf(@MessagePayload() { sku }: { sku: string }): Promise<Price> {
    const amount = this.amounts.get(sku);
    if (amount === undefined) {
      throw Object.assign(new Error(`there is no ${sku}`), { code: 'SKU_UNKNOWN' });
    }
    return { sku, amount };
  }
}
// #endregion

// #region requester
@Injectable()
export class Shop {
  constructor(private readonly template: RocketMQTemplate) {}

  async ask(sku: string): Promise<void> {
    try {
      // The time is for all of it: there, the handler, and back.
      const price = await this.template.request<Price>('prices', { sku }, { timeout: '20s' });
      lines.print(`${price.sku} costs ${price.amount}`);
    } catch (error) {
      // The handler failed there. CLIENT_REQUEST_TIMEOUT: nobody replied in time.
      if (!(error instanceof RequestFailedError)) throw error;
      lines.print(`${String(error.remote.code)}: ${error.remote.message}`);
    }
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      producer: { group: 'shop' },
      consumer: { from: 'first' },
    }),
  ],
  providers: [Prices, Shop],
})
export class AppModule {}

// The handler's own error is in the log, too; here it is meant to be.
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
await app.get(Shop).ask('book');
await app.get(Shop).ask('lamp');
await lines.until(2);
await app.close();
await servers.close();

// Prints:
//   book costs 30
//   SKU_UNKNOWN: there is no lamp
