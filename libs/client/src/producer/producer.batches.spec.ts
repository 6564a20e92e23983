import { type ManualClock, SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { decodeBatch, decodeProperties, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { ProducerBench } from '../testing/producer-bench.js';
import {
  type ScriptedCluster,
  scriptedOffsetId,
  type ReceivedSend,
} from '../testing/scripted-cluster.js';
import { cutIntoChunks, splitResult } from './batches.js';
import { batchedBytes, Drafts } from './drafts.js';
import type { ProducerOptions } from './producer-options.js';
import type { Producer } from './producer.js';

const orders = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'orders',
  body: Buffer.from(text),
  ...more,
});

/** The texts of what a request carried. */
const textsOf = ({ asked, body }: ReceivedSend): string[] =>
  asked.batch === true
    ? decodeBatch(body).map((one) => Buffer.from(one.body).toString())
    : [Buffer.from(body).toString()];

describe('Producer, in batches', () => {
  let bench: ProducerBench;
  let clock: ManualClock;
  let cluster: ScriptedCluster;
  let producer: Producer;

  const start = async (options?: Partial<ProducerOptions>): Promise<Producer> =>
    (producer = await bench.started(options));

  beforeEach(async () => {
    bench = await ProducerBench.open();
    ({ clock, cluster } = bench);
    cluster.addTopic('payments', 2);
    cluster.onSend = (send) => {
      const count = textsOf(send).length;
      const msgId = Array.from({ length: count }, () => scriptedOffsetId).join(',');
      return { header: { msgId, queueId: send.asked.queueId, queueOffset: 100 } };
    };
  });

  afterEach(() => bench.close());

  it('gives the whole no key, which brokers would hand on to each message', async () => {
    await start();
    await producer.sendBatch([orders('a'), orders('b')]);
    const lax = { waitStoreMsgOk: false };
    await producer.sendBatch([orders('a', lax), orders('b', lax)]);
    const properties = cluster.sends.map(({ asked }) => decodeProperties(asked.properties ?? ''));
    expect(properties).toEqual([{}, { WAIT: 'false' }]);
  });

  describe('that it cuts by size', () => {
    const many = Array.from({ length: 9 }, (_, i) => orders(`${i}`.padEnd(200, '.')));

    it('gives a result for each message', async () => {
      await start();
      const results = await producer.sendInBatches(many, { maxBatchBytes: 1_000 });
      expect(cluster.sends.length).toBeGreaterThan(2);
      expect(cluster.sends.flatMap(textsOf)).toEqual(many.map((one) => String(one.body)));
      expect(cluster.sends.every(({ body }) => body.length <= 1_000)).toBe(true);
      const sent = cluster.sends.flatMap(({ body }) => decodeBatch(body));
      expect(results.map(({ msgId }) => msgId)).toEqual(
        sent.map(({ properties }) => decodeProperties(properties)['UNIQ_KEY']),
      );
      expect(results.slice(0, 3).map((one) => one.queueOffset)).toEqual([100, 101, 102]);
      expect(new Set(results.map((one) => one.offsetMsgId))).toEqual(new Set([scriptedOffsetId]));
    });

    it('sends what is too large for a batch by itself, compressed where that is wished', async () => {
      await start({ compressBodyOver: 1_500 });
      const large = orders('y'.repeat(2_000));
      const all = [orders('a'), orders('b'), large, orders('c')];
      await producer.sendInBatches(all, { maxBatchBytes: 1_000 });
      expect(cluster.sends.map(({ asked }) => [asked.batch, asked.sysFlag])).toEqual([
        [true, 0],
        [false, 0x301],
        [false, 0],
      ]);
    });

    it('keeps to the queue of the key, in order', async () => {
      await start();
      await producer.sendInBatches(many, { maxBatchBytes: 1_000, hashKey: 'k' });
      const places = cluster.sends.map(({ broker, asked }) => `${broker}${asked.queueId}`);
      expect(new Set(places).size).toBe(1);
    });

    it('tells what was sent when a part fails, and sends nothing behind it', async () => {
      await start({ retryTimesWhenSendFailed: 0 });
      const answer = cluster.onSend;
      cluster.onSend = (send) =>
        cluster.sends.length > 1 ? { code: 'MESSAGE_ILLEGAL' } : answer(send);
      const first = await producer
        .sendInBatches(many, { maxBatchBytes: 1_000 })
        .catch((error: unknown) => error);
      expect(first).toMatchObject({
        code: 'CLIENT_BATCH_INCOMPLETE',
        retriable: false,
        cause: { code: 'CLIENT_BROKER_REFUSED' },
      });
      expect(cluster.sends).toHaveLength(2);
      const { results } = first as { results: unknown[] };
      expect(results).toHaveLength(textsOf(cluster.sends[0] as ReceivedSend).length);
    });

    it.each([
      ['nothing', []],
      ['several topics', [orders('a'), orders('b', { topic: 'payments' })]],
      ['a timer message', [orders('a'), orders('b', { delayMs: 5 })]],
      ['differing safety', [orders('a'), orders('b', { waitStoreMsgOk: false })]],
      ['an empty body', [orders('a'), orders('')]],
    ])('refuses %s before anything is sent', async (_, messages) => {
      await start();
      await expect(producer.sendInBatches(messages)).rejects.toMatchObject({
        code: 'CLIENT_MESSAGE_INVALID',
      });
      expect(cluster.sends).toEqual([]);
    });
  });

  describe('that it gathers by itself', () => {
    it('sends together what came within the time', async () => {
      await start({ autoBatch: true, batchMaxDelay: 20 });
      const sends = Promise.all(['a', 'b', 'c'].map((text) => producer.send(orders(text))));
      await clock.advance(19);
      expect(cluster.sends).toEqual([]);
      await clock.advance(1);
      const results = await sends;
      expect(cluster.sends.map(textsOf)).toEqual([['a', 'b', 'c']]);
      expect(results.map(({ queueOffset }) => queueOffset)).toEqual([100, 101, 102]);
      expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(3);
    });

    it('sends a full batch at once', async () => {
      await start({ autoBatch: true, batchMaxBytes: 500, batchMaxDelay: '30s' });
      const body = 'x'.repeat(180);
      const first = Array.from({ length: 2 }, () => producer.send(orders(body)));
      const third = producer.send(orders(body));
      await Promise.all(first);
      expect(cluster.sends.map((one) => textsOf(one).length)).toEqual([2]);
      await clock.advance(30_000);
      expect((await third).status).toBe('SEND_OK');
    });

    it('keeps topics, tags, queues and safety apart', async () => {
      await start({ autoBatch: true });
      const queue = { topic: 'orders', brokerName: 'broker-b', queueId: 1 };
      const sends = [
        producer.send(orders('a')),
        producer.send(orders('b', { topic: 'payments' })),
        producer.send(orders('c', { tags: 't' })),
        producer.send(orders('d', { waitStoreMsgOk: false })),
        producer.send(orders('e'), { queue }),
        producer.send(orders('f'), { queue }),
      ];
      await clock.advance(10);
      await Promise.all(sends);
      const together = cluster.sends.map((one) => textsOf(one).join(''));
      expect(together.toSorted()).toEqual(['a', 'b', 'c', 'd', 'ef']);
      const last = cluster.sends.find((one) => textsOf(one).length === 2);
      expect([last?.broker, last?.asked.queueId]).toEqual(['broker-b', 1]);
    });

    it('sends alone, at once, what may not wait or has a queue of its own', async () => {
      await start({ autoBatch: true, batchMaxBytes: 1_000, batchMaxDelay: '30s' });
      await producer.send(orders('a', { delayLevel: 1 }));
      await producer.send(orders('b', { delayMs: 1 }));
      await producer.send(orders('c'), { hashKey: 'k' });
      await producer.send(orders('d'), { timeout: '1s' });
      await producer.send(orders('e'.repeat(1_000)));
      expect(cluster.sends.map(({ asked }) => asked.batch)).toEqual(Array(5).fill(false));
    });

    it('holds no more than it may; what is beyond goes alone', async () => {
      const bounds = { totalBatchMaxBytes: 100, batchMaxDelay: '30s' };
      await start({ autoBatch: true, ...bounds });
      const held = producer.send(orders('x'.repeat(90)));
      await producer.send(orders('y'.repeat(20)));
      expect(cluster.sends.map(textsOf)).toEqual([['y'.repeat(20)]]);
      await clock.advance(30_000);
      expect((await held).status).toBe('SEND_OK');
      const again = producer.send(orders('z'.repeat(90)));
      await clock.advance(30_000);
      expect((await again).status).toBe('SEND_OK');
      expect(cluster.sends).toHaveLength(3);
    });

    it('fails all messages of a batch that fails', async () => {
      await start({ autoBatch: true });
      cluster.onSend = () => ({ code: 'MESSAGE_ILLEGAL' });
      const sends = ['a', 'b'].map((text) => producer.send(orders(text)));
      const ends = Promise.allSettled(sends);
      await clock.advance(10);
      expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    });

    it('refuses a message with a bad property by itself', async () => {
      await start({ autoBatch: true });
      await expect(producer.send(orders('a', { properties: { KEYS: 'k' } }))).rejects.toMatchObject(
        { code: 'CLIENT_MESSAGE_INVALID' },
      );
    });

    it('sends at close what it holds, and keeps no timer', async () => {
      await start({ autoBatch: true, batchMaxDelay: '30s' });
      const sends = ['a', 'b'].map((text) => producer.send(orders(text)));
      await producer.close();
      expect((await Promise.all(sends)).map(({ status }) => status)).toEqual([
        'SEND_OK',
        'SEND_OK',
      ]);
      await cluster.close();
      expect(clock.waiting).toBe(0);
    });
  });
});

