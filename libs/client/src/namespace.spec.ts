import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { systemClock } from '@nestjs-rocketmq/foundation';
import { decodeProperties, renamedRecords, StoredMessage } from '@nestjs-rocketmq/message';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { vipAddress } from './call-settings.js';
import { Namesakes } from './client-ids.js';
import { ClientInstance, Producer, PushConsumer, TransactionalProducer } from './index.js';
import { Namespace, namespaceOfEndpoint } from './namespace.js';
import { ConsumerBench } from './testing/consumer-bench.js';
import { recordOf } from './testing/records.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';

const listener = () => ({ kind: 'success' }) as const;

describe('a namespace', () => {
  const shop = new Namespace('shop');

  it.each([
    ['orders', 'shop%orders'],
    ['%RETRY%payments', '%RETRY%shop%payments'],
    ['%DLQ%payments', '%DLQ%shop%payments'],
  ])('makes %s to %s and back', (plain, wire) => {
    expect(shop.wrap(plain)).toBe(wire);
    expect(shop.wrap(wire)).toBe(wire);
    expect(shop.unwrap(wire)).toBe(plain);
  });

  it.each(['TBW102', 'RMQ_SYS_TRACE_TOPIC', 'rmq_sys_x', 'CID_RMQ_SYS_TRANS', ''])(
    'leaves %j as it is',
    (name) => expect(shop.wrap(name)).toBe(name),
  );

  it('leaves names of other namespaces alone', () => {
    expect(shop.unwrap('shopping%orders')).toBe('shopping%orders');
    expect(shop.unwrap('%RETRY%other%g')).toBe('%RETRY%other%g');
  });

  it('is taken from the address of an instance, as Java does', () => {
    const address = 'http://MQ_INST_12_ab.mq.example.com:80';
    expect(namespaceOfEndpoint(address)).toBe('MQ_INST_12_ab');
    expect(namespaceOfEndpoint([address.slice(7)])).toBe('MQ_INST_12_ab');
    expect(namespaceOfEndpoint('http://mq.example.com:80')).toBeUndefined();
    const instance = new ClientInstance({ nameServers: address });
    expect(instance.namespace?.name).toBe('MQ_INST_12_ab');
    expect(instance.nameServers.addresses).toEqual(['MQ_INST_12_ab.mq.example.com:80']);
  });

  it('comes off the messages that are received, which stay the same otherwise', () => {
    const properties = { RETRY_TOPIC: 'shop%orders', TAGS: 'shop%x', PGROUP: 'shop%p' };
    const first = { topic: '%RETRY%shop%g', text: 'a é', properties, queueOffset: 5 };
    const bytes = Buffer.concat([recordOf(first), recordOf({ topic: 'other', text: 'b' })]);
    const plain = Buffer.from(shop.records(bytes));
    const one = new StoredMessage(plain);
    expect([one.topic, one.text, one.queueOffset]).toEqual(['%RETRY%g', 'a é', 5]);
    expect(one.isIntact()).toBe(true);
    expect(one.properties).toEqual({ RETRY_TOPIC: 'orders', TAGS: 'shop%x', PGROUP: 'p' });
    const rest = plain.subarray(one.storeSize);
    expect(rest).toEqual(Buffer.from(recordOf({ topic: 'other', text: 'b' })));
    const same = { topic: (topic: string) => topic, properties: (text: string) => text };
    expect(renamedRecords(bytes, same)).toEqual(bytes);
  });
});

describe('a producer in a namespace', () => {
  it('sends wrapped names, and speaks of plain ones', async () => {
    const network = new LoopbackNetwork();
    const cluster = await ScriptedCluster.start(network, systemClock);
    cluster.addTopic('shop%orders', 1);
    const producer = new TransactionalProducer({
      nameServers: cluster.nameServer,
      network,
      group: 'p',
      namespace: 'shop',
      unitMode: true,
      listener: { execute: async () => 'COMMIT', check: async () => 'UNKNOWN' },
    });
    await producer.start();
    const result = await producer.send({ topic: 'orders', body: Buffer.from('x') });
    expect(result.queue.topic).toBe('orders');
    await producer.sendInTransaction({ topic: 'orders', body: Buffer.from('x') });
    const [plain, half] = cluster.sends as [(typeof cluster.sends)[0], (typeof cluster.sends)[0]];
    expect(plain.asked).toMatchObject({ topic: 'shop%orders', producerGroup: 'shop%p' });
    expect(plain.asked).toMatchObject({ defaultTopic: 'TBW102', unitMode: true });
    expect(decodeProperties(plain.asked.properties ?? '')).toMatchObject({ INSTANCE_ID: 'shop' });
    expect(decodeProperties(half.asked.properties ?? '')).toMatchObject({ PGROUP: 'shop%p' });
    await producer.close();
    expect(cluster.decisions[0]).toMatchObject({ producerGroup: 'shop%p', topic: 'shop%orders' });
    expect(cluster.unregistered).toContain('shop%p');
    await cluster.close();
  });
});

