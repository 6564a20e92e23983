import {
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQTemplate,
  getRocketMQTemplateToken,
} from './index.js';
import { FakeClients, storedMessage } from './testing/fake-client.js';
import { startApplication, testOptions } from './testing/test-application.js';

@Injectable()
class Database implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  journal: string[] = [];

  constructor(private readonly template: RocketMQTemplate) {}

  async onModuleInit(): Promise<void> {
    await this.template.send('started', 'hello');
    this.journal.push('database opens');
  }

  onApplicationBootstrap(): void {
    this.journal.push('database is ready');
  }

  async onModuleDestroy(): Promise<void> {
    await this.template.send('stopping', 'bye');
    this.journal.push('database closes');
  }
}

@Injectable()
class Payments {
  handled = 0;
  wait: Promise<void> = Promise.resolve();

  constructor(private readonly template: RocketMQTemplate) {}

  @RocketMQListener({ topic: 'orders', group: 'payments', shutdownTimeout: '10s' })
  async onOrder(): Promise<void> {
    await this.wait;
    await this.template.send('paid', 'x');
    this.handled += 1;
  }
}

@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

/** The clients and the database write into one journal. */
async function start(clients = new FakeClients(), options = testOptions) {
  const original = Database.prototype.onModuleInit;
  const started = await startApplication(
    { imports: [DatabaseModule], providers: [Payments] },
    options,
    clients,
  );
  expect(Database.prototype.onModuleInit).toBe(original);
  return started;
}

describe('the life of an application', () => {
  it('has producers first, consumers last on start, and the reverse on stop', async () => {
    const clients = new FakeClients();
    const { app } = await start(clients);
    const { journal } = app.get(Database);
    clients.onEvent = (event) => void journal.push(event);
    expect(clients.journal).toEqual(['start producer orders-service', 'start consumer payments']);
    expect(journal).toEqual(['database opens', 'database is ready']);
    await app.close();
    expect(journal.slice(2)).toEqual([
      'close consumer payments',
      'database closes',
      'close producer orders-service',
      'close connection default',
    ]);
    expect(clients.sent.map(({ topic }) => topic)).toEqual(['started', 'stopping']);
  });

  it('starts consumers after every bootstrap hook of the application', async () => {
    const clients = new FakeClients();
    const before: string[] = [];
    @Injectable()
    class Late implements OnApplicationBootstrap {
      async onApplicationBootstrap(): Promise<void> {
        await Promise.resolve();
        before.push(...clients.journal);
      }
    }
    const providers = [Payments, Late];
    const { app } = await startApplication({ providers }, testOptions, clients);
    expect(before).toEqual(['start producer orders-service']);
    await app.close();
  });

  it('waits for the handler in hand when it stops, and the handler can still send', async () => {
    const clients = new FakeClients();
    const { app } = await start(clients);
    const payments = app.get(Payments);
    let release!: () => void;
    payments.wait = new Promise((resolve) => (release = resolve));
    const delivery = clients.consumer('payments').deliver(storedMessage({}));
    clients.onEvent = async (event) => {
      if (event !== 'close consumer payments') return;
      release();
      await delivery;
    };
    await app.close();
    expect(payments.handled).toBe(1);
    expect(await delivery).toEqual([{ kind: 'success' }]);
  });

  it('ends although a consumer and a producer never close', async () => {
    const clock = new ManualClock();
    const clients = new FakeClients();
    const { app, logger } = await start(clients, { ...testOptions, clock });
    let stuck = 0;
    clients.onEvent = (event) => {
      if (!/^close (consumer|producer)/.test(event)) return undefined;
      stuck += 1;
      return new Promise<void>(() => undefined);
    };
    const closing = app.close();
    for (let turn = 0; turn < 100 && stuck < 2; turn += 1) await clock.advance(1_000);
    await clock.advance(10_000);
    await closing;
    expect(stuck).toBe(2);
    expect(logger.of('warn').join()).toContain("group 'payments' did not close cleanly");
  });

  it('stops what it started when a consumer cannot start', async () => {
    const clients = new FakeClients();
    clients.onEvent = (event) => {
      if (event === 'start consumer points') throw new Error('no route');
    };
    @Injectable()
    class Points {
      @RocketMQListener({ topic: 'orders', group: 'points' })
      onOrder(): void {}
    }
    const providers = [Payments, Points];
    await expect(startApplication({ providers }, testOptions, clients)).rejects.toThrow('no route');
    const closed = clients.journal.filter((event) => event.startsWith('close'));
    expect(closed).toContain('close consumer payments');
    expect(closed.slice(-2)).toEqual(['close producer orders-service', 'close connection default']);
  });

  it('closes what it opened when a producer cannot start', async () => {
    const clients = new FakeClients();
    clients.onEvent = (event) => {
      if (event.startsWith('start producer')) throw new Error('no server');
    };
    await expect(startApplication({}, testOptions, clients)).rejects.toThrow('no server');
    expect(clients.journal).toContain('close connection default');
  });

  it('refuses a template that is used after the close, and says so', async () => {
    const { app } = await start();
    const template = app.get<RocketMQTemplate>(getRocketMQTemplateToken());
    await app.close();
    await expect(template.send('orders', {})).rejects.toMatchObject({ code: 'ROCKETMQ_CLOSED' });
  });

  it('keeps two applications in one process apart', async () => {
    const [a, b] = [new FakeClients(), new FakeClients()];
    const first = await start(a);
    const second = await start(b, { nameServers: 'elsewhere:9876' });
    await first.app.close();
    await second.app.get(RocketMQTemplate).send('orders', {});
    expect(b.sent.map(({ topic }) => topic)).toEqual(['started', 'orders']);
    expect(a.journal).toContain('close consumer payments');
    expect(b.journal).not.toContain('close consumer payments');
    await second.app.close();
  });
});

describe('the registry', () => {
  it('shows, pauses and resumes listeners', async () => {
    const clients = new FakeClients();
    const { app } = await start(clients);
    const registry = app.get(RocketMQListenerRegistry);
    const listener = registry.get('Payments.onOrder');
    expect(listener).toMatchObject({ group: 'payments', state: 'running', inHand: 0 });
    listener.pause();
    expect([listener.state, clients.consumer('payments').isPaused]).toEqual(['paused', true]);
    listener.resume();
    expect([listener.state, clients.consumer('payments').isPaused]).toEqual(['running', false]);
    expect(() => registry.get('nobody')).toThrow('known are Payments.onOrder');
    await app.close();
    expect(listener.state).toBe('stopped');
  });

  it('shows listeners that are switched off, for one or for all', async () => {
    const options = { ...testOptions, consumer: { enabled: false } };
    const { app, clients } = await start(new FakeClients(), options);
    expect(app.get(RocketMQListenerRegistry).listeners).toMatchObject([{ state: 'disabled' }]);
    expect(clients.consumers).toEqual([]);
    await app.close();
  });
});
