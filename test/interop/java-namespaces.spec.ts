import {
  Producer,
  PushConsumer,
  TransactionalProducer,
  type ClientOptions,
} from '@nestjs-rocketmq/client';
import { PropertyName } from '@nestjs-rocketmq/message';
import { eventually } from '../support/eventually.js';
import { prepareJava, startJavaServers, type JavaServers } from '../support/java.js';

/** Namespaces and the second port before official servers. */
const deadline = 60_000;

beforeAll(() => prepareJava());

describe.each(['4.9.7', '5.3.3'] as const)('names on the servers %s', (version) => {
  let servers: JavaServers;

  beforeAll(async () => {
    servers = await startJavaServers(version, {
      properties: { autoCreateSubscriptionGroup: true, transactionCheckInterval: 1_000 },
    });
  });

  afterAll(() => servers?.close());

  const listening = async (seen: string[], group: string, options: Partial<ClientOptions>) => {
    const consumer = new PushConsumer({
      nameServers: servers.nameServers,
      pollNameServerInterval: 1_000,
      rebalanceInterval: 1_000,
      group,
      from: 'first',
      subscriptions: [{ topic: 'Names' }],
      listener: ([message]) => {
        if (message === undefined) return { kind: 'success' };
        seen.push(`${message.topic} ${message.text} ${message.reconsumeTimes}`);
        const isFirst = message.text === 'again' && message.reconsumeTimes === 0;
        return isFirst ? { kind: 'retry', delayLevel: 1 } : { kind: 'success' };
      },
      ...options,
    });
    await consumer.start();
    return consumer;
  };

  it('two users of one cluster with the same names do not meet; retries find their way', async () => {
    for (const namespace of ['north', 'south', undefined]) {
      const options = namespace === undefined ? {} : { namespace };
      const base = { nameServers: servers.nameServers, ...options, group: 'p' };
      await using producer = new Producer(base);
      await producer.start();
      const body = Buffer.from(`to ${namespace}`);
      const result = await producer.send({ topic: 'Names', body });
      expect(result.queue.topic).toBe('Names');
      await producer.send({ topic: 'Names', body: Buffer.from('again') });
    }
    for (const namespace of ['north', 'south', undefined]) {
      const seen: string[] = [];
      const options = namespace === undefined ? {} : { namespace };
      await using _consumer = await listening(seen, 'c', options);
      await eventually('the messages and the retry', deadline, () => seen.length >= 3 || undefined);
      const expected = [`Names to ${namespace} 0`, 'Names again 0', 'Names again 1'];
      expect(seen.sort()).toEqual(expected.sort());
    }
  });

  it('a half message in a namespace is asked about, and decided', async () => {
    const asked: string[] = [];
    await using bank = new TransactionalProducer({
      nameServers: servers.nameServers,
      namespace: 'bank',
      group: 'tellers',
      listener: {
        execute: async () => 'UNKNOWN',
        check: async (message) => {
          asked.push(`${message.property(PropertyName.REAL_TOPIC) ?? message.topic}`);
          return 'COMMIT';
        },
      },
    });
    await bank.start();
    await bank.sendInTransaction({ topic: 'Names', body: Buffer.from('half') });
    const seen: string[] = [];
    await using _consumer = await listening(seen, 'c', { namespace: 'bank' });
    await eventually('the message', 120_000, () => seen.length > 0 || undefined);
    expect(seen).toEqual(['Names half 0']);
    expect(asked[0]).toBe('Names');
  });

  it('namespaces of the second kind and the second port work, in both header forms', async () => {
    for (const headerForm of ['json', 'binary'] as const) {
      const options = { namespaceV2: 'shop', vipChannelEnabled: true, headerForm };
      const base = { nameServers: servers.nameServers, ...options, group: 'v' };
      await using producer = new Producer(base);
      await producer.start();
      for (let i = 0; i < 12; i += 1) {
        await producer.send({ topic: 'Names', body: Buffer.from(`${headerForm} ${i}`) });
      }
      const seen: string[] = [];
      await using _consumer = await listening(seen, `v-${headerForm}`, options);
      const own = () => seen.filter((line) => line.includes(headerForm)).length;
      await eventually('the messages', deadline, () => own() >= 12 || undefined);
    }
  });
});
