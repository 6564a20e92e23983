import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { FakeClients } from '../../testing/fake-client.js';
import { MemoryStorage, type MemoryTx } from '../../testing/memory-storage.js';
import {
  startApplication,
  testOptions,
  type TestApplication,
} from '../../testing/test-application.js';
import {
  OUTBOX_ID_PROPERTY,
  OutboxRelay,
  OutboxService,
  RocketMQConsistencyModule,
  type OutboxAddOptions,
  type OutboxRelayOptions,
} from '../index.js';

class Stage {
  readonly clock = new ManualClock();
  readonly storage = new MemoryStorage();
  readonly clients = new FakeClients();
  /** Destinations that the broker refuses. */
  readonly refused = new Set<string>();
  private started: TestApplication | undefined;

  async start(outbox: OutboxRelayOptions = {}): Promise<this> {
    const module = RocketMQConsistencyModule.forRoot({ storage: this.storage, outbox });
    const options = { ...testOptions, clock: this.clock };
    this.started = await startApplication({ imports: [module] }, options, this.clients);
    for (const producer of this.clients.producers) {
      const send = producer.send.bind(producer);
      producer.send = (message, sendOptions) =>
        this.refused.has(message.topic)
          ? Promise.reject(new Error(`no broker for ${message.topic}`))
          : send(message, sendOptions);
    }
    return this;
  }

  get app(): TestApplication['app'] {
    return (this.started as TestApplication).app;
  }

  get lines(): string[] {
    return (this.started as TestApplication).logger.lines;
  }

  get outbox(): OutboxService<MemoryTx> {
    return this.app.get(OutboxService);
  }

  add(destination: string, payload: unknown, options?: OutboxAddOptions): Promise<string> {
    return this.outbox.transaction((tx) => this.outbox.add(tx, destination, payload, options));
  }

  get sent(): string[] {
    return this.clients.sent.map(({ topic, body }) => `${topic} ${new TextDecoder().decode(body)}`);
  }
}

