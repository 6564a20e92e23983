import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { ConsumerQueueStatus, ConsumerStatus } from '../client-port.js';
import { RocketMQHealthIndicator, RocketMQListener, RocketMQModule } from '../index.js';
import { OutboxService, RocketMQConsistencyModule } from '../consistency/index.js';
import { FakeClients } from '../testing/fake-client.js';
import { MemoryStorage, type MemoryTx } from '../testing/memory-storage.js';
import { LinesLogger, onFakeClients } from '../testing/test-application.js';
import { startApplication, testOptions } from '../testing/test-application.js';

@Injectable()
class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments' })
  onOrder(): void {}
}

function queue(queueId: number, given: Partial<ConsumerQueueStatus> = {}): ConsumerQueueStatus {
  return {
    queue: { topic: 'orders', brokerName: 'a', queueId },
    committed: 10,
    pullOffset: 12,
    held: 2,
    end: 15,
    isPaused: false,
    pulledAt: 0,
    consumedAt: 0,
    ...given,
  };
}

function status(given: Partial<ConsumerStatus> = {}): ConsumerStatus {
  return { clientId: 'c', isRunning: true, isPaused: false, queues: [], ...given };
}

async function start(clients = new FakeClients(), clock = new ManualClock()) {
  clients.brokers ??= () => Promise.resolve([{ name: 'a', address: 'host:10911' }]);
  clients.reaches ??= () => Promise.resolve(true);
  clients.routeOf ??= (topic) => (topic === 'orders' ? { queues: 4 } : undefined);
  const options = { ...testOptions, startup: { wait: false }, clock };
  const { app } = await startApplication({ providers: [Payments] }, options, clients);
  return { app, clients, clock, health: app.get(RocketMQHealthIndicator) };
}

describe('the health of an application', () => {
  it('tells connections, producers and groups', async () => {
    const { app, clients, clock, health } = await start();
    const pulledAt = clock.now() - 3_000;
    const queues = [queue(0, { pulledAt }), queue(1, { pulledAt: clock.now() })];
    clients.consumer('payments').status = () => status({ queues });
    expect(await health.check()).toEqual({
      isReady: true,
      isAlive: true,
      problems: [],
      connections: {
        default: {
          status: 'up',
          brokers: { a: true },
          producers: ['orders-service'],
          groups: {
            payments: {
              status: 'up',
              isPaused: false,
              routes: { orders: true },
              assignedQueues: 2,
              lag: 10,
              held: 4,
              lastPullAge: 3_000,
            },
          },
        },
      },
    });
    await app.close();
  });

  it('is not ready, but alive, while the servers are gone', async () => {
    const clients = new FakeClients();
    clients.brokers = () => Promise.reject(new Error('nobody answers'));
    const { app, health } = await start(clients);
    expect(await health.readiness('rocketmq')).toMatchObject({
      rocketmq: { status: 'down', message: "connection 'default': nobody answers" },
    });
    expect(await health.liveness('rocketmq')).toEqual({ rocketmq: { status: 'up' } });
    await app.close();
  });

  it('is not ready when no broker can be reached, or none answers in time', async () => {
    const clients = new FakeClients();
    clients.reaches = () => Promise.resolve(false);
    const { app, health, clock } = await start(clients);
    const { problems } = await health.check();
    expect(problems).toEqual(["connection 'default': no broker can be reached (a)"]);
    await app.close();
    const slow = new FakeClients();
    slow.brokers = () => new Promise(() => undefined);
    const second = await start(slow, clock);
    const asked = second.health.check({ timeout: '2s' });
    await clock.advance(2_000);
    expect((await asked).problems).toEqual([
      "connection 'default': the servers did not answer within 2000 ms",
    ]);
    await second.app.close();
  });

  it('is not ready when a group lags, does not run, or its topic has no route', async () => {
    const { app, clients, health } = await start();
    const consumer = clients.consumer('payments');
    consumer.status = () => status({ queues: [queue(0)] });
    expect((await health.check({ maxLag: 5 })).isReady).toBe(true);
    expect((await health.check({ maxLag: 4 })).problems).toEqual([
      "group 'payments' (default): 5 messages wait, and maxLag is 4",
    ]);
    consumer.status = () => status({ isRunning: false });
    expect((await health.check()).problems).toEqual([
      "group 'payments' (default): its consumer does not run",
    ]);
    await app.close();
    const lost = new FakeClients();
    lost.routeOf = () => undefined;
    const second = await start(lost);
    expect((await second.health.check()).isReady).toBe(true);
    expect((await second.health.check({ requireRoutes: true })).problems).toEqual([
      "group 'payments' (default): no route is known to orders",
    ]);
    await second.app.close();
  });

  it('is not alive when a queue is not pulled although nothing stands against it', async () => {
    const { app, clients, clock, health } = await start();
    const consumer = clients.consumer('payments');
    const pulledAt = clock.now();
    await clock.advance(121_000);
    const states: [ConsumerStatus, 'up' | 'down'][] = [
      [status({ queues: [queue(0, { pulledAt, held: 0 })] }), 'down'],
      [status({ queues: [queue(0, { pulledAt, held: 3 })] }), 'up'],
      [status({ queues: [queue(0, { pulledAt, held: 0, isPaused: true })] }), 'up'],
      [status({ isPaused: true, queues: [queue(0, { pulledAt, held: 0 })] }), 'up'],
    ];
    for (const [state, expected] of states) {
      consumer.status = () => state;
      expect((await health.liveness('mq')).mq.status).toBe(expected);
    }
    await app.close();
  });

  it('refuses unknown options and connections with the nearest name', async () => {
    const { app, health } = await start();
    await expect(health.check({ maxLagg: 1 } as never)).rejects.toThrow("did you mean 'maxLag'?");
    await expect(health.check({ connections: ['orders'] })).rejects.toThrow(
      'RocketMQModule knows default',
    );
    await app.close();
  });

  it('goes into the answer of Terminus', async () => {
    const clients = new FakeClients();
    clients.brokers = () => Promise.resolve([]);
    clients.reaches = () => Promise.resolve(true);
    @Controller('health')
    class HealthController {
      constructor(
        readonly health: HealthCheckService,
        readonly rocketmq: RocketMQHealthIndicator,
      ) {}

      @Get('live')
      @HealthCheck()
      live() {
        return this.health.check([() => this.rocketmq.liveness('rocketmq')]);
      }

      @Get('ready')
      @HealthCheck()
      ready() {
        return this.health.check([() => this.rocketmq.isHealthy('rocketmq')]);
      }
    }
    @Module({ imports: [TerminusModule], controllers: [HealthController] })
    class HealthModule {}
    const options = { ...testOptions, startup: { wait: false }, clock: new ManualClock() };
    const root = onFakeClients(RocketMQModule.forRoot(options), clients);
    const builder = Test.createTestingModule({ imports: [root, HealthModule] });
    const app = await builder.setLogger(new LinesLogger()).compile();
    await app.init();
    const controller = app.get(HealthController, { strict: false });
    expect(await controller.live()).toMatchObject({
      status: 'ok',
      info: { rocketmq: { status: 'up' } },
    });
    await expect(controller.ready()).rejects.toMatchObject({
      response: {
        status: 'error',
        error: {
          rocketmq: {
            status: 'down',
            message: "connection 'default': its name servers know no broker",
          },
        },
      },
    });
    await app.close();
  });
});

