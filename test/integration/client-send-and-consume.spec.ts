import { deadLetterTopic, type StoredMessage } from '@nestjs-rocketmq/message';
import { ClientCluster, Inbox } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';

const success = { kind: 'success' } as const;
const body = (text: string): Uint8Array => Buffer.from(text);

describe('our client on our servers', () => {
  let cluster: ClientCluster;

  beforeAll(async () => {
    cluster = await ClientCluster.start({
      messageDelayLevel: '1s 2s 1s 1s 1s 1s',
      enablePropertyFilter: true,
    });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  const consume = async (topic: string, inbox: Inbox, options = {}) =>
    cluster.consumer({
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        return success;
      },
      ...options,
    });

  it.each(['json', 'binary'] as const)('sends in every way with %s headers', async (headerForm) => {
    const topic = cluster.name('ways');
    const producer = await cluster.producer({ headerForm });
    const inbox = new Inbox();
    await consume(topic, inbox, { headerForm });
    const single = await producer.send({ topic, body: body('single'), keys: 'k', tags: 'a' });
    await producer.sendOneWay({ topic, body: body('oneway') });
    await producer.sendBatch(['one', 'two'].map((text) => ({ topic, body: body(text) })));
    const large = 'large '.repeat(2_000);
    await producer.send({ topic, body: body(large), properties: { who: 'me' } });
    await inbox.until(5);
    expect([...inbox.texts].sort()).toEqual(['single', 'oneway', 'one', 'two', large].sort());
    const found = inbox.all.find((one) => one.text === 'single')?.message;
    expect([found?.msgId, found?.offsetMsgId]).toEqual([single.msgId, single.offsetMsgId]);
    expect([found?.keys, found?.tags]).toEqual([['k'], 'a']);
    const unpacked = inbox.all.find((one) => one.text === large)?.message;
    expect(unpacked?.property('who')).toBe('me');
    expect(unpacked?.storedBody.length).toBeLessThan(1_000);
  });

  it('gets what its SQL92 filter wants, retries of it included', async () => {
    const topic = cluster.name('sql');
    const producer = await cluster.producer();
    for (const amount of ['4', '6', 'none', '7']) {
      await producer.send({ topic, body: body(amount), properties: { amount } });
    }
    const inbox = new Inbox();
    await consume(topic, inbox, {
      from: 'first',
      subscriptions: [{ topic, sql: 'amount > 5' }],
      listener: (messages: StoredMessage[]) => {
        inbox.take(messages);
        return messages[0]?.reconsumeTimes === 0 ? { kind: 'retry', delayLevel: 1 } : success;
      },
    });
    await inbox.until(4);
    expect(inbox.texts.toSorted()).toEqual(['6', '6', '7', '7']);
  });

  it('refuses an SQL92 filter that is wrong', async () => {
    const subscriptions = [{ topic: cluster.name('sql'), sql: 'amount >' }];
    await expect(consume('t', new Inbox(), { subscriptions })).rejects.toThrow(/column 9/);
  });

  it('keeps the order of everything with one key, for an orderly consumer', async () => {
    const topic = cluster.name('order');
    const producer = await cluster.producer();
    const inbox = new Inbox();
    const consumer = await consume(topic, inbox, { mode: 'orderly', concurrency: 8 });
    const keys = ['1039', '1065', '7235'];
    for (let step = 0; step < 50; step += 1) {
      for (const key of keys) {
        await producer.send({ topic, body: body(`${key}/${step}`) }, { hashKey: key });
      }
    }
    await inbox.until(150);
    for (const key of keys) {
      const steps = inbox.texts.filter((text) => text.startsWith(key));
      expect(steps).toEqual(Array.from({ length: 50 }, (_, step) => `${key}/${step}`));
    }
    expect(consumer.assignedQueues().filter((queue) => queue.topic === topic)).toHaveLength(4);
  });

  it('delivers only the wanted tags', async () => {
    const topic = cluster.name('tags');
    const producer = await cluster.producer();
    const inbox = new Inbox();
    await consume(topic, inbox, { subscriptions: [{ topic, expression: 'a || c' }] });
    for (const tags of ['a', 'b', 'c', 'b', 'a']) {
      await producer.send({ topic, body: body(tags), tags });
    }
    await producer.send({ topic, body: body('none') });
    await producer.send({ topic, body: body('end'), tags: 'c' });
    await inbox.until(4);
    expect([...inbox.texts].sort()).toEqual(['a', 'a', 'c', 'end']);
  });

  it('delivers a delayed message when its time has come', async () => {
    const topic = cluster.name('delay');
    const producer = await cluster.producer();
    const inbox = new Inbox();
    await consume(topic, inbox);
    const sent = Date.now();
    await producer.send({ topic, body: body('later'), delayLevel: 2 });
    await producer.send({ topic, body: body('now') });
    await inbox.until(2);
    expect(inbox.texts).toEqual(['now', 'later']);
    expect((inbox.all[1]?.at ?? 0) - sent).toBeGreaterThanOrEqual(2_000);
  });

  it('brings a failed message again, and puts it to the dead letters after the last attempt', async () => {
    const topic = cluster.name('retry');
    const group = cluster.name('retry-group');
    const producer = await cluster.producer();
    const inbox = new Inbox();
    await cluster.consumer({
      group,
      subscriptions: [{ topic }],
      maxReconsumeTimes: 2,
      listener: (messages) => {
        inbox.take(messages);
        throw new Error('cannot');
      },
    });
    const sent = await producer.send({ topic, body: body('poison') });
    await inbox.until(3);
    expect(inbox.all.map((one) => [one.topic, one.reconsumeTimes, one.message.msgId])).toEqual(
      [0, 1, 2].map((times) => [topic, times, sent.msgId]),
    );
    const dead = new Inbox();
    await consume(deadLetterTopic(group), dead);
    const [letter] = await dead.until(1);
    expect([letter?.text, letter?.message.msgId]).toEqual(['poison', sent.msgId]);
  });

  it('puts a message to the dead letters at once when the listener says so', async () => {
    const topic = cluster.name('dead');
    const group = cluster.name('dead-group');
    const producer = await cluster.producer();
    await cluster.consumer({
      group,
      subscriptions: [{ topic }],
      listener: () => ({ kind: 'dead-letter', reason: 'unreadable' }),
    });
    await producer.send({ topic, body: body('unreadable') });
    const dead = new Inbox();
    await consume(deadLetterTopic(group), dead);
    expect((await dead.until(1))[0]?.text).toBe('unreadable');
  });

  it('shares a topic among members, hands over when one leaves, and loses nothing', async () => {
    const topic = cluster.name('share');
    const group = cluster.name('share-group');
    const producer = await cluster.producer();
    await producer.send({ topic, body: body('0') });
    const inbox = new Inbox();
    const first = await consume(topic, inbox, { group });
    const second = await consume(topic, inbox, { group });
    const count = (one: typeof first) =>
      one.assignedQueues().filter((queue) => queue.topic === topic).length;
    await eventually('two queues each', 60_000, () =>
      count(first) === 2 && count(second) === 2 ? true : undefined,
    );
    for (let i = 1; i < 100; i += 1) {
      await producer.send({ topic, body: body(`${i}`) });
      if (i === 50) await second.close();
    }
    await eventually('all hundred', 60_000, () =>
      new Set(inbox.texts).size === 100 ? true : undefined,
    );
    expect(count(first)).toBe(4);
  });

  it('goes on after a restart of the consumer where it stopped, without repeating', async () => {
    const topic = cluster.name('again');
    const group = cluster.name('again-group');
    const producer = await cluster.producer();
    const send = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, i) =>
          producer.send({ topic, body: body(`${from + i}`) }),
        ),
      );
    await send(0, 40);
    const before = new Inbox();
    const first = await consume(topic, before, { group });
    await before.until(40);
    await first.close();
    await send(40, 60);
    const after = new Inbox();
    await consume(topic, after, { group });
    await after.until(20);
    const all = [...before.texts, ...after.texts].map(Number).sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('gives every member everything when broadcasting, from its own file', async () => {
    const topic = cluster.name('cast');
    const group = cluster.name('cast-group');
    const producer = await cluster.producer();
    await producer.send({ topic, body: body('0') });
    const boxes = [new Inbox(), new Inbox()];
    const offsetDirectory = cluster.servers.dir;
    const members = await Promise.all(
      boxes.map((inbox, i) =>
        consume(topic, inbox, {
          group,
          model: 'broadcasting',
          offsetDirectory,
          offsetKey: `m${i}`,
        }),
      ),
    );
    for (let i = 1; i < 10; i += 1) await producer.send({ topic, body: body(`${i}`) });
    for (const inbox of boxes) expect(await inbox.until(10)).toHaveLength(10);
    await members[0]?.close();
    await producer.send({ topic, body: body('10') });
    const again = new Inbox();
    await consume(topic, again, { group, model: 'broadcasting', offsetDirectory, offsetKey: 'm0' });
    expect((await again.until(1))[0]?.text).toBe('10');
  });

  it('fails no send when ten thousand are asked for at once', async () => {
    const topic = cluster.name('flood');
    const producer = await cluster.producer({ maxInFlight: 256 });
    const results = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => producer.send({ topic, body: body(`${i}`) })),
    );
    expect(results.every((one) => one.status === 'SEND_OK')).toBe(true);
    expect(new Set(results.map((one) => one.msgId)).size).toBe(10_000);
  });

  it('waits at close for running listener calls and stores what they finished', async () => {
    const topic = cluster.name('close');
    const group = cluster.name('close-group');
    const producer = await cluster.producer();
    await producer.send({ topic, body: body('slow') });
    const inbox = new Inbox();
    let end: (() => void) | undefined;
    const consumer = await cluster.consumer({
      group,
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        return new Promise((resolve) => (end = () => resolve(success)));
      },
    });
    await inbox.until(1);
    const closed = consumer.close();
    end?.();
    await closed;
    const again = new Inbox();
    await consume(topic, again, { group });
    await producer.send({ topic, body: body('next') });
    await again.until(1);
    expect(again.texts).toEqual(['next']);
  });
});