describe('the outbox', () => {
  it('sends what a transaction added, with everything that was to go with it', async () => {
    const stage = await new Stage().start();
    const properties = { source: 'shop' };
    const options = { orderKey: 'o1', keys: ['o1'], properties, delayMs: '5s' };
    const id = await stage.add('orders:paid', { cents: 5 }, options);
    await stage.clock.advance(0);
    const [message] = stage.clients.sent;
    expect(message).toMatchObject({
      topic: 'orders',
      tags: 'paid',
      keys: ['o1'],
      delayLevel: 2,
      properties: { source: 'shop', contentType: 'application/json', [OUTBOX_ID_PROPERTY]: id },
    });
    expect(new TextDecoder().decode(message?.body)).toBe('{"cents":5}');
    expect(stage.clients.producers.flatMap(({ options: given }) => given)).toMatchObject([
      { hashKey: 'o1' },
    ]);
    expect(await stage.outbox.lag()).toEqual({ waiting: 0, poisoned: 0, oldestAgeMs: undefined });
    await stage.app.close();
  });

  it('sends nothing of a transaction that was undone', async () => {
    const stage = await new Stage().start();
    const failing = stage.outbox.transaction(async (tx) => {
      await stage.outbox.add(tx, 'orders', 'x');
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    await stage.clock.advance(1_000);
    expect(stage.sent).toEqual([]);
    await stage.app.close();
  });

  it('refuses what could never be sent, while the caller can still be told', async () => {
    const stage = await new Stage().start();
    await expect(stage.add('', 'x')).rejects.toMatchObject({ code: 'ROCKETMQ_SEND_REFUSED' });
    await expect(stage.add('a', undefined)).rejects.toMatchObject({
      code: 'ROCKETMQ_OUTBOX_MESSAGE',
    });
    const unknown = stage.add('a', {}, { contentType: 'image/png' });
    await expect(unknown).rejects.toMatchObject({ code: 'ROCKETMQ_CONVERSION_FAILED' });
    const long = stage.add('a', {}, { orderKey: 'k'.repeat(256) });
    await expect(long).rejects.toMatchObject({ code: 'ROCKETMQ_CONSISTENCY_KEY' });
    await stage.app.close();
  });
});

describe('the relay', () => {
  it('keeps a key back at its first failure, and lets the other keys go', async () => {
    const stage = await new Stage().start({ relay: false });
    stage.refused.add('down');
    await stage.add('down', '1', { orderKey: 'a' });
    await stage.add('up', '2', { orderKey: 'a' });
    await stage.add('up', '3', { orderKey: 'b' });
    const round = await stage.app.get(OutboxRelay).round();
    expect(round).toMatchObject({ sent: 1, failures: [{ destination: 'down' }] });
    expect(stage.sent).toEqual(['up 3']);
    stage.refused.clear();
    expect(await stage.outbox.flush('a')).toBe(2);
    expect(stage.sent).toEqual(['up 3', 'down 1', 'up 2']);
    await stage.app.close();
  });

  it('doubles the pause after every failure, up to the longest', async () => {
    const stage = await new Stage().start({ relay: false, maxRetryDelay: '5s' });
    stage.refused.add('down');
    await stage.add('down', '1');
    for (let round = 0; round < 5; round += 1) {
      await stage.app.get(OutboxRelay).round({ isForced: true });
    }
    expect(stage.storage.pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    await stage.app.close();
  });

  it('sets a message aside after the last try, until an operator has it tried or dropped', async () => {
    const stage = await new Stage().start({ relay: false, maxAttempts: 2, retryDelay: 0 });
    stage.refused.add('down');
    const id = await stage.add('down', '1', { orderKey: 'a' });
    await stage.add('up', '2', { orderKey: 'b' });
    const relay = stage.app.get(OutboxRelay);
    for (let round = 0; round < 4; round += 1) await relay.round();
    expect(stage.sent).toEqual(['up 2']);
    expect(await stage.outbox.poisoned()).toMatchObject([
      { id, orderKey: 'a', destination: 'down', attempts: 2, error: 'no broker for down' },
    ]);
    expect(stage.lines.filter((line) => line.includes('is not tried any more'))).toHaveLength(1);
    stage.refused.clear();
    expect(await stage.outbox.retry(id)).toBe(true);
    await relay.round();
    expect(stage.sent).toEqual(['up 2', 'down 1']);
    expect(await stage.outbox.discard(id)).toBe(false);
    await stage.app.close();
  });

  it('tells the caller of flush that something stays', async () => {
    const stage = await new Stage().start({ relay: false });
    stage.refused.add('down');
    await stage.add('down', '1');
    await expect(stage.outbox.flush()).rejects.toMatchObject({
      code: 'ROCKETMQ_OUTBOX_FLUSH',
      retriable: true,
    });
    expect((await stage.outbox.lag()).waiting).toBe(1);
    await stage.app.close();
  });

  it('looks again after the pause, and at once when it is woken', async () => {
    const stage = await new Stage().start({ pollInterval: '10s' });
    await stage.clock.advance(0);
    await stage.storage.transaction((tx) => stage.outbox.add(tx, 'up', '1'));
    await stage.clock.advance(9_999);
    expect(stage.sent).toEqual([]);
    await stage.clock.advance(1);
    expect(stage.sent).toEqual(['up 1']);
    await stage.add('up', '2');
    await stage.clock.advance(0);
    expect(stage.sent).toEqual(['up 1', 'up 2']);
    await stage.app.close();
  });

  it('tells of an outage of the database once, and goes on afterwards', async () => {
    const stage = await new Stage().start({ pollInterval: '1s' });
    await stage.clock.advance(0);
    stage.storage.onCall = (method) => {
      if (method === 'lease') throw new Error('database down');
    };
    await stage.clock.advance(60_000);
    expect(stage.lines.filter((line) => line.includes('database down'))).toHaveLength(1);
    stage.storage.onCall = () => undefined;
    await stage.add('up', '1');
    await stage.clock.advance(30_000);
    expect(stage.sent).toEqual(['up 1']);
    await stage.app.close();
  });

  it('begins nothing that might outlast its lease', async () => {
    const stage = await new Stage().start({ relay: false, lease: '10s', sendTimeout: '3s' });
    for (const text of ['1', '2', '3']) await stage.add('up', text, { orderKey: 'a' });
    const [producer] = stage.clients.producers;
    const send = producer?.send.bind(producer);
    Object.assign(producer as object, {
      send: async (...given: Parameters<NonNullable<typeof send>>) => {
        stage.clock.jump(4_000);
        return send?.(...given);
      },
    });
    expect(await stage.app.get(OutboxRelay).round()).toMatchObject({ sent: 2 });
    expect(stage.storage.state.outbox).toMatchObject([{ owner: undefined }]);
    await stage.app.close();
  });

  it('ends with the application, before the producers close', async () => {
    const stage = await new Stage().start();
    const relay = stage.app.get(OutboxRelay);
    expect(relay.isRunning).toBe(true);
    await stage.app.close();
    expect(relay.isRunning).toBe(false);
    expect(stage.clock.waiting).toBe(0);
  });
});
