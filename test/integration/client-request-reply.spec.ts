import {
  BrokerRefusedError,
  InvalidMessageError,
  type Producer,
  RequestTimeoutError,
} from '@nestjs-rocketmq/client';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { ClientCluster, Inbox } from '../support/client-cluster.js';

const success = { kind: 'success' } as const;
const body = (text: string): Uint8Array => Buffer.from(text);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('requests and replies of our client on our servers', () => {
  let cluster: ClientCluster;

  beforeAll(async () => {
    cluster = await ClientCluster.start();
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  /** A consumer that answers every request; whatever goes wrong while replying is kept. */
  const replier = async (
    topic: string,
    answer: (request: StoredMessage) => Uint8Array | undefined,
  ): Promise<{ failures: unknown[]; seen: Inbox }> => {
    const producer = await cluster.producer();
    const failures: unknown[] = [];
    const seen = new Inbox();
    await cluster.consumer({
      subscriptions: [{ topic }],
      listener: async ([request]) => {
        const bytes = answer(request as StoredMessage);
        if (bytes !== undefined) {
          await producer
            .reply(request as StoredMessage, { body: bytes, properties: { who: 'replier' } })
            .catch((error: unknown) => failures.push(error));
        }
        seen.take([request as StoredMessage]);
        return success;
      },
    });
    return { failures, seen };
  };

  /** A producer whose request reached its topic, and nobody answered it in time. */
  const inVain = async (topic: string): Promise<Producer> => {
    const seen = new Inbox();
    await cluster.consumer({
      subscriptions: [{ topic }],
      listener: (messages) => (seen.take(messages), success),
    });
    const clock = new ManualClock(Date.now());
    const producer = await cluster.producer({ clock });
    const request = producer.request({ topic, body: body('hello?') }, { timeout: 1_500 });
    const refused = [
      expect(request).rejects.toThrow(RequestTimeoutError),
      expect(request).rejects.toThrow(topic),
    ];
    await seen.until(1);
    await clock.advance(1_500);
    await Promise.all(refused);
    return producer;
  };

  it('brings each of many requests its own reply', async () => {
    const topic = cluster.name('echo');
    const { failures } = await replier(topic, (request) => body(`re: ${request.text}`));
    const producer = await cluster.producer();
    const questions = Array.from({ length: 50 }, (_, number) => `question ${number}`);
    const replies = await Promise.all(
      questions.map((question) =>
        producer.request({ topic, body: body(question) }, { timeout: '60s' }),
      ),
    );
    expect(replies.map((reply) => text(reply.body))).toEqual(
      questions.map((question) => `re: ${question}`),
    );
    expect(replies[0]?.properties).toMatchObject({ who: 'replier', MSG_TYPE: 'reply' });
    expect(failures).toEqual([]);
  });

  it('brings a large reply, compressed on its way, back whole', async () => {
    const topic = cluster.name('large');
    const large = 'large '.repeat(20_000);
    await replier(topic, () => body(large));
    const producer = await cluster.producer();
    const reply = await producer.request({ topic, body: body('all of it') }, { timeout: '60s' });
    expect(text(reply.body)).toBe(large);
  });

  it('ends a request that nobody answers with its time, naming the topic', async () => {
    const producer = await inVain(cluster.name('silent'));
    expect(producer.lateReplies).toBe(0);
  });

  it('lets others wait for their turn beyond maxWaitingRequests', async () => {
    const topic = cluster.name('turns');
    await replier(topic, (request) => body(request.text));
    const producer = await cluster.producer({ maxWaitingRequests: 2 });
    const texts = ['a', 'b', 'c', 'd', 'e', 'f'];
    const replies = await Promise.all(
      texts.map((one) => producer.request({ topic, body: body(one) }, { timeout: '60s' })),
    );
    expect(replies.map((reply) => text(reply.body))).toEqual(texts);
  });

  it('tells the replier when the one who asked is gone', async () => {
    const topic = cluster.name('gone');
    const asking = await inVain(topic);
    await asking.close();
    const { failures, seen } = await replier(topic, () => body('too late'));
    await seen.until(1);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toBeInstanceOf(BrokerRefusedError);
    expect(String(failures[0])).toContain(asking.clientId);
  });

  it('drops a reply that comes too late, and counts it', async () => {
    const topic = cluster.name('late');
    const asking = await inVain(topic);
    const { failures, seen } = await replier(topic, () => body('late'));
    await seen.until(1);
    expect(failures).toEqual([]);
    expect(asking.lateReplies).toBe(1);
  });

  it('refuses to answer a message that is no request', async () => {
    const topic = cluster.name('plain');
    const { failures, seen } = await replier(topic, () => body('to whom?'));
    const producer = await cluster.producer();
    await producer.send({ topic, body: body('no request') });
    await seen.until(1);
    expect(failures[0]).toBeInstanceOf(InvalidMessageError);
    expect(String(failures[0])).toContain('CORRELATION_ID');
  });
});
