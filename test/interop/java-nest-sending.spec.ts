import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  MessageContext,
  MessagePayload,
  type RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQReplyListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionChecker,
  type TransactionHandler,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import { Inbox } from '../support/inbox.js';
import { createTopic, prepareJava, startJavaServers, type JavaServers } from '../support/java.js';
import { LogLines } from '../support/nest-on-embedded.js';
import { promptOpMessages } from './client-list.js';

interface Came {
  readonly text: string;
  /** When the broker laid it into its queue. */
  readonly storedAt: number;
}

interface Order {
  readonly id: string;
}

const timed = new Inbox<Came>();
const ordered = new Inbox<readonly [id: string, queueId: number]>();
const delivered = new Inbox<Order>();
/** Stands for the database. */
const rows = new Map<string, TransactionVerdict>();

@Injectable()
class Listeners {
  @RocketMQListener({ topic: 'timed', group: 'nest-timed' })
  onTimed(@MessagePayload() text: string, @MessageContext() context: RocketMQContext): void {
    timed.put({ text, storedAt: context.storedAt.getTime() });
  }

  @RocketMQListener({ topic: 'batched', group: 'nest-batched', mode: 'orderly' })
  onBatched(@MessagePayload() { id }: Order, @MessageContext() context: RocketMQContext): void {
    ordered.put([id, context.queueId]);
  }

  @RocketMQListener({ topic: 'transacted', group: 'nest-transacted' })
  onTransacted(@MessagePayload() order: Order): void {
    delivered.put(order);
  }

  @RocketMQReplyListener({ topic: 'asked', group: 'nest-asked' })
  onAsked(@MessagePayload() { id }: Order): unknown {
    if (id === 'bad') throw new Error('no such order');
    return { id, total: 7 };
  }
}

@Injectable()
@RocketMQTransactionListener({ topic: 'transacted' })
class Checker implements TransactionChecker<Order> {
  check({ id }: Order): TransactionVerdict {
    return rows.get(id) ?? 'unknown';
  }
}

@Injectable()
@RocketMQTransactionListener({ name: 'declared' })
class Declared implements TransactionHandler<Order, TransactionVerdict> {
  execute(_: Order, verdict: TransactionVerdict): TransactionVerdict {
    return verdict;
  }

  check({ id }: Order): TransactionVerdict {
    return rows.get(`declared ${id}`) ?? 'unknown';
  }
}

async function startNest(
  { nameServers }: JavaServers,
  providers: (new () => object)[],
): Promise<INestApplicationContext> {
  const root = RocketMQModule.forRoot({
    nameServers,
    producer: { group: 'nest-sending', sendTimeout: '60s', transactionTopics: ['transacted'] },
    consumer: { from: 'first' },
  });
  const module = await Test.createTestingModule({ imports: [root], providers })
    .setLogger(new LogLines())
    .compile();
  return module.init();
}

beforeAll(() => prepareJava());

