import { Injectable } from '@nestjs/common';
import { RocketMQTemplate, type SendResult, type WithProperties } from '../index.js';
import { startApplication } from '../testing/test-application.js';

interface Order {
  readonly id: string;
}
interface Settled {
  readonly amount: number;
}
interface ShopTopics {
  orders: Order;
  'payments:settled': WithProperties<Settled, { readonly region: 'eu' | 'us' }>;
}

@Injectable()
class Shop {
  constructor(readonly template: RocketMQTemplate<ShopTopics>) {}

  async typed(): Promise<SendResult[]> {
    const { template } = this;
    await template.send('orders', { id: 'o1' });
    await template.send('orders:placed', { id: 'o2' }, { properties: { any: 1 } });
    await template.send('payments:settled', { amount: 1 }, { properties: { region: 'eu' } });
    return template.sendBatch('orders:placed', [{ id: 'o3' }], { keys: ({ id }) => id });
  }

  /** Never called: the compiler says what is wrong with each line. */
  wrong(): void {
    const { template } = this;
    // @ts-expect-error -- no such topic
    void template.send('oders', { id: 'o1' });
    // @ts-expect-error -- the payload of another topic
    void template.send('orders', { amount: 1 });
    // @ts-expect-error -- only this tag is in the map
    void template.send('payments:refunded', { amount: 1 });
    // @ts-expect-error -- no such region
    void template.send('payments:settled', { amount: 1 }, { properties: { region: 'mars' } });
    // @ts-expect-error -- no such option
    void template.send('orders', { id: 'o1' }, { tgas: 'a' });
    // @ts-expect-error -- the payloads of a batch are checked too
    void template.sendBatch('orders', [{ amount: 1 }]);
  }
}

describe('a template with a map of topics', () => {
  it('is injected as the template and checks destinations, payloads and properties', async () => {
    const { app, clients } = await startApplication({ providers: [Shop] });
    const [result] = await app.get(Shop).typed();
    expect(result).toMatchObject({ msgId: 'M3' });
    expect(clients.sent.map(({ topic, tags }) => [topic, tags])).toEqual([
      ['orders', undefined],
      ['orders', 'placed'],
      ['payments', 'settled'],
      ['orders', 'placed'],
    ]);
    await app.close();
  });
});
