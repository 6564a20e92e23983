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
  let peer: JavaPeer;
  const padded = 'x-0'.padEnd(9_000, '.');

  beforeAll(async () => {
    servers = await startJavaServers(server, {});
    // Its own choice of the three is read in `java-compressions.spec.ts`; one is enough on the wire.
    peer = await JavaPeer.start(client, {
      jvm: [...shortStart, '-Drocketmq.message.compressType=ZSTD'],
    });
    await peer.run('producer', { id: 'p', ns: servers.nameServers, group: 'java-senders' });
  });

  afterAll(async () => {
    await peer?.close();
    await servers?.close();
  });

  it('reads what Java sends compressed with zstd', async () => {
    const topic = 'java-zstd';
    await createTopic(servers.broker.address, topic, 1);
    await peer.send('send', { id: 'p', topic, body: 'x', size: 9_000 });
    const inbox = await startConsumer(servers, topic);
    const message = await inbox.next();
    expect(message.text).toBe(padded);
    expect(message.storedBody.length).toBeLessThan(1_000);
    expect(message.sysFlag & 0x701).toBe(0x201);
  });

  it('is read by Java however it compresses', async () => {
    const topic = 'ours-compressed';
    await createTopic(servers.broker.address, topic, 1);
    for (const compressType of compressionTypes) {
      const producer = await startProducer(servers, { compressType, group: `g-${compressType}` });
      await producer.send({ topic, body: Buffer.from(padded), tags: compressType });
    }
    await peer.run('push', { id: 'c', ns: servers.nameServers, group: 'java-readers', topic });
    const received = await peer.untilReceived('c', 3);
    expect(received.map(({ tags }) => tags).toSorted()).toEqual([...compressionTypes].toSorted());
    expect(new Set(received.map(({ body }) => body))).toEqual(new Set([padded]));
  });

  it('says of each message in cut and gathered batches where it lies', async () => {
    const topic = 'in-batches';
    await createTopic(servers.broker.address, topic, 2);
    const messages = Array.from({ length: 12 }, (_, i) => ({
      topic,
      body: Buffer.from(`${i}`.padEnd(200, '.')),
      tags: `t${i % 3}`,
    }));
    const producer = await startProducer(servers);
    const cut = await producer.sendInBatches(messages, { maxBatchBytes: 1_000 });
    const gathering = await startProducer(servers, { autoBatch: true, group: 'gatherers' });
    const gathered = await Promise.all(messages.map((message) => gathering.send(message)));
    const inbox = await startConsumer(servers, topic);
    const came = new Map((await inbox.take(24)).map((one) => [one.msgId, one]));
    for (const [i, sent] of [...cut, ...gathered].entries()) {
      const { queueId, queueOffset, offsetMsgId, tags, text } = came.get(sent.msgId) ?? {};
      expect([queueId, queueOffset, offsetMsgId]).toEqual([
        sent.queue.queueId,
        sent.queueOffset,
        sent.offsetMsgId,
      ]);
      expect([tags, text]).toEqual([messages[i % 12]?.tags, String(messages[i % 12]?.body)]);
    }
  });

  it('puts messages of one key into the queue that Java chooses for it', async () => {
    const topic = 'by-hash';
    await createTopic(servers.broker.address, topic, 7);
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
    const delays: Record<string, object> = {
      past: { deliverAt: start - 60_000 },
      ms: { delayMs: 4_000 },
      seconds: { delaySeconds: 6 },
      date: { deliverAt: new Date(start + 8_000) },
    };
    for (const [text, delay] of Object.entries(delays)) {
      await producer.send({ topic, body: Buffer.from(text), ...delay });
    }
    const came = await inbox.take(4);
    const waited = Object.fromEntries(
      came.map(({ text, storeTimestamp }) => [text, storeTimestamp - start]),
    );
    // Brokers round the time of delivery down to a second.
    expect(waited['ms']).toBeGreaterThanOrEqual(3_000);
    expect(waited['seconds']).toBeGreaterThanOrEqual(5_000);
    expect(waited['date']).toBeGreaterThanOrEqual(7_000);
    expect(waited['past']).toBeDefined();
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