describe('a Nest application sends to a broker of Apache 5.3.3', () => {
  let servers: JavaServers;
  let app: INestApplicationContext;
  let template: RocketMQTemplate;

  beforeAll(async () => {
    const properties = {
      ...promptOpMessages,
      recallMessageEnable: true,
      timerWheelEnable: true,
      transactionTimeOut: 2_000,
      transactionCheckInterval: 1_000,
    };
    servers = await startJavaServers('5.3.3', { properties });
    for (const topic of ['timed', 'batched', 'transacted', 'asked']) {
      await createTopic(servers.broker.address, topic, 4);
    }
    app = await startNest(servers, [Listeners, Checker, Declared]);
    template = app.get(RocketMQTemplate);
  });

  afterAll(async () => {
    await app?.close();
    await servers?.close();
  });

  it('timer messages, which come when they are due', async () => {
    const start = Date.now();
    await template.send('timed', 'moment', { deliverAt: new Date(start + 6_000), keys: 'k' });
    await template.sendDelayed('timed', 'exact', { delayMs: '4s', exact: true });
    await template.sendOneWay('timed', 'level', { delayLevel: 1, hashKey: 'h' });
    const came = await timed.take(3);
    const waited = Object.fromEntries(came.map(({ text, storedAt }) => [text, storedAt - start]));
    // Brokers round the time of delivery down to a second.
    expect(waited['moment']).toBeGreaterThanOrEqual(5_000);
    expect(waited['exact']).toBeGreaterThanOrEqual(3_000);
    expect(waited['level']).toBeGreaterThanOrEqual(900);
  });

  it('timer messages that are recalled and do not come', async () => {
    const due = Date.now() + 20_000;
    const first = await template.sendDelayed('timed', 'first', new Date(due));
    await template.sendDelayed('timed', 'second', { deliverAt: due + 2_000 });
    expect(await template.recall(first)).toBe(first.msgId);
    expect((await timed.next()).text).toBe('second');
    await expect(template.recall(first)).rejects.toMatchObject({ code: 'CLIENT_BROKER_REFUSED' });
  });

  it('delays beyond every level as timers, and none that the broker would not keep', async () => {
    const threeHours = await template.send('timed', 'x', { delayMs: '3h' });
    expect(threeHours.recallHandle).toBeDefined();
    expect(await template.recall(threeHours)).toBe(threeHours.msgId);
    await expect(template.send('timed', 'x', { delayMs: '30d' })).rejects.toMatchObject({
      code: 'ROCKETMQ_TIMER_REFUSED',
    });
  });

  it('batches in parts, in order, with a result for each message', async () => {
    const orders = Array.from({ length: 40 }, (_, at) => ({ id: `o${at}`, pad: 'x'.repeat(200) }));
    const options = { hashKey: 'one', maxBatchBytes: 4_096, keys: ({ id }: Order) => id };
    const results = await template.sendBatch('batched', orders, options);
    expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(40);
    const queueId = results[0]?.queue.queueId;
    expect(await ordered.take(40)).toEqual(orders.map(({ id }) => [id, queueId]));
    const offsets = results.map(({ queueOffset }) => queueOffset);
    expect(offsets).toEqual(offsets.map((_, at) => at));
  });

  it('transactions: committed, rolled back, and answered when it asks', async () => {
    const options = { listener: 'declared' };
    const rolledBack = await template.transaction('transacted', { id: 'no' }, () => 'rollback');
    expect(rolledBack).toMatchObject({ verdict: 'rollback', executed: true });
    await template.transaction('transacted:placed', { id: 'inline' }, async () => ({ rows: 1 }));
    expect(await delivered.next()).toEqual({ id: 'inline' });
    rows.set('threw', 'commit').set('declared asked', 'commit');
    const failing = template.transaction('transacted', { id: 'threw' }, () => {
      throw new Error('the answer of the database was lost');
    });
    await expect(failing).rejects.toThrow('was lost');
    await template.sendInTransaction('transacted', { id: 'asked' }, 'unknown', options);
    const came = await delivered.take(2, 120_000);
    expect(came.map(({ id }) => id).toSorted()).toEqual(['asked', 'threw']);
  });

  it('requests, whose replies and errors come back', async () => {
    const timeout = '60s';
    const reply = await template.request('asked', { id: 'o1' }, { timeout });
    expect(reply).toEqual({ id: 'o1', total: 7 });
    await expect(template.request('asked', { id: 'bad' }, { timeout })).rejects.toMatchObject({
      code: 'ROCKETMQ_REQUEST_FAILED',
      remote: { message: 'no such order' },
    });
  });
});

describe('a broker of Apache 5.3.3 without timers', () => {
  it('makes a clear error of a timer message, and takes delay levels', async () => {
    const servers = await startJavaServers('5.3.3', { properties: { timerWheelEnable: false } });
    try {
      await createTopic(servers.broker.address, 'timed', 1);
      const app = await startNest(servers, [Checker]);
      try {
        const template = app.get(RocketMQTemplate);
        const sending = template.sendDelayed('timed', 'x', new Date(Date.now() + 60_000));
        await expect(sending).rejects.toMatchObject({
          code: 'ROCKETMQ_TIMER_REFUSED',
          message: expect.stringContaining('timerWheelEnable=true'),
        });
        expect(await template.sendDelayed('timed', 'x', '5s')).toMatchObject({ status: 'SEND_OK' });
      } finally {
        await app.close();
      }
    } finally {
      await servers.close();
    }
  });
});
