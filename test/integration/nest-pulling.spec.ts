import type { INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQTemplate, type PullConsumerOptions } from 'nestjs-rocketmq';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

interface Order {
  readonly id: number;
}

/** How slow the machine is, is not what is asked here. */
const timeout = '60s';

describe('a Nest application pulls', () => {
  let embedded: EmbeddedRocketMQ;

  beforeAll(async () => {
    embedded = await startEmbedded(['audited', 'looped']);
  });

  afterAll(() => embedded?.close());

  async function startWith(
    pullConsumers: Record<string, PullConsumerOptions>,
  ): Promise<{ app: INestApplicationContext; template: RocketMQTemplate }> {
    const app = await startNest(embedded, {}, { pullConsumers });
    return { app, template: app.get(RocketMQTemplate) };
  }

  it('and goes on after what it committed, in the next process', async () => {
    const audit = { group: 'audit', topic: 'audited', tags: 'kept', from: 'first' } as const;
    const first = await startWith({ audit });
    try {
      const orders = [1, 2, 3, 4, 5].map((id) => ({ id }));
      await first.template.sendBatch('audited:kept', orders, { hashKey: 'one' });
      await first.template.send('audited:other', { id: 0 }, { hashKey: 'one' });
      const committed = await first.template.receive<Order>('audit', { max: 2, timeout });
      expect(committed.payloads).toEqual([{ id: 1 }, { id: 2 }]);
      await committed.commit();
      const open = await first.template.receive<Order>('audit', { max: 1, timeout });
      expect(open.payloads).toEqual([{ id: 3 }]);
    } finally {
      await first.app.close();
    }
    const second = await startWith({ audit });
    try {
      const again = await second.template.receive<Order>('audit', { timeout });
      expect(again.payloads[0]).toEqual({ id: 3 });
    } finally {
      await second.app.close();
    }
  });

  it('in a loop that ends when it closes, with everything counted', async () => {
    const loop = { group: 'loop', topic: 'looped', from: 'first' } as const;
    const seen: number[] = [];
    const { app, template } = await startWith({});
    try {
      for (const id of [1, 2, 3]) await template.sendOrderly('looped', { id }, 'one');
      for await (const { payload } of template.pullConsumer<Order>(loop)) {
        seen.push(payload.id);
        if (seen.length === 3) void app.close();
      }
    } finally {
      await app.close();
    }
    expect(seen).toEqual([1, 2, 3]);
    const next = await startWith({ loop });
    try {
      await next.template.sendOrderly('looped', { id: 4 }, 'one');
      const received = await next.template.receive<Order>('loop', { timeout });
      expect(received.payloads).toEqual([{ id: 4 }]);
    } finally {
      await next.app.close();
    }
  });
});
