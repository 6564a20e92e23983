import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { Test } from '@nestjs/testing';
import { ROCKETMQ_CLIENT_FACTORY } from 'nestjs-rocketmq';
import { OutboxService } from 'nestjs-rocketmq/consistency';
import { DataSource } from 'typeorm';
import { GatewayNotifier } from './gateway/gateway.notifier.js';
import { Reconciliation } from './payments/reconciliation.js';
import { SampleApp } from './testing/sample-app.js';

/** `npm run test:long` goes further. */
const STEPS = Number(process.env['STEPS'] ?? 60);
const OLD = 90_000;

describe('the books, whatever is lost, doubled, late or in another order', () => {
  const seed = seedOfRun();
  const numbers = new SeededRandom(seed);
  const random = (end: number): number => numbers.below(end);
  let shop: SampleApp;

  beforeAll(async () => {
    shop = await SampleApp.start(async (module, cluster) => {
      const testing = await Test.createTestingModule({ imports: [module] })
        .overrideProvider(ROCKETMQ_CLIENT_FACTORY)
        .useValue(cluster)
        .compile();
      return testing.createNestApplication({ logger: false });
    }, undefined);
    await shop.cluster.settle();
  });
  afterAll(() => shop.close());

  /** Everything that goes on by itself in a running system, until nothing is left to do. */
  async function quiesce(): Promise<void> {
    const dataSource = shop.app.get(DataSource);
    for (let round = 0; round < 5; round += 1) {
      await dataSource.query("UPDATE orders.orders SET pay_deadline = now() - interval '1 second'");
      await dataSource.query(
        'UPDATE gateway.charges SET notify_at = now() WHERE NOT is_acknowledged',
      );
      await shop.app.get(GatewayNotifier, { strict: false }).round();
      await shop.app.get(Reconciliation, { strict: false }).round(0);
      await shop.cluster.checkBack(OLD);
      shop.cluster.fireTimers();
      await shop.cluster.settle();
      await shop.app.get(OutboxService, { strict: false }).flush();
      await shop.cluster.settle();
    }
  }

  it(`agree after ${STEPS} steps of many buyers (SEED=${seed})`, async () => {
    const isBad = (percent: number) => random(100) < percent;
    const faults = {
      losesVerdict: () => isBad(15),
      refusesSend: () => isBad(10),
      deliversTwice: () => isBad(20),
      next: random,
    };
    const placed: { orderId: string; captured: boolean; cancelled: boolean }[] = [];
    const some = () => placed[random(placed.length)];
    for (let step = 0; step < STEPS; step += 1) {
      shop.cluster.faults = faults;
      const order = some();
      const dice = random(10);
      if (order === undefined || dice < 4) {
        const answer = await shop.place(`chaos-${step}`, [
          {
            sku: ['tea-green', 'tea-black', 'teapot'][random(3)] ?? 'teapot',
            quantity: 1 + random(30),
          },
        ]);
        expect([201, 409, 503]).toContain(answer.status);
        if (answer.status === 201) {
          const orderId = String(answer.body['orderId']);
          placed.push({ orderId, captured: false, cancelled: false });
        }
      } else if (dice < 8) {
        const outcome = ['ok', 'ok', 'twice', 'never', 'wrongAmount', 'fail'][random(6)] ?? 'ok';
        const paid = await shop.pay(order.orderId, outcome);
        if (paid.body['state'] === 'CAPTURED') order.captured = true;
      } else if (dice === 8) {
        const answer = await shop.post(`/api/orders/${order.orderId}/cancel`);
        if (answer.status === 200) order.cancelled = true;
      } else {
        await shop.cluster.deliverSome(1 + random(10));
      }
    }
    expect((await shop.get('/api/check?mode=safety')).status).toBe(200);
    shop.cluster.faults = { ...faults, losesVerdict: () => false, refusesSend: () => false };
    await quiesce();

    expect(await shop.violations()).toEqual([]);
    expect(shop.cluster.openHalves).toBe(0);
    const statuses = new Set<string>();
    for (const { orderId, captured, cancelled } of placed) {
      const { body } = await shop.get(`/api/orders/${orderId}`);
      const isPaid = body['status'] === 'PAID';
      statuses.add(`${String(body['status'])} ${String(body['refundStatus'])}`);
      expect(body).toMatchObject(
        isPaid
          ? { stock: 'SOLD', refundStatus: 'NONE', payment: { state: 'PAID' } }
          : { status: 'CANCELLED', stock: 'RELEASED', points: null },
      );
      if (cancelled) expect(isPaid).toBe(false);
      if (captured && !isPaid) expect(body).toMatchObject({ refundStatus: 'DONE' });
      if (!captured) expect(isPaid).toBe(false);
    }
    expect(statuses.size).toBeGreaterThan(1);
  }, 600_000);
});
