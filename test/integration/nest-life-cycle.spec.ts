import {
  Injectable,
  Module,
  type INestApplicationContext,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { nodeFileSystem } from '@nestjs-rocketmq/embedded';
import { Deferred } from '@nestjs-rocketmq/foundation';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MessageContext,
  MessagePayload,
  RocketMQContext,
  RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { Inbox } from '../support/inbox.js';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

@Injectable()
class Database implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  isOpen = false;

  constructor(private readonly template: RocketMQTemplate) {}

  async onModuleInit(): Promise<void> {
    await this.template.send('orders', { id: 'from onModuleInit' });
  }

  onApplicationBootstrap(): void {
    this.isOpen = true;
  }

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@Injectable()
class Orders {
  readonly begun = new Inbox<string>();
  readonly ended = new Inbox<string>();
  gate: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly template: RocketMQTemplate,
  ) {}

  @RocketMQListener({ topic: 'orders', group: 'orders' })
  async onOrder(
    @MessagePayload() order: { id: string },
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    this.begun.put(order.id);
    await this.gate;
    await this.template.send('handled', order);
    const facts = [this.database.isOpen ? 'open' : 'closed', context.reconsumeTimes];
    this.ended.put(`${order.id} ${facts.join(' ')}`);
  }
}

@Injectable()
class Early {
  readonly seen = new Inbox<string>();

  @RocketMQListener({ topic: 'early', group: 'early' })
  onMessage(payload: { id: string }): void {
    this.seen.put(payload.id);
  }
}

@Injectable()
class Stuck {
  readonly begun = new Inbox<string>();
  readonly aborted = new Inbox<string>();

  @RocketMQListener({ topic: 'stuck', group: 'stuck', shutdownTimeout: '200ms' })
  async onMessage(payload: { id: string }, context: RocketMQContext): Promise<void> {
    this.begun.put(payload.id);
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.aborted.put(payload.id);
    throw new Error('given up');
  }
}

@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

const metadata = { imports: [DatabaseModule], providers: [Orders] };

async function consumed(app: INestApplicationContext, count: number): Promise<string[]> {
  return (await app.get(Orders).ended.take(count)).toSorted();
}

describe('the life of a Nest application on a broker', () => {
  it('sends in onModuleInit, and consumes when everything has started', async () => {
    await using embedded = await startEmbedded(['orders', 'handled']);
    const app = await startNest(embedded, metadata);
    expect(await consumed(app, 1)).toEqual(['from onModuleInit open 0']);
    await app.close();
  });

  it('drains on close: the handler in hand ends with the database open, and comes only once', async () => {
    await using embedded = await startEmbedded(['orders', 'handled']);
    const app = await startNest(embedded, metadata);
    await consumed(app, 1);
    const orders = app.get(Orders);
    await orders.begun.next();
    const gate = new Deferred<void>();
    orders.gate = gate.promise;
    await app.get(RocketMQTemplate).send('orders', { id: 'in hand' });
    await orders.begun.next();
    const closing = app.close();
    gate.resolve();
    await closing;
    expect(orders.ended.all).toContain('in hand open 0');
    const next = await startNest(embedded, metadata);
    await next.get(RocketMQTemplate).send('orders', { id: 'later' });
    expect(await consumed(next, 2)).toEqual(['from onModuleInit open 0', 'later open 0']);
    await next.close();
  });

  it('stops at its deadline; the message whose handler did not end comes again', async () => {
    await using embedded = await startEmbedded(['stuck']);
    const app = await startNest(embedded, { providers: [Stuck] });
    await app.get(RocketMQTemplate).send('stuck', { id: 's1' });
    expect(await app.get(Stuck).begun.next()).toBe('s1');
    await app.close();
    expect(await app.get(Stuck).aborted.next()).toBe('s1');
    const next = await startNest(embedded, { providers: [Stuck] });
    expect(await next.get(Stuck).begun.next()).toBe('s1');
    await next.close();
  });

  it('ends although the servers are gone', async () => {
    const embedded = await startEmbedded(['orders', 'handled']);
    const app = await startNest(embedded, metadata);
    await consumed(app, 1);
    await embedded.close();
    await app.close();
    expect(app.get(RocketMQListenerRegistry).listeners.map(({ state }) => state)).toEqual([
      'stopped',
    ]);
  });

  it('may begin before its servers are there', async () => {
    const before = await startEmbedded([]);
    const listenPort = Number(before.nameServers.split(':')[1]);
    await before.close();
    const app = await startNest(before, { providers: [Early] }, { startup: { wait: false } });
    try {
      await using embedded = await startEmbedded(['early'], {}, { listenPort });
      expect(embedded.nameServers).toBe(before.nameServers);
      await app.get(RocketMQTemplate).send('early', { id: 'e1' });
      expect(await app.get(Early).seen.next()).toBe('e1');
    } finally {
      await app.close();
    }
  });

  it('goes on when its servers come back', async () => {
    const dir = join(tmpdir(), `nest-life-${randomUUID()}`);
    const first = await startEmbedded(['early'], {}, {}, dir);
    const listenPort = Number(first.nameServers.split(':')[1]);
    const broker = { listenPort: Number(first.brokerAddress.split(':')[1]) };
    const app = await startNest(first, { providers: [Early] });
    try {
      await app.get(RocketMQTemplate).send('early', { id: 'e1' });
      expect(await app.get(Early).seen.next()).toBe('e1');
      await first.close();
      const template = app.get(RocketMQTemplate);
      await expect(template.send('early', 'x', { timeout: 300 })).rejects.toThrow();
      await using second = await startEmbedded([], broker, { listenPort }, dir);
      expect(second.nameServers).toBe(first.nameServers);
      await template.send('early', { id: 'e2' });
      expect(await app.get(Early).seen.next()).toBe('e2');
      await app.close();
    } finally {
      await app.close();
      nodeFileSystem.remove(dir);
    }
  });

  it('is two lives when two applications run in one process', async () => {
    await using one = await startEmbedded(['orders', 'handled']);
    await using two = await startEmbedded(['orders', 'handled']);
    const first = await startNest(one, metadata);
    const second = await startNest(two, metadata);
    await first.get(RocketMQTemplate).send('orders', { id: 'first' });
    await second.get(RocketMQTemplate).send('orders', { id: 'second' });
    expect(await consumed(first, 2)).toEqual(['first open 0', 'from onModuleInit open 0']);
    await first.close();
    await second.get(RocketMQTemplate).send('orders', { id: 'third' });
    expect(await consumed(second, 3)).toContain('third open 0');
    await second.close();
  });

  it('pauses and resumes a listener', async () => {
    await using embedded = await startEmbedded(['orders', 'handled']);
    const app = await startNest(embedded, metadata);
    await consumed(app, 1);
    const listener = app.get(RocketMQListenerRegistry).get('Orders.onOrder');
    listener.pause();
    expect(listener.state).toBe('paused');
    listener.resume();
    await app.get(RocketMQTemplate).send('orders', { id: 'resumed' });
    expect(await consumed(app, 1)).toEqual(['resumed open 0']);
    await app.close();
  });
});
