import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  NonRetryableError,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { RocketMQTestKit } from './index.js';

@Injectable()
class Payments {
  readonly seen: unknown[] = [];
  fail: Error | undefined;

  @RocketMQListener({ topic: 'orders', group: 'payments' })
  pay(order: object): void {
    this.seen.push(order);
    if (this.fail !== undefined) throw this.fail;
  }
}

@Module({
  imports: [RocketMQModule.forRoot({ nameServers: 'mq.example.com:9876' })],
  providers: [Payments],
})
class AppModule {}

async function withApp(
  use: (mq: RocketMQTestKit, template: RocketMQTemplate, payments: Payments) => Promise<void>,
): Promise<void> {
  const mq = await RocketMQTestKit.start();
  const builder = Test.createTestingModule({ imports: [AppModule] });
  const moduleRef = await mq.redirect(builder).compile();
  moduleRef.useLogger(false);
  const app = await moduleRef.init();
  try {
    await use(mq, app.get(RocketMQTemplate), app.get(Payments));
  } finally {
    await app.close();
    await mq.close();
  }
}

describe('an application led to the testing kit', () => {
  it('sends and consumes without a server, and the test sees it', () =>
    withApp(async (mq, template, payments) => {
      await template.send('orders:placed', { id: 1 }, { keys: 'k1' });
      const [consumed] = await mq.consumed('payments', 1);
      expect(consumed).toMatchObject({
        topic: 'orders',
        tag: 'placed',
        keys: ['k1'],
        payload: { id: 1 },
        attempt: 1,
        outcome: 'success',
      });
      expect(await mq.sent('orders')).toMatchObject([{ payload: { id: 1 }, tag: 'placed' }]);
      expect(payments.seen).toEqual([{ id: 1 }]);
    }));

  it('climbs the whole ladder of retries, 4 h 46 min, to the dead letters in virtual time', () =>
    withApp(async (mq, template, payments) => {
      payments.fail = new Error('no money');
      await template.send('orders', { id: 2 });
      const begin = mq.now.getTime();
      const [letter] = await mq.deadLetters('payments', { count: 1, within: '5h' });
      expect(letter).toMatchObject({ topic: 'orders', payload: { id: 2 }, attempts: 17 });
      const tries = await mq.deliveries('payments');
      expect(tries).toHaveLength(17);
      const seconds = tries.map(({ at }) => Math.round((at.getTime() - begin) / 1000));
      const minutes = [2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120];
      const waits = [0, 10, 30, 60, ...minutes.map((each) => each * 60)];
      let sum = 0;
      expect(seconds).toEqual(waits.map((wait) => (sum += wait)));
    }));

  it('puts to the dead letters at once what cannot be retried', () =>
    withApp(async (mq, template, payments) => {
      payments.fail = new NonRetryableError('no such account');
      await template.send('orders', { id: 3 });
      expect(await mq.deadLetters('payments', 1)).toMatchObject([{ payload: { id: 3 } }]);
    }));

  it('names the nearest topic or group when a test waits for one that is not there', () =>
    withApp(async (mq, template) => {
      await template.send('paid', {});
      const missed = async (waiting: Promise<unknown>): Promise<unknown> =>
        waiting.then(
          () => 'it came',
          (error: unknown) => (error as Error).message,
        );
      expect(await missed(mq.sent('piad', 1))).toMatch(
        /^Wanted messages sent to 'piad': 1, but 5000 ms .* no listener has it; did you mean 'paid'\?$/,
      );
      expect(await missed(mq.sent('orders:placed', 1))).toContain("did you mean 'orders'?");
      expect(await missed(mq.sent('shipments', 1))).toContain('known are orders, paid');
      const group = "No listener has the group 'paymnts'; did you mean 'payments'?";
      expect(await missed(mq.consumed('paymnts', 1))).toContain(group);
      expect(await missed(mq.deliveries('paymnts', 1))).toContain(group);
      expect(await missed(mq.deadLetters('paymnts', 1))).toContain(group);
      expect(await missed(mq.consumed('payments', 1))).toContain("Perhaps 'within' must be longer");
    }));
});
