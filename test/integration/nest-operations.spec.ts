import { Injectable } from '@nestjs/common';
import { ROOT_CONTEXT, context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  RocketMQEvents,
  RocketMQHealthIndicator,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  type RocketMQEvent,
} from 'nestjs-rocketmq';
import { Registry } from 'prom-client';
import { eventually } from '../support/eventually.js';
import { Inbox } from '../support/inbox.js';
import { LogLines, startEmbedded, startNest } from '../support/nest-on-embedded.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});

@Injectable()
class Payments {
  readonly seen = new Inbox<string>();
  tries = 0;

  constructor(private readonly template: RocketMQTemplate) {}

  @RocketMQListener({ topic: 'orders', group: 'payments' })
  async onOrder(order: { id: string }): Promise<void> {
    this.tries += 1;
    if (this.tries === 1) throw new Error('once more, please');
    await this.template.send('paid', order);
    this.seen.put(order.id);
  }
}

@Injectable()
class Points {
  readonly seen = new Inbox<string>();

  @RocketMQListener({ topic: 'paid', group: 'points' })
  onPaid(order: { id: string }): void {
    this.seen.put(order.id);
  }
}

describe('operations on a broker', () => {
  let embedded: EmbeddedRocketMQ;
  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    embedded = await startEmbedded(['orders', 'paid']);
  });
  afterAll(async () => {
    context.disable();
    await embedded.close();
  });

  it('one trace crosses the broker, a retry, and a second broker hop', async () => {
    exporter.reset();
    const providers = [Payments, Points];
    const app = await startNest(embedded, { providers }, { telemetry: { tracerProvider } });
    const outer = tracerProvider.getTracer('spec').startSpan('request');
    const inside = trace.setSpan(ROOT_CONTEXT, outer);
    await context.with(inside, () => app.get(RocketMQTemplate).send('orders', { id: 'o1' }));
    expect(await app.get(Points).seen.next()).toBe('o1');
    await app.close();
    const all = exporter.getFinishedSpans();
    const spans = all.filter(({ name }) => !name.startsWith('receive '));
    const [sendOrder, firstTry, secondTry, sendPaid, points] = [
      'send orders',
      'process orders',
      'process orders',
      'send paid',
      'process paid',
    ].map((name, at) => spans.filter((span) => span.name === name)[at === 2 ? 1 : 0]);
    const parents = [sendOrder, firstTry, secondTry, sendPaid, points].map(
      (span) => span?.parentSpanContext?.spanId,
    );
    const idOf = (span: typeof sendOrder) => span?.spanContext().spanId;
    expect(parents).toEqual([
      outer.spanContext().spanId,
      idOf(sendOrder),
      idOf(sendOrder),
      idOf(secondTry),
      idOf(sendPaid),
    ]);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(secondTry?.attributes['messaging.rocketmq.message.reconsume_times']).toBe(1);
    const receipts = all.filter(({ name }) => name.startsWith('receive '));
    expect(receipts.map(({ name }) => name).toSorted()).toEqual([
      'receive %RETRY%payments',
      'receive orders',
      'receive paid',
    ]);
    for (const receipt of receipts) {
      expect(receipt.parentSpanContext).toBeUndefined();
      expect(receipt.links.map((link) => link.context.traceId)).toEqual([
        outer.spanContext().traceId,
      ]);
    }
    expect(secondTry?.attributes['messaging.destination.name']).toBe('orders');
  });

  it('health and gauges tell of assigned queues, routes and lag', async () => {
    const registry = new Registry();
    const app = await startNest(embedded, { providers: [Points] }, { metrics: { registry } });
    await app.get(RocketMQTemplate).send('paid', { id: 'p1' });
    await app.get(Points).seen.next();
    const health = app.get(RocketMQHealthIndicator);
    const group = await eventually('all is consumed', 20_000, async () => {
      const { connections } = await health.check();
      const points = connections['default']?.groups['points'];
      return points?.lag === 0 && points.held === 0 ? points : undefined;
    });
    expect(group).toMatchObject({ status: 'up', routes: { paid: true }, isPaused: false });
    // The four of the topic, and the one of the retry topic.
    expect(group.assignedQueues).toBeGreaterThanOrEqual(4);
    expect(group.lastPullAge).toBeGreaterThanOrEqual(0);
    const text = await registry.metrics();
    const labels = 'connection="default",group="points",topic="paid"';
    expect(text).toContain(`rocketmq_consumer_assigned_queues{${labels}} 4`);
    expect(text).toContain(`rocketmq_consumer_lag_messages{${labels}} 0`);
    await app.close();
  });

  it('a broker that goes and comes back is told once each, and health follows', async () => {
    await using servers = await startEmbedded(['paid']);
    const [listenPort, brokerPort] = [servers.nameServers, servers.brokerAddress].map((address) =>
      Number(address.split(':')[1]),
    );
    const log = new LogLines();
    const app = await startNest(servers, { providers: [Points] }, {}, log);
    try {
      const told: RocketMQEvent[] = [];
      app
        .get(RocketMQEvents)
        .stream()
        .subscribe((event) => told.push(event));
      const health = app.get(RocketMQHealthIndicator);
      expect((await health.check()).isReady).toBe(true);
      await servers.close();
      const count = (type: string) => told.filter((event) => event.type === type).length;
      await eventually('lost', 30_000, () => count('connection-lost') === 1 || undefined);
      expect(await health.check()).toMatchObject({ isReady: false, isAlive: true });
      const back = await startEmbedded(
        ['paid'],
        { listenPort: brokerPort },
        { listenPort: listenPort as number },
      );
      await eventually('regained', 60_000, () => count('connection-regained') === 1 || undefined);
      expect(count('connection-lost')).toBe(1);
      const sentences = log.lines.filter((line) => line.includes("Connection 'default'"));
      expect(sentences).toHaveLength(2);
      await app.close();
      await back.close();
    } finally {
      await app.close();
    }
  });
});

describe('a start without servers', () => {
  it('says one sentence on a wrong address, and none besides', async () => {
    const log = new LogLines();
    const embedded = { nameServers: '127.0.0.1:1', dir: '.' } as EmbeddedRocketMQ;
    const startup = { timeout: 100 };
    const app = await startNest(embedded, { providers: [Points] }, { startup }, log);
    const bad = log.lines.filter((line) => /^(warn|error)/.test(line));
    expect(bad).toEqual([expect.stringContaining("Connection 'default' (127.0.0.1:1) cannot be")]);
    await app.close();
    expect(log.lines.filter((line) => /^(warn|error)/.test(line))).toEqual(bad);
  });

  it('says the same when it does not wait for them', async () => {
    const log = new LogLines();
    const embedded = { nameServers: '127.0.0.1:1', dir: '.' } as EmbeddedRocketMQ;
    const startup = { wait: false };
    const app = await startNest(embedded, { providers: [Points] }, { startup }, log);
    const bad = () => log.lines.filter((line) => /^(warn|error)/.test(line));
    await eventually('the sentence', 30_000, () => bad()[0]);
    expect(bad()).toEqual([expect.stringContaining("Connection 'default' (127.0.0.1:1) cannot")]);
    await app.close();
  });

  it('is refused with failFast, and leaves nothing open', async () => {
    const embedded = { nameServers: '127.0.0.1:1', dir: '.' } as EmbeddedRocketMQ;
    const startup = { timeout: 100, failFast: true };
    const imports = [RocketMQModule.forFeature({ templates: ['default'] })];
    await expect(startNest(embedded, { imports }, { startup })).rejects.toMatchObject({
      code: 'ROCKETMQ_CONNECTION_FAILED',
    });
  });
});
