import { RocketMQTestKit } from '@nestjs-rocketmq/testing';
import { Test } from '@nestjs/testing';
import { Orders, ShopModule } from './shop.js';

/** Places an order that is paid at the third try; answers the tries' seconds, and what was sent. */
export async function placeAndPay(): Promise<{ seconds: number[]; sent: unknown[] }> {
  const mq = await RocketMQTestKit.start();
  const moduleRef = await mq
    .redirect(Test.createTestingModule({ imports: [ShopModule] }))
    .compile();
  moduleRef.useLogger(false);
  const app = await moduleRef.init();
  const begin = mq.now.getTime();
  await app.get(Orders).place({ id: 1 });
  await mq.consumed('payments', { count: 1, within: '1m' });
  const tries = await mq.deliveries('payments');
  const sent = await mq.sent('orders');
  await app.close();
  await mq.close();
  return {
    seconds: tries.map(({ at }) => (at.getTime() - begin) / 1000),
    sent: sent.map(({ payload }) => payload),
  };
}
