import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQTestKit } from '@nestjs-rocketmq/testing';
import { RocketMQListener, RocketMQModule, RocketMQTemplate } from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region application
interface Order {
  readonly id: string;
}

@Injectable()
export class Bank {
  isOpen = true;

  pay(order: Order): string {
    if (!this.isOpen) throw new Error('the bank is closed');
    return `paid ${order.id}`;
  }
}

@Injectable()
export class Payments {
  constructor(
    private readonly bank: Bank,
    private readonly template: RocketMQTemplate,
  ) {}

  @RocketMQListener({ topic: 'orders', group: 'payments' })
  async onOrder(order: Order): Promise<void> {
    await this.template.send('paid', this.bank.pay(order));
  }
}

@Module({
  imports: [RocketMQModule.forRoot({ nameServers: 'production.example.com:9876' })],
  providers: [Bank, Payments],
})
export class AppModule {}
// #endregion

// #region start
const mq = await RocketMQTestKit.start();
// Your module as it is: the addresses in it lead to the kit.
const moduleRef = await mq.redirect(Test.createTestingModule({ imports: [AppModule] })).compile();
moduleRef.useLogger(false);
const app = await moduleRef.init();
const template = app.get(RocketMQTemplate);
// #endregion

// #region consumed
await template.send('orders', { id: 'o1' });
const [consumed] = await mq.consumed('payments', 1);
assert.equal(consumed?.outcome, 'success');
const [paid] = await mq.sent('paid', 1);
assert.equal(paid?.payload, 'paid o1');
// #endregion
lines.print('o1 was paid, and it was told');

// #region ladder
app.get(Bank).isOpen = false;
await template.send('orders', { id: 'o2' });
// Sixteen retries take 4 h 46 min, and about a second here.
const [letter] = await mq.deadLetters('payments', { count: 1, within: '5h' });
assert.equal(letter?.attempts, 17);
// #endregion
lines.print('o2 was tried 17 times and lies in the dead letters');

// #region faults
app.get(Bank).isOpen = true;
mq.faults.brokerDown();
await assert.rejects(template.send('orders', { id: 'o3' }));
mq.faults.brokerUp();
await template.send('orders', { id: 'o3' });
await mq.consumed('payments', { count: 1, where: ({ payload }) => (payload as Order).id === 'o3' });
// #endregion
lines.print('o3 was paid when the broker was back');

await app.close();
await mq.close();

// Prints:
//   o1 was paid, and it was told
//   o2 was tried 17 times and lies in the dead letters
//   o3 was paid when the broker was back
