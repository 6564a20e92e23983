import { Injectable } from '@nestjs/common';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import {
  NonRetryableError,
  RetryLaterError,
  RocketMQListener,
  RocketMQListenerRegistry,
  RocketMQTemplate,
} from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import type { FakePull } from '../testing/fake-pull.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';
import { readTraceParent, writeTraceParent } from './trace-parent.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});

@Injectable()
class Payments {
  readonly active: (string | undefined)[] = [];

  @RocketMQListener({ topic: 'orders', group: 'payments' })
  async onOrder(order: {
    readonly isBad?: boolean;
    readonly fails?: boolean;
    readonly isEarly?: boolean;
  }): Promise<void> {
    await Promise.resolve();
    this.active.push(trace.getActiveSpan()?.spanContext().spanId);
    if (order.isBad === true) throw new NonRetryableError('never');
    if (order.fails === true) throw Object.assign(new Error('not now'), { code: 'DATABASE_DOWN' });
    if (order.isEarly === true) throw new RetryLaterError('too early');
  }

  @RocketMQListener({ topic: 'points', group: 'points', batch: 8 })
  onPoints(points: readonly { readonly fails?: boolean }[]): void {
    if (points.some(({ fails }) => fails === true)) throw new Error('no points');
  }

  @RocketMQListener({ topic: 'news', group: 'news', model: 'broadcasting' })
  onNews(): void {
    throw new Error('no reader');
  }
}

async function start(telemetry: object = { tracerProvider }) {
  const clients = new FakeClients();
  const pullConsumers = { audit: { group: 'audit', topic: 'orders' } };
  const options = { ...testOptions, telemetry, pullConsumers };
  const { app } = await startApplication({ providers: [Payments] }, options, clients);
  return { app, clients, template: app.get(RocketMQTemplate) };
}

function spans(): ReadableSpan[] {
  const all = exporter.getFinishedSpans();
  exporter.reset();
  return all;
}

