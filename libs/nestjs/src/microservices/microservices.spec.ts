import { Controller, Module, type INestMicroservice, type OnModuleInit } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { RocketMQTestKit } from '@nestjs-rocketmq/testing';
import { firstValueFrom, of, throwError, lastValueFrom } from 'rxjs';
import { ConsumeResult, NonRetryableError, RetryLaterError } from '../index.js';
import { LinesLogger } from '../testing/test-application.js';
import {
  RocketMQClient,
  RocketMQRecord,
  RocketMQRpcContext,
  RocketMQRpcExceptionFilter,
  RocketMQServer,
  type RocketMQServerOptions,
} from './index.js';

const seen: unknown[] = [];
let failWith: (() => unknown) | undefined;

@Controller()
class Orders implements OnModuleInit {
  private isReady = false;

  onModuleInit(): void {
    this.isReady = true;
  }

  @EventPattern<string>('orders:placed')
  placed(@Payload() order: { id: number }, @Ctx() context: RocketMQRpcContext): unknown {
    seen.push(['placed', order, context.getPattern(), this.isReady]);
    return failWith?.();
  }

  @EventPattern<string>('orders')
  any(@Payload() order: object, @Ctx() context: RocketMQRpcContext): void {
    seen.push(['any', order, context.getContext().tag, context.getProperties()['traceparent']]);
  }

  @MessagePattern('prices')
  price({ sku }: { sku: string }): unknown {
    if (sku === 'none') throw new NonRetryableError('no such sku');
    return sku === 'stream' ? of(1, 2, 3) : { sku, cents: 100 };
  }
}

@Module({
  controllers: [Orders],
  providers: [{ provide: APP_FILTER, useClass: RocketMQRpcExceptionFilter }],
})
class OrdersModule {}