describe('the health of an outbox', () => {
  async function startWith(storage: MemoryStorage) {
    const clients = new FakeClients();
    clients.brokers = () => Promise.resolve([{ name: 'a', address: 'host:10911' }]);
    clients.reaches = () => Promise.resolve(true);
    const outbox = { relay: false };
    const imports = [RocketMQConsistencyModule.forRoot({ storage, outbox })];
    const options = { ...testOptions, startup: { wait: false }, clock: new ManualClock() };
    const { app } = await startApplication({ imports }, options, clients);
    const add = async () => {
      const service = app.get<OutboxService<MemoryTx>>(OutboxService);
      await service.transaction((tx) => service.add(tx, 'orders', {}));
    };
    return { app, clients, add, health: app.get(RocketMQHealthIndicator) };
  }

  it('is told with its lag, and without an outbox there is none', async () => {
    const { app, health, add } = await startWith(new MemoryStorage());
    const empty = { status: 'up', waiting: 0, poisoned: 0, oldestAge: -1 };
    expect((await health.check()).outbox).toEqual(empty);
    await add();
    const { rocketmq } = await health.readiness('rocketmq');
    const outbox = { status: 'up', waiting: 1, poisoned: 0, oldestAge: 1 };
    expect(rocketmq).toMatchObject({ status: 'up', outbox });
    expect(await health.check({ outbox: false })).not.toHaveProperty('outbox');
    await app.close();
    const other = await start();
    expect(await other.health.check()).not.toHaveProperty('outbox');
    await other.app.close();
  });

  it('makes the application not ready when a message waits too long', async () => {
    const storage = new MemoryStorage();
    storage.lag = () => Promise.resolve({ waiting: 2, poisoned: 3, oldestAgeMs: 61_000 });
    const { app, health } = await startWith(storage);
    expect((await health.check()).isReady).toBe(true);
    const { rocketmq } = await health.readiness('rocketmq', { maxOutboxAge: '1m' });
    const problem = 'a message waits for 61000 ms, and maxOutboxAge is 60000 ms';
    expect(rocketmq).toMatchObject({ status: 'down', message: `outbox: ${problem}` });
    expect(rocketmq.outbox).toEqual({
      status: 'down',
      problem,
      waiting: 2,
      poisoned: 3,
      oldestAge: 61_000,
    });
    await app.close();
  });

  it('makes it not ready, but leaves it alive, when its database does not answer', async () => {
    const storage = new MemoryStorage();
    storage.lag = () => Promise.reject(new Error('no database'));
    const { app, health } = await startWith(storage);
    expect(await health.check()).toMatchObject({
      isReady: false,
      isAlive: true,
      problems: ['outbox: no database'],
      outbox: { status: 'down', problem: 'no database', waiting: -1, poisoned: -1, oldestAge: -1 },
    });
    await app.close();
  });
});