describe('cutIntoChunks', () => {
  it('keeps all messages, their order and the limit, whatever their sizes', () => {
    const random = new SeededRandom(seedOfRun());
    let key = 0;
    const bounds = { maxMessageSize: 5_000, compressBodyOver: 4_096, compressLevel: 5 };
    const drafts = new Drafts({ ...bounds, compressType: 'zlib' }, () => `KEY${(key += 1)}`, {
      warn: () => undefined,
    } as never);
    for (let run = 0; run < 300; run += 1) {
      const limit = 1 + random.below(3_000);
      const messages = Array.from({ length: 1 + random.below(40) }, () =>
        orders('x'.repeat(1 + random.below(random.chance(0.1) ? 4_000 : 200))),
      );
      const chunks = cutIntoChunks(drafts, messages, limit);
      expect(chunks.flatMap((chunk) => chunk.messages)).toEqual(messages);
      for (const [i, { parts }] of chunks.entries()) {
        const size = parts.reduce((sum, part) => sum + batchedBytes(part), 0);
        expect(size <= limit || parts.length === 1).toBe(true);
        // Nothing is cut that would have fitted.
        const next = chunks[i + 1]?.parts[0];
        if (next !== undefined) expect(size + batchedBytes(next)).toBeGreaterThan(limit);
      }
    }
  });
});

describe('splitResult', () => {
  it('keeps what it has when the broker gave one id for the whole batch', () => {
    const queue = { topic: 't', brokerName: 'b', queueId: 0 };
    const whole = {
      status: 'SEND_OK',
      msgId: 'A,B',
      offsetMsgId: 'X',
      queue,
      queueOffset: 7,
    } as const;
    expect(splitResult(whole, ['A', 'B'])).toEqual([
      { ...whole, msgId: 'A' },
      { ...whole, msgId: 'B' },
    ]);
  });
});