describe('the microservices transport', () => {
  let mq: RocketMQTestKit;
  let app: INestMicroservice;
  let client: RocketMQClient;
  let server: RocketMQServer;
  const logger = new LinesLogger();

  const start = (options: Partial<RocketMQServerOptions> = {}): RocketMQServer =>
    new RocketMQServer({
      nameServers: 'mq.example.com:9876',
      group: 'orders-service',
      clients: mq.clients,
      ...options,
    });

  beforeAll(async () => {
    mq = await RocketMQTestKit.start();
    server = start();
    app = await NestFactory.createMicroservice(OrdersModule, { strategy: server, logger });
    await app.listen();
    client = new RocketMQClient({ nameServers: 'mq.example.com:9876', clients: mq.clients });
  });
  afterAll(async () => {
    await client.close();
    await app.close();
    await mq.close();
  });
  beforeEach(async () => {
    await mq.settle();
    seen.length = 0;
    failWith = undefined;
    mq.clear();
    logger.lines.length = 0;
  });

  it('brings an event to the handler with the most exact pattern', async () => {
    await firstValueFrom(client.emit('orders:placed', { id: 1 }));
    await firstValueFrom(client.emit('orders:paid', { id: 2 }));
    await firstValueFrom(client.emit('orders', { id: 3 }));
    await mq.consumed('orders-service', 3);
    expect(seen).toEqual([
      ['placed', { id: 1 }, 'orders:placed', true],
      ['any', { id: 2 }, 'paid', undefined],
      ['any', { id: 3 }, undefined, undefined],
    ]);
  });

  it('emit resolves with what the broker answered, and sends without a subscriber', async () => {
    const result = await firstValueFrom(client.emit<object>('orders:placed', { id: 4 }));
    expect(result).toMatchObject({ status: 'SEND_OK', queue: { topic: 'orders' } });
    client.emit('orders:placed', { id: 5 });
    expect(await mq.consumed('orders-service', 2)).toHaveLength(2);
  });

  it('takes options of the send by a record, and carries the metadata of the dispatch hook', async () => {
    client.setOnDispatchHook((packet) => {
      packet.metadata = { traceparent: '00-1' };
    });
    const record = new RocketMQRecord({ id: 6 }, { keys: 'k6', delayMs: '10s' });
    await firstValueFrom(client.emit('orders', record));
    client.setOnDispatchHook(() => undefined);
    expect(await mq.sent('orders')).toMatchObject([{ keys: ['k6'], delayLevel: 3 }]);
    expect(seen).toEqual([]);
    await mq.advance('10s');
    expect(seen).toEqual([['any', { id: 6 }, undefined, '00-1']]);
  });

  it('answers a request with the last value of its handler', async () => {
    const price = firstValueFrom(client.send('prices', { sku: 'a' }));
    expect(await price).toEqual({ sku: 'a', cents: 100 });
    expect(await lastValueFrom(client.send('prices', { sku: 'stream' }))).toBe(3);
  });

  it('answers a request with the error of its handler, and does not repeat it', async () => {
    const failing = firstValueFrom(client.send('prices', { sku: 'none' }));
    await expect(failing).rejects.toEqual({ status: 'error', message: 'no such sku' });
    const consumed = await mq.consumed('orders-service', 1);
    expect(consumed).toHaveLength(1);
  });

  it('a request that nobody answers fails at its time-out', async () => {
    const record = new RocketMQRecord({ sku: 'a' }, { timeout: '2s' });
    const failing = firstValueFrom(client.send('nobody', record));
    await expect(failing).rejects.toMatchObject({ name: 'RequestTimeoutError' });
  });

  it.each([
    ['a thrown error', () => Promise.reject(new Error('no money')), 10_000],
    ['an observable that fails', () => throwError(() => new Error('no money')), 10_000],
    [
      'a RetryLaterError',
      () => throwError(() => new RetryLaterError('x', { delayMs: '1m' })),
      60_000,
    ],
    ['a returned decision', () => ConsumeResult.retryLater({ delayLevel: 4 }), 30_000],
  ])('delivers again after %s', async (_, outcome, wait) => {
    failWith = outcome;
    await firstValueFrom(client.emit('orders:placed', { id: 7 }));
    const [first] = await mq.deliveries('orders-service', 1);
    expect(first?.outcome).toBe('retry');
    failWith = undefined;
    const [again] = await mq.consumed('orders-service', { count: 1, within: '2m' });
    expect((again?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0)).toBe(wait);
  });

  it('puts to the dead letters what cannot be retried, and acknowledges only after success', async () => {
    failWith = () => Promise.reject(new NonRetryableError('no such account'));
    await firstValueFrom(client.emit('orders:placed', { id: 8 }));
    expect(await mq.deadLetters('orders-service', 1)).toMatchObject([{ payload: { id: 8 } }]);
    expect(await mq.consumed('orders-service')).toEqual([]);
    expect(logger.of('error').join()).toContain('no such account; it goes to the dead letters');
  });

  it('offers a template by unwrap, and its status', async () => {
    expect(typeof server.unwrap<{ send: unknown }>().send).toBe('function');
    expect(typeof client.unwrap<{ send: unknown }>().send).toBe('function');
    expect(await firstValueFrom(server.status)).toBe('connected');
    expect(await firstValueFrom(client.status)).toBe('connected');
  });
});

describe('a transport that cannot work', () => {
  it('refuses patterns that are no topics, with everything else that is wrong', async () => {
    const bare = new RocketMQServer({ group: 'g', consumer: { concurency: 3 } } as never);
    bare.addHandler({ cmd: 'sum' }, () => Promise.resolve(1));
    let told: unknown;
    await bare.listen((error) => (told = error));
    const { message } = told as Error;
    expect(message).toContain('"{\\"cmd\\":\\"sum\\"}" of a handler is no topic');
    expect(message).toContain("'nameServers' is missing");
    expect(message).toContain("did you mean 'concurrency'?");
  });

  it('tells once of messages without a handler, and does with them as it is told', async () => {
    await using mq = await RocketMQTestKit.start();
    const clients = mq.clients;
    const server = new RocketMQServer({ nameServers: 'x:1', group: 'picky', clients });
    server.addHandler('orders:placed', () => Promise.resolve(undefined), true);
    await server.listen((error) => {
      if (error !== undefined) throw error;
    });
    // As a message of another member's subscription, which Apache's brokers mix up at times.
    const context = { topic: 'orders', tag: 'paid', properties: {} };
    const handle = (server as unknown as { handle(p: unknown, c: object): Promise<unknown> })
      .handle;
    const outcome = await handle.call(server, {}, context);
    expect(outcome).toMatchObject({ kind: 'dead-letter' });
    await server.close();
  });
});
