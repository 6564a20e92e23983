import type { DynamicModule, INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ROCKETMQ_CLIENT_FACTORY } from 'nestjs-rocketmq';
import { OutboxService } from 'nestjs-rocketmq/consistency';
import { DataSource } from 'typeorm';
import { GatewayNotifier } from './gateway/gateway.notifier.js';
import { Reconciliation } from './payments/reconciliation.js';
import type { MemoryCluster } from './testing/memory-cluster.js';
import { SampleApp } from './testing/sample-app.js';
import { Topics } from './contracts.js';

describe('the order flow', () => {
  let shop: SampleApp;
  let stockAtFirst: number;
  const stock = async (sku = 'tea-green') => {
    const { body } = await shop.get('/api/products');
    const products = body as unknown as { sku: string; onHand: number }[];
    return products.find((product) => product.sku === sku)?.onHand ?? -1;
  };
  const order = async (orderId: string) => (await shop.get(`/api/orders/${orderId}`)).body;

  beforeAll(async () => {
    shop = await SampleApp.start(create, process.env['DATABASE_URL']);
    await shop.cluster.settle();
  });
  afterAll(() => shop.close());
  beforeEach(async () => {
    stockAtFirst = await stock();
  });
  afterEach(async () => {
    await shop.cluster.settle();
    expect(await shop.violations()).toEqual([]);
  });

  it('places, pays and books: stock sold, points given', async () => {
    const placed = await shop.place('k1');
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({
      status: 'AWAITING_PAYMENT',
      goodsAmount: 2500,
      shippingFee: 1000,
      payAmount: 3500,
      stock: 'HELD',
    });
    const orderId = String(placed.body['orderId']);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ payment: { state: 'CREATED' } });
    expect((await shop.pay(orderId)).body).toMatchObject({ state: 'CAPTURED', callback: [200] });
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({
      status: 'PAID',
      stock: 'SOLD',
      points: 35,
      payment: { state: 'PAID' },
    });
    expect(await stock()).toBe(stockAtFirst - 2);
    const history = (await shop.get(`/api/orders/${orderId}/history`)).body;
    expect(history).toMatchObject([
      { seq: 1, toStatus: 'AWAITING_PAYMENT' },
      { seq: 2, fromStatus: 'AWAITING_PAYMENT', toStatus: 'PAID' },
    ]);
  });

  it('answers the same request with the same order, and a different one with 422', async () => {
    const first = await shop.place('k2');
    const again = await shop.place('k2');
    expect(again.body['orderId']).toBe(first.body['orderId']);
    const other = await shop.place('k2', [{ sku: 'phone', quantity: 1 }]);
    expect(other).toMatchObject({ status: 422, body: { code: 'SAMPLE_IDEMPOTENCY' } });
    expect(await stock()).toBe(stockAtFirst - 2);
  });

  it('places one order when the same request comes many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.place('k3')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body['orderId'])).size).toBe(1);
    expect(await stock()).toBe(stockAtFirst - 2);
  });

  it('takes nothing and sends nothing when one line is out of stock', async () => {
    const items = [
      { sku: 'tea-green', quantity: 3 },
      { sku: 'teapot', quantity: 201 },
    ];
    const answer = await shop.place('k4', items);
    expect(answer).toMatchObject({ status: 409, body: { code: 'OUT_OF_STOCK' } });
    expect(await stock()).toBe(stockAtFirst);
    expect(shop.cluster.openHalves).toBe(0);
  });

  it('answers 503 and leaves nothing behind when the broker is down', async () => {
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend: () => true };
    const answer = await shop.place('k5');
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend: () => false };
    expect(answer).toMatchObject({ status: 503, body: { code: 'SAMPLE_UNAVAILABLE' } });
    expect(await stock()).toBe(stockAtFirst);
    expect((await shop.place('k5')).status).toBe(201);
  });

  it('places nothing when the timer of the order cannot be sent', async () => {
    const refusesSend = ({ topic }: { topic: string }) => topic === Topics.OrderTimeout;
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend };
    const answer = await shop.place('k6');
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend: () => false };
    expect(answer.status).toBe(503);
    expect(shop.cluster.openHalves).toBe(0);
    expect(await stock()).toBe(stockAtFirst);
  });

  it('delivers by check-back what was written before the verdict was lost', async () => {
    shop.cluster.faults = { ...shop.cluster.faults, losesVerdict: () => true };
    const orderId = await shop.placed('k7');
    shop.cluster.faults = { ...shop.cluster.faults, losesVerdict: () => false };
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ payment: null });
    await shop.cluster.checkBack(0);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ payment: { state: 'CREATED' } });
  });

  it('drops by check-back what was never written', async () => {
    shop.cluster.faults = { ...shop.cluster.faults, losesVerdict: () => true };
    await shop.place('k8', [{ sku: 'teapot', quantity: 201 }]);
    shop.cluster.faults = { ...shop.cluster.faults, losesVerdict: () => false };
    expect(shop.cluster.openHalves).toBe(1);
    // not too young to say: the failure of the local transaction is on record
    await shop.cluster.checkBack(0);
    expect(shop.cluster.openHalves).toBe(0);
  });

  it('closes an order that nobody pays and gives the pieces back', async () => {
    const orderId = await shop.placed('k9');
    await shop.cluster.settle();
    await internals(shop).expireAll();
    shop.cluster.fireTimers();
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ status: 'CANCELLED', stock: 'RELEASED' });
    expect((await shop.post(`/api/orders/${orderId}/pay`)).status).toBe(409);
  });

  it('does not close an order before its time, whenever the timer fires', async () => {
    const orderId = await shop.placed('k9b');
    shop.cluster.fireTimers();
    await expect(shop.cluster.settle()).rejects.toThrow(/GID_order_close never succeeds/);
    expect(await order(orderId)).toMatchObject({ status: 'AWAITING_PAYMENT', stock: 'HELD' });
  });

  it('gives back money that comes after the order was closed, once', async () => {
    const orderId = await shop.placed('k10');
    const { body } = await shop.post(`/api/orders/${orderId}/pay`);
    await shop.cluster.settle();
    expect((await shop.post(`/api/orders/${orderId}/cancel`)).status).toBe(200);
    await shop.post(`/gateway/pay/${String(body['payId'])}?outcome=twice`);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({
      status: 'CANCELLED',
      refundStatus: 'DONE',
      stock: 'RELEASED',
      points: null,
      payment: { state: 'REFUNDED' },
    });
  });

  it('does not cancel an order that is paid', async () => {
    const orderId = await shop.placed('k11');
    await shop.pay(orderId);
    expect((await shop.post(`/api/orders/${orderId}/cancel`)).status).toBe(409);
    await shop.cluster.settle();
    expect((await shop.post(`/api/orders/${orderId}/cancel`)).status).toBe(409);
    expect(await order(orderId)).toMatchObject({ status: 'PAID' });
  });

  it('books a payment once, however often the gateway calls', async () => {
    const orderId = await shop.placed('k12');
    const { body } = await shop.post(`/api/orders/${orderId}/pay`);
    const payId = String(body['payId']);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => shop.post(`/gateway/pay/${payId}?outcome=twice`)),
    );
    for (const answer of answers) expect(answer.status).toBe(200);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ status: 'PAID', points: 35 });
  });

  it('refuses callbacks that are forged or about another amount', async () => {
    const orderId = await shop.placed('k13');
    const { body } = await shop.post(`/api/orders/${orderId}/pay`);
    const payId = String(body['payId']);
    const forged = await shop.post(
      '/payments/callback',
      { payId, amount: 3500, reference: 'x' },
      { 'x-gateway-signature': 'a'.repeat(64) },
    );
    expect(forged).toMatchObject({ status: 422, body: { code: 'SAMPLE_CALLBACK_REFUSED' } });
    const wrong = await shop.post(`/gateway/pay/${payId}?outcome=wrongAmount`);
    expect(wrong.body).toMatchObject({ callback: [422] });
    expect(await order(orderId)).toMatchObject({ payment: { state: 'CREATED' } });
    await shop.post(`/api/orders/${orderId}/cancel`);
  });

  it('finds by asking the gateway what no callback told', async () => {
    const orderId = await shop.placed('k14');
    await shop.pay(orderId, 'never');
    expect(await order(orderId)).toMatchObject({ payment: { state: 'CREATED' } });
    await internals(shop).reconciliation.round(0);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ status: 'PAID' });
  });

  it('has the gateway call again after a 503', async () => {
    const orderId = await shop.placed('k15');
    const refusesSend = ({ topic }: { topic: string }) => topic === Topics.Payment;
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend };
    expect((await shop.pay(orderId)).body).toMatchObject({ callback: [503] });
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend: () => false };
    await internals(shop).callAgain(orderId);
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ status: 'PAID' });
  });

  it('sends an event later when the broker did not take it at once', async () => {
    const orderId = await shop.placed('k16');
    const refusesSend = ({ topic }: { topic: string }) => topic === Topics.OrderEvent;
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend };
    expect((await shop.post(`/api/orders/${orderId}/cancel`)).status).toBe(200);
    shop.cluster.faults = { ...shop.cluster.faults, refusesSend: () => false };
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ status: 'CANCELLED', stock: 'HELD' });
    expect(await shop.violations()).toEqual(['L3', 'L4']);
    await internals(shop).outbox.flush();
    await shop.cluster.settle();
    expect(await order(orderId)).toMatchObject({ stock: 'RELEASED' });
  });

  it('sells what is there and not one piece more', async () => {
    const buyers = Array.from({ length: 30 }, (_, n) =>
      shop.place(`race-${n}`, [{ sku: 'teapot', quantity: 10 }]),
    );
    const statuses = (await Promise.all(buyers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(20);
    expect(statuses.filter((status) => status === 409)).toHaveLength(10);
    expect(await stock('teapot')).toBe(0);
  });
});

async function create(module: DynamicModule, cluster: MemoryCluster): Promise<INestApplication> {
  const testing = await Test.createTestingModule({ imports: [module] })
    .overrideProvider(ROCKETMQ_CLIENT_FACTORY)
    .useValue(cluster)
    .compile();
  return testing.createNestApplication({ logger: ['fatal'] });
}

function internals(shop: SampleApp) {
  const dataSource = shop.app.get(DataSource);
  return {
    outbox: shop.app.get(OutboxService, { strict: false }),
    reconciliation: shop.app.get(Reconciliation, { strict: false }),
    expireAll: () =>
      dataSource.query("UPDATE orders.orders SET pay_deadline = now() - interval '1 second'"),
    callAgain: async (orderId: string) => {
      await dataSource.query(
        `UPDATE gateway.charges SET notify_at = now() WHERE pay_id =
           (SELECT pay_id FROM payments.payments WHERE order_id = $1)`,
        [orderId],
      );
      await shop.app.get(GatewayNotifier, { strict: false }).round();
    },
  };
}
