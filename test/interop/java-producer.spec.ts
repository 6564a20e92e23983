import { Producer, PushConsumer, type ProducerOptions } from '@nestjs-rocketmq/client';
import { compressionTypes, type StoredMessage } from '@nestjs-rocketmq/message';
import { Inbox } from '../support/inbox.js';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  shortStart,
  startJavaServers,
  type JavaServers,
} from '../support/java.js';

/** What our producer can with official servers and clients beyond sending. */
const timers = ['5.3.3', '5.5.0'] as const;
const all = [
  ['4.9.7', '4.9.8'],
  ['5.3.3', '5.3.3'],
  ['5.5.0', '5.5.0'],
] as const;

beforeAll(() => prepareJava());

const open = new Set<{ close(): Promise<void> }>();

afterEach(async () => {
  await Promise.all([...open].map((one) => one.close()));
  open.clear();
});

async function startProducer(
  { nameServers }: JavaServers,
  options: Partial<ProducerOptions> = {},
): Promise<Producer> {
  const producer = new Producer({ nameServers, group: 'our-senders', ...options });
  await producer.start();
  open.add(producer);
  return producer;
}

async function startConsumer(
  { nameServers }: JavaServers,
  topic: string,
): Promise<Inbox<StoredMessage>> {
  const inbox = new Inbox<StoredMessage>();
  const consumer = new PushConsumer({
    nameServers,
    group: `readers-of-${topic}`,
    from: 'first',
    subscriptions: [{ topic }],
    listener: (messages) => {
      for (const message of messages) inbox.put(message.detach());
      return { kind: 'success' };
    },
  });
  await consumer.start();
  open.add(consumer);
  return inbox;
}

describe.each(all)('our producer and servers %s with the Java client %s', (server, client) => {
  let servers: JavaServers;
  const padded = 'x-0'.padEnd(9_000, '.');

  beforeAll(async () => {
    servers = await startJavaServers(server, {});
  });

  afterAll(async () => servers?.close());

  it.each(compressionTypes)('reads what Java sends compressed with %s', async (type) => {
    const topic = `java-${type}`;
    await createTopic(servers.broker.address, topic, 1);
    const jvm = [...shortStart, `-Drocketmq.message.compressType=${type.toUpperCase()}`];
    await using peer = await JavaPeer.start(client, { jvm });
    await peer.run('producer', { id: 'p', ns: servers.nameServers, group: 'java-senders' });
    await peer.send('send', { id: 'p', topic, body: 'x', size: 9_000 });
    const inbox = await startConsumer(servers, topic);
    const message = await inbox.next();
    expect(message.text).toBe(padded);
    expect(message.storedBody.length).toBeLessThan(1_000);
    expect(message.sysFlag & 0x700).toBe({ lz4: 0x100, zstd: 0x200, zlib: 0x300 }[type]);
  });

  it('is read by Java however it compresses', async () => {
    const topic = 'ours-compressed';
    await createTopic(servers.broker.address, topic, 1);
    for (const compressType of compressionTypes) {
      const producer = await startProducer(servers, { compressType, group: `g-${compressType}` });
      await producer.send({ topic, body: Buffer.from(padded), tags: compressType });
    }
    await using peer = await JavaPeer.start(client);
    await peer.run('push', { id: 'c', ns: servers.nameServers, group: 'java-readers', topic });
    const received = await peer.untilReceived('c', 3);
    expect(received.map(({ tags }) => tags).toSorted()).toEqual([...compressionTypes].toSorted());
    expect(new Set(received.map(({ body }) => body))).toEqual(new Set([padded]));
  });

  it('puts messages of one key into the queue that Java chooses for it', async () => {
    const topic = 'by-hash';
    await createTopic(servers.broker.address, topic, 7);
    await using peer = await JavaPeer.start(client);
    await peer.run('producer', { id: 'p', ns: servers.nameServers, group: 'java-senders' });
    const words = { id: 'p', topic, hash: 'order-', keysCount: 12, count: 12 };
    const theirs = await peer.send('send', words);
    const producer = await startProducer(servers);
    const ours: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      const message = { topic, body: Buffer.from(`${i}`) };
      const { queue } = await producer.send(message, { hashKey: `order-${i}` });
      ours.push(queue.queueId);
    }
    expect(ours).toEqual(theirs.map(({ queueId }) => queueId));
  });
});

describe.each(timers)('timer messages with servers %s', (server) => {
  let servers: JavaServers;

  beforeAll(async () => {
    servers = await startJavaServers(server, { properties: { recallMessageEnable: true } });
  });

  afterAll(async () => servers?.close());

  it('come when they are due, whichever way that is said', async () => {
    const topic = 'timed';
    await createTopic(servers.broker.address, topic, 1);
    const producer = await startProducer(servers);
    const inbox = await startConsumer(servers, topic);
    const start = Date.now();
    const send = (text: string, delay: object) =>
      producer.send({ topic, body: Buffer.from(text), ...delay });
    await send('ms', { delayMs: 3_000 });
    await send('seconds', { delaySeconds: 5 });
    await send('date', { deliverAt: new Date(start + 7_000) });
    await send('past', { deliverAt: start - 60_000 });
    const came = await inbox.take(4);
    expect(came.map(({ text }) => text)).toEqual(['past', 'ms', 'seconds', 'date']);
    const waited = came.map(({ storeTimestamp }) => storeTimestamp - start);
    // Brokers round the time of delivery down to a second.
    expect([2_000, 4_000, 6_000].every((ms, i) => (waited[i + 1] ?? 0) >= ms)).toBe(true);
  });

  it('do not come when they were recalled before', async () => {
    const topic = 'recalled';
    await createTopic(servers.broker.address, topic, 1);
    const producer = await startProducer(servers);
    const inbox = await startConsumer(servers, topic);
    const due = Date.now() + 20_000;
    const first = await producer.send({ topic, body: Buffer.from('first'), deliverAt: due });
    const later = due + 2_000;
    await producer.send({ topic, body: Buffer.from('second'), deliverAt: later });
    expect(await producer.recall(topic, first.recallHandle ?? '')).toBe(first.msgId);
    expect((await inbox.next()).text).toBe('second');
    expect(inbox.all).toHaveLength(1);
    await expect(producer.recall(topic, first.recallHandle ?? '')).rejects.toMatchObject({
      code: 'CLIENT_BROKER_REFUSED',
    });
  });
});