const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('spans', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => context.disable());
  beforeEach(() => exporter.reset());

  it('of a send have the attributes of a message and leave their context in it', async () => {
    const { app, clients, template } = await start();
    await template.sendOrderly('orders:placed', { id: 1 }, 'customer-7', { keys: ['k1'] });
    const [span] = spans();
    expect(span).toMatchObject({
      name: 'send orders',
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.system': 'rocketmq',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders',
        'messaging.destination.partition.id': 'fake:0',
        'messaging.message.id': 'M0',
        'messaging.message.body.size': 8,
        'messaging.rocketmq.client_group': 'orders-service',
        'messaging.rocketmq.message.tag': 'placed',
        'messaging.rocketmq.message.keys': ['k1'],
        'messaging.rocketmq.message.type': 'fifo',
        'messaging.rocketmq.message.group': 'customer-7',
      },
    });
    const { traceId, spanId } = span?.spanContext() ?? {};
    expect(clients.sent[0]?.properties?.['traceparent']).toBe(`00-${traceId}-${spanId}-01`);
    await app.close();
  });

  it('of a send belong to the span around it, and tell how it failed', async () => {
    const { app, clients, template } = await start();
    const [producer] = clients.producers;
    if (producer !== undefined) {
      producer.failWith = Object.assign(new Error('full'), { code: 'BROKER_FULL' });
    }
    const outer = tracerProvider.getTracer('spec').startSpan('request');
    const inside = trace.setSpan(ROOT_CONTEXT, outer);
    await expect(context.with(inside, () => template.send('orders', {}))).rejects.toThrow('full');
    const [span] = spans();
    expect(span?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'full' });
    expect(span?.attributes['error.type']).toBe('BROKER_FULL');
    expect(span?.events.map(({ name }) => name)).toEqual(['exception']);
    await app.close();
  });

  it('of a message that brings a context keep it, and link to it', async () => {
    const { app, clients, template } = await start();
    await template.send('orders', {}, { properties: { traceparent: parent } });
    const [span] = spans();
    expect(clients.sent[0]?.properties?.['traceparent']).toBe(parent);
    expect(span?.links.map((link) => link.context.traceId)).toEqual(['a'.repeat(32)]);
    await app.close();
  });

  it('write nothing into messages when told so', async () => {
    const { app, clients, template } = await start({ tracerProvider, propagate: false });
    await template.send('orders', {});
    expect(spans()).toHaveLength(1);
    expect(clients.sent[0]?.properties).not.toHaveProperty('traceparent');
    await app.close();
  });

  it('of a handler are children of the send, and active while it runs', async () => {
    const { app, clients } = await start();
    const message = storedMessage({}, { properties: { traceparent: parent }, keys: ['k1'] });
    await clients.consumer('payments').deliver(message);
    const [span] = spans();
    expect(span).toMatchObject({
      name: 'process orders',
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'orders',
        'messaging.consumer.group.name': 'payments',
        'messaging.rocketmq.consumption_model': 'clustering',
        'messaging.message.id': 'UNIQUE',
        'messaging.rocketmq.message.keys': ['k1'],
        'messaging.rocketmq.message.reconsume_times': 0,
        'messaging.rocketmq.outcome': 'success',
      },
    });
    expect(span?.spanContext().traceId).toBe('a'.repeat(32));
    expect(span?.parentSpanContext?.spanId).toBe('b'.repeat(16));
    expect(app.get(Payments).active).toEqual([span?.spanContext().spanId]);
    await app.close();
  });

  it.each([
    ['a dead letter', { isBad: true }, 'dead-letter', 'never', 'ROCKETMQ_NON_RETRYABLE'],
    ['a retry', { fails: true }, 'retry', 'not now', 'DATABASE_DOWN'],
  ])('of a handler that fails have its error: %s', async (_, payload, outcome, message, type) => {
    const { app, clients } = await start();
    await clients.consumer('payments').deliver(storedMessage(payload));
    const [span] = spans();
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message });
    expect(span?.attributes).toMatchObject({
      'error.type': type,
      'messaging.rocketmq.outcome': outcome,
    });
    expect(span?.events).toMatchObject([
      { name: 'exception', attributes: { 'exception.message': message } },
    ]);
    await app.close();
  });

  it('of a handler that only decides on a retry say so without an error', async () => {
    const { app, clients } = await start();
    await clients.consumer('payments').deliver(storedMessage({ isEarly: true }));
    const [span] = spans();
    expect(span?.attributes).toMatchObject({
      'error.type': 'retry',
      'messaging.rocketmq.outcome': 'retry',
    });
    expect(span?.status.message).toBe('it will be delivered again');
    expect(span?.events).toEqual([]);
    await app.close();
  });

  it('of a broadcast handler that fails have its error, though nothing comes again', async () => {
    const { app, clients } = await start();
    await clients.consumer('news').deliver(storedMessage({}, { topic: 'news' }));
    const [span] = spans();
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no reader' });
    expect(span?.attributes['messaging.rocketmq.outcome']).toBe('success');
    await app.close();
  });

  it('of what is pulled belong to the span around it, and link to every message', async () => {
    const { app, clients, template } = await start();
    const pull = clients.pulls[0] as FakePull;
    const properties = { traceparent: parent };
    pull.put(2, 0, storedMessage({}, { properties }), storedMessage({}));
    const outer = tracerProvider.getTracer('spec').startSpan('request');
    const received = await context.with(trace.setSpan(ROOT_CONTEXT, outer), async () => {
      const all = await template.receive('audit', { max: 2 });
      await all.commit();
      return all;
    });
    expect(received).toHaveLength(2);
    const partition = { 'messaging.destination.partition.id': 'fake:2' };
    const common = { 'messaging.system': 'rocketmq', 'messaging.consumer.group.name': 'audit' };
    expect(spans()).toMatchObject([
      {
        name: 'receive orders',
        kind: SpanKind.CLIENT,
        parentSpanContext: { spanId: outer.spanContext().spanId },
        links: [{ context: { traceId: 'a'.repeat(32) } }],
        attributes: {
          ...common,
          ...partition,
          'messaging.operation.type': 'receive',
          'messaging.destination.name': 'orders',
          'messaging.batch.message_count': 2,
        },
      },
      {
        name: 'commit orders',
        kind: SpanKind.CLIENT,
        parentSpanContext: { spanId: outer.spanContext().spanId },
        attributes: { ...common, ...partition, 'messaging.operation.type': 'settle' },
      },
    ]);
    await app.close();
  });

  it('of a pull tell how it failed, and there is none of one that found nothing', async () => {
    const { app, clients, template } = await start();
    await template.receive('audit', { timeout: 0 });
    expect(spans()).toEqual([]);
    const pull = clients.pulls[0] as FakePull;
    pull.failWith = Object.assign(new Error('gone'), { code: 'CLIENT_GONE' });
    await expect(template.receive('audit', { timeout: 0 })).rejects.toThrow('gone');
    const [span] = spans();
    expect(span).toMatchObject({
      name: 'receive orders',
      status: { code: SpanStatusCode.ERROR, message: 'gone' },
      attributes: { 'error.type': 'CLIENT_GONE', 'messaging.batch.message_count': 0 },
    });
    await app.close();
  });

  it('of a batch have no parent, and a link to every message', async () => {
    const { app, clients } = await start();
    const other = parent.replaceAll('a', 'c');
    const messages = [parent, other].map((traceparent) =>
      storedMessage({}, { topic: 'points', properties: { traceparent } }),
    );
    await clients.consumer('points').deliver(...messages, storedMessage({}, { topic: 'points' }));
    const [span] = spans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.links.map((link) => link.context.traceId)).toEqual([
      'a'.repeat(32),
      'c'.repeat(32),
    ]);
    expect(span?.attributes['messaging.batch.message_count']).toBe(3);
    await app.close();
  });

  it('of a batch that fails have its error once', async () => {
    const { app, clients } = await start();
    const messages = [{}, { fails: true }].map((one) => storedMessage(one, { topic: 'points' }));
    await clients.consumer('points').deliver(...messages);
    const [span] = spans();
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no points' });
    expect(span?.events.map(({ name }) => name)).toEqual(['exception']);
    await app.close();
  });

  it('do not leak: what starts inside a span runs outside of it', async () => {
    const clients = new FakeClients();
    const inside: unknown[] = [];
    const { app } = await startApplication({ providers: [Payments] }, testOptions, clients);
    clients.onEvent = (event) => {
      if (event.startsWith('start')) inside.push(trace.getActiveSpan());
    };
    const registry = app.get(RocketMQListenerRegistry) as unknown as {
      startAll(): Promise<void>;
      stopAll(): Promise<void>;
    };
    await registry.stopAll();
    const outer = tracerProvider.getTracer('spec').startSpan('request');
    await context.with(trace.setSpan(ROOT_CONTEXT, outer), () => registry.startAll());
    expect(inside).toEqual([undefined, undefined, undefined]);
    await app.close();
  });

  it('are refused with options that are none', async () => {
    const options = { ...testOptions, telemetry: { tracerProvider: {} } as never };
    const error = await refusal({}, options);
    expect(error.message).toContain("'tracerProvider' must be a TracerProvider");
  });
});

describe('W3C trace context', () => {
  const state = () => ({ serialize: () => 'x=1' }) as never;

  it('is read and written', () => {
    const read = readTraceParent({ traceparent: parent, tracestate: 'x=1' }, state);
    const carrier = {};
    if (read !== undefined) writeTraceParent(read, carrier);
    expect(carrier).toEqual({ traceparent: parent, tracestate: 'x=1' });
  });

  it.each([
    ['nothing', undefined],
    ['no trace', parent.replaceAll('a', '0')],
    ['no span', parent.replaceAll('b', '0')],
    ['a forbidden version', parent.replace('00-', 'ff-')],
    ['too much', `${parent}-more`],
    ['capitals', parent.toUpperCase()],
  ])('does not count: %s', (_, traceparent) => {
    const properties = traceparent === undefined ? {} : { traceparent };
    expect(readTraceParent(properties, state)).toBeUndefined();
  });

  it('of a later version counts, whatever comes behind', () => {
    const traceparent = `${parent.replace('00-', '01-')}-more`;
    expect(readTraceParent({ traceparent }, state)?.traceId).toBe('a'.repeat(32));
  });
});
