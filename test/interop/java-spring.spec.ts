import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  type RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQReplyListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type TransactionHandler,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import { eventually } from '../support/eventually.js';
import { prepareJava, startJavaServers } from '../support/java.js';
import { LogLines } from '../support/nest-on-embedded.js';
import { startOurServers } from '../support/our-servers.js';
import { createTopic } from '../support/registration.js';
import { SpringApplication } from '../support/spring-application.js';

const wait = 60_000;
const topics = ['to-spring', 'to-spring-in-order', 'ask-spring', 'to-nest', 'to-nest-in-order'];

class Order {
  id!: string;
  sum!: number;
}

interface Seen {
  readonly order: Order;
  readonly context: RocketMQContext;
}

/** What the listeners of the Nest application got. */
class Books {
  readonly orders: Seen[] = [];
  readonly inOrder: Seen[] = [];
  readonly checked: string[] = [];

  until(list: 'orders' | 'inOrder', ids: readonly string[]): Promise<Seen[]> {
    const wanted = new Set(ids);
    return eventually(`${ids.join(', ')} in ${list}`, wait, () => {
      const found = this[list].filter(({ order }) => wanted.has(order.id));
      const there = new Set(found.map(({ order }) => order.id));
      return there.size === wanted.size ? found : undefined;
    });
  }
}

@Injectable()
class Listeners {
  constructor(private readonly books: Books) {}

  @RocketMQListener({ topic: 'to-nest', group: 'nest-orders' })
  onOrder(@MessagePayload() order: Order, @MessageContext() context: RocketMQContext): void {
    this.books.orders.push({ order, context });
  }

  @RocketMQListener({ topic: 'to-nest-in-order', group: 'nest-in-order', mode: 'orderly' })
  onOrderInOrder(order: Order, context: RocketMQContext): ConsumeResult {
    this.books.inOrder.push({ order, context });
    return ConsumeResult.success();
  }

  @RocketMQReplyListener({ topic: 'ask-nest', group: 'nest-answers' })
  answer(@MessagePayload() order: Order): Order {
    return { id: `${order.id} from Nest`, sum: order.sum * 2 };
  }
}

@RocketMQTransactionListener({ topic: 'to-spring' })
class Transactions implements TransactionHandler<Order, TransactionVerdict> {
  constructor(private readonly books: Books) {}

  execute(_: Order, verdict: TransactionVerdict): TransactionVerdict {
    return verdict;
  }

  check(order: Order): TransactionVerdict {
    this.books.checked.push(order.id);
    // Brokers of 5.x may ask although they were told: the answer must stay the same.
    return order.id === 'rolled-back' ? 'rollback' : 'commit';
  }
}

async function startNest(nameServers: string): Promise<INestApplicationContext> {
  const module = await Test.createTestingModule({
    imports: [
      RocketMQModule.forRoot({
        nameServers,
        producer: { group: 'nest-producers', sendTimeout: '60s' },
        consumer: { from: 'first' },
      }),
    ],
    providers: [Books, Listeners, Transactions],
  })
    .setLogger(new LogLines())
    .compile();
  return module.init();
}

const often = { transactionTimeOut: 1_000, transactionCheckInterval: 1_000 };

async function startServers(server: 'ours' | '5.3.3') {
  if (server === 'ours') return startOurServers({ properties: often });
  const servers = await startJavaServers(server, { properties: often });
  return { ...servers, brokerAddress: servers.broker.address };
}

beforeAll(() => prepareJava());

