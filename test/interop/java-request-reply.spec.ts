import { Producer, PushConsumer } from '@nestjs-rocketmq/client';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { JavaPeer, prepareJava, startJavaServers } from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

beforeAll(() => prepareJava());

/** The official requester waits 5 s for its reply. */
async function requestByJava(peer: JavaPeer, topic: string): Promise<unknown> {
  const events = await peer.run('request', { id: 'p', topic, body: 'question' });
  return events.find((event) => event.event === 'reply')?.['body'];
}

/**
 * Not with the client 5.3.3: its requests end as soon as the broker has acknowledged the send
 * (`DefaultMQProducerImpl.request` opens the latch of the reply there), with a time-out error.
 */
describe.each([
  ['ours', '4.9.8'],
  ['ours', '5.5.0'],
  ['4.9.7', '4.9.8'],
  ['5.3.3', '5.5.0'],
] as const)('request and reply through servers %s with the Java client %s', (server, client) => {
  let servers: { nameServers: string; close(): Promise<void> };
  let peer: JavaPeer;
  let producer: Producer;
  let consumer: PushConsumer | undefined;
  const topics = { ours: 'asked-of-ours', java: 'asked-of-java' };

  beforeAll(async () => {
    servers = server === 'ours' ? await startOurServers({}) : await startJavaServers(server, {});
    const { nameServers } = servers;
    peer = await JavaPeer.start(client);
    producer = new Producer({ nameServers, group: 'our-askers' });
    await producer.start();
    await peer.run('producer', { id: 'p', ns: nameServers, group: 'java-askers' });
    for (const topic of Object.values(topics))
      await producer.send({ topic, body: Buffer.from('.') });
  });

  afterAll(async () => {
    await consumer?.close({ deadline: 1_000 });
    await producer?.close();
    await peer?.close();
    await servers?.close();
  });

  it('our consumer answers a Java requester', async () => {
    consumer = new PushConsumer({
      nameServers: servers.nameServers,
      group: 'our-repliers',
      from: 'first',
      subscriptions: [{ topic: topics.ours }],
      listener: async ([message]) => {
        const request = message as StoredMessage;
        if (request.property('REPLY_TO_CLIENT') !== undefined) {
          await producer.reply(request, { body: Buffer.from('our answer') });
        }
        return { kind: 'success' };
      },
    });
    await consumer.start();
    // Once a reply came, the consumer has its queues and Java's five seconds are plenty.
    const first = producer.request(
      { topic: topics.ours, body: Buffer.from('first') },
      { timeout: '30s' },
    );
    expect(text((await first).body)).toBe('our answer');
    expect(await requestByJava(peer, topics.ours)).toBe('our answer');
  });

  it('a Java consumer answers our requester', async () => {
    await peer.run('push', {
      id: 'replier',
      ns: servers.nameServers,
      group: 'java-repliers',
      topic: topics.java,
      reply: 'p',
    });
    const reply = await producer.request(
      { topic: topics.java, body: Buffer.from('question') },
      { timeout: '30s' },
    );
    expect(text(reply.body)).toBe('answer');
    expect(reply.properties['MSG_TYPE']).toBe('reply');
  });
});