describe('a consumer in a namespace', () => {
  const bench = new ConsumerBench();
  beforeEach(() => bench.open());
  afterEach(() => bench.close());

  it('reads, commits, locks and sends back under wrapped names; its listener sees plain ones', async () => {
    const { cluster } = bench;
    cluster.addTopic('shop%t', 1);
    cluster.addTopic('%RETRY%shop%g', 1);
    const topics: string[] = [];
    await bench.consumer({
      namespace: 'shop',
      listener: ([message]) => {
        topics.push(message?.topic ?? '');
        return message?.text === 'bad' ? { kind: 'retry' } : { kind: 'success' };
      },
    });
    cluster.queues.add('shop%t', 0, { text: 'good' }, { text: 'bad' });
    const retried = { text: 'again', properties: { RETRY_TOPIC: 'shop%t' } };
    cluster.queues.add('%RETRY%shop%g', 0, retried);
    await bench.until(() => topics.length === 3);
    expect(topics).toEqual(['t', 't', 't']);
    await bench.clock.advance(5_000);
    await bench.until(() => cluster.queues.offsets.get('shop%g shop%t 0') === 2);
    expect(cluster.queues.sentBack[0]).toMatchObject({ group: 'shop%g', originTopic: 'shop%t' });
    const [beat] = cluster.heartbeats.at(-1)?.consumerDataSet ?? [];
    expect(beat?.groupName).toBe('shop%g');
    const subscribed = beat?.subscriptionDataSet.map(({ topic }) => topic).sort();
    expect(subscribed).toEqual(['%RETRY%shop%g', 'shop%t']);
  });

  it('hears of new members under the wrapped name of its group, and locks wrapped queues', async () => {
    bench.cluster.addTopic('shop%t', 1);
    await bench.consumer({ namespace: 'shop', mode: 'orderly' });
    await bench.until(() => bench.cluster.queues.locks.has('shop%t 0'));
    bench.cluster.queues.add('shop%t', 0, { text: 'in order' });
    await bench.until(() => bench.seen.length === 1);
    expect(bench.seen).toEqual(['in order']);
    expect([...bench.cluster.queues.members.keys()]).toEqual(['shop%g']);
  });
});

describe('client ids', () => {
  const network = new LoopbackNetwork();
  const options = { nameServers: 'a:1', network, instanceName: 'one', clientIp: '1.2.3.4' };
  const consumer = (more: object) =>
    new PushConsumer({
      ...options,
      group: 'g',
      subscriptions: [{ topic: 't' }],
      listener,
      ...more,
    });

  it('are refused twice for one group of a cluster', async () => {
    const clock = new ManualClock();
    const producer = new Producer({ ...options, clock, group: 'g' });
    await producer.start();
    const second = new Producer({ ...options, clock, group: 'g', nameServers: 'b:1;a:1' });
    await expect(second.start()).rejects.toMatchObject({
      code: 'CLIENT_CONFIGURATION_INVALID',
      message: expect.stringContaining("give each its own 'instanceName'"),
    });
    // Other groups, clusters, namespaces and units are told apart, and so is a consumer group.
    const others = [
      new Producer({ ...options, clock, group: 'h' }),
      new Producer({ ...options, clock, group: 'g', nameServers: 'b:1' }),
      new Producer({ ...options, clock, group: 'g', namespace: 'shop' }),
      new Producer({ ...options, clock, group: 'g', unitName: 'north' }),
    ];
    for (const other of others) await other.start();
    await Promise.all([...others, second].map((one) => one.close()));
    await producer.close();
    const afterwards = new Producer({ ...options, clock, group: 'g' });
    await afterwards.start();
    await afterwards.close();
  });

  it('are unique unless named, so that clusters never mix', () => {
    const ids = ['a:1', 'b:1', 'a:1'].map((nameServers) => {
      return consumer({ nameServers, instanceName: undefined }).clientId;
    });
    expect(new Set(ids).size).toBe(3);
  });

  it('that another process uses too are told once they stay', () => {
    const warnings: string[] = [];
    const logger = { warn: (sentence: string) => warnings.push(sentence) } as never;
    const namesakes = new Namesakes('me', logger);
    namesakes.look('g', ['me', 'me']);
    namesakes.look('g', ['me', 'you']);
    for (let i = 0; i < 5; i += 1) namesakes.look('g', ['me', 'you', 'me']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('both take the same queues');
  });
});

describe('the second port of a broker', () => {
  it('is two below the first', () => {
    expect(vipAddress('10.0.0.1:10911')).toBe('10.0.0.1:10909');
    expect(vipAddress('[::1]:10911')).toBe('[::1]:10909');
  });
});