describe.each(['ours', '5.3.3'] as const)(
  'an application with rocketmq-spring 2.3.3 and one with ours, through servers %s',
  (server) => {
    let servers: { nameServers: string; brokerAddress: string; close(): Promise<void> };
    let spring: SpringApplication;
    let nest: INestApplicationContext;
    let books: Books;
    let template: RocketMQTemplate;

    beforeAll(async () => {
      servers = await startServers(server);
      for (const topic of [...topics, 'ask-nest']) {
        await createTopic(servers.brokerAddress, topic, 4);
      }
      [spring, nest] = await Promise.all([
        SpringApplication.start(servers.nameServers),
        startNest(servers.nameServers),
      ]);
      books = nest.get(Books);
      template = nest.get(RocketMQTemplate);
    });

    afterAll(async () => {
      await nest?.close();
      await spring?.close();
      await servers?.close();
    });

    it('Spring reads our JSON, keys, tag and properties, as message and as class', async () => {
      const { msgId } = await template.send(
        'to-spring:paid',
        { id: 'grün', sum: 7 },
        { keys: ['k1', 'k2'], properties: { region: 'eu' } },
      );
      const all = await spring.untilReceived('messages', 1);
      const message = all.find((one) => one.msgId === msgId);
      expect(message).toMatchObject({
        topic: 'to-spring',
        body: '{"id":"grün","sum":7}',
        tags: 'paid',
        keys: 'k1 k2',
        properties: { region: 'eu', contentType: 'application/json' },
      });
      expect(await spring.untilEvents('order')).toContainEqual({
        event: 'order',
        id: 'grün',
        sum: 7,
      });
    });

    it("our listener reads Spring's JSON, keys, tag and headers", async () => {
      const events = await spring.run('send', {
        to: 'to-nest:paid',
        order: 'grün',
        sum: 7,
        keys: 'k1',
        region: 'eu',
      });
      const [seen] = (await books.until('orders', ['grün'])) as [Seen];
      expect(seen.order).toEqual({ id: 'grün', sum: 7 });
      const { tag, keys, messageId } = seen.context;
      expect({ tag, keys, messageId }).toEqual({
        tag: 'paid',
        keys: ['k1'],
        messageId: events.find(({ event }) => event === 'sent')?.['msgId'],
      });
      expect(seen.context.property('region')).toBe('eu');
    });

    it('messages of one hash key arrive in order, on one queue, in both directions', async () => {
      const ids = Array.from({ length: 10 }, (_, n) => `o${n}`);
      for (const id of ids) {
        await template.sendOrderly('to-spring-in-order', { id, sum: 1 }, 'order-1');
        await spring.run('in-order', { to: 'to-nest-in-order', order: id, key: 'order-1' });
      }
      const there = await spring.untilReceived('in-order', ids.length);
      expect(there.map(({ body }) => (JSON.parse(body) as Order).id)).toEqual(ids);
      const here = await books.until('inOrder', ids);
      expect(here.map(({ order }) => order.id)).toEqual(ids);
      const queues = [
        ...there.map(({ queueId }) => queueId),
        ...here.map(({ context }) => context.queueId),
      ];
      // One key, the same queue whichever side chose it.
      expect(new Set(queues).size).toBe(1);
    });

    it('transactions of ours reach Spring when committed, at once or when asked', async () => {
      const send = (id: string, verdict: TransactionVerdict) =>
        template.sendInTransaction('to-spring', { id, sum: 1 }, verdict, { keys: id });
      await send('rolled-back', 'rollback');
      await send('asked', 'unknown');
      await send('committed', 'commit');
      const wanted = ['asked', 'committed'];
      const keys = await eventually('the committed messages at Spring', wait, async () => {
        const all = (await spring.untilReceived('messages', 1)).map((one) => one.keys);
        return wanted.every((key) => all.includes(key)) ? all : undefined;
      });
      expect(keys).not.toContain('rolled-back');
      expect(books.checked).toContain('asked');
    });

    it("Spring's transactions reach us when committed, at once or when asked", async () => {
      for (const verdict of ['rollback', 'ask', 'commit']) {
        const words = { to: 'to-nest', order: `tx-${verdict}`, keys: verdict, verdict };
        await spring.run('transaction', words);
      }
      const seen = await books.until('orders', ['tx-ask', 'tx-commit']);
      expect(new Set(seen.map(({ context }) => context.keys.join()))).toEqual(
        new Set(['ask', 'commit']),
      );
      expect(books.orders.map(({ order }) => order.id)).not.toContain('tx-rollback');
      expect((await spring.untilEvents('checked')).length).toBeGreaterThan(0);
    });

    it("a reply listener of Spring's answers our request", async () => {
      const answer = await template.request<Order>(
        'ask-spring',
        { id: 'question', sum: 21 },
        { timeout: '30s' },
      );
      expect(answer).toEqual({ id: 'question from Spring', sum: 42 });
    });

    it("our reply listener answers Spring's request", async () => {
      const events = await spring.run('ask', { to: 'ask-nest', order: 'question', sum: 21 });
      expect(events.find(({ event }) => event === 'answer')).toMatchObject({
        id: 'question from Nest',
        sum: 42,
      });
    });
  },
);
