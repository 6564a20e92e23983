import type { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { decodeBatch, decodeProperties, decompressBody } from '@nestjs-rocketmq/message';
import { ProducerBench } from '../testing/producer-bench.js';
import type { ScriptedCluster } from '../testing/scripted-cluster.js';
import type { ProducerOptions } from './producer-options.js';
import { Producer } from './producer.js';

const body = Buffer.from('hello');
const message = { topic: 'orders', body };

describe('Producer', () => {
  let bench: ProducerBench;
  let clock: ManualClock;
  let cluster: ScriptedCluster;
  let producer: Producer;

  const start = async (options?: Partial<ProducerOptions>): Promise<Producer> =>
    (producer = await bench.started(options));

  beforeEach(async () => {
    bench = await ProducerBench.open();
    ({ clock, cluster } = bench);
  });

  afterEach(() => bench.close());

  it('sends what it was given and says where it lies', async () => {
    await start();
    const result = await producer.send({ ...message, tags: 'paid', keys: 'o-1', flag: 7 });
    const [received] = cluster.sends;
    expect(result).toMatchObject({ status: 'SEND_OK', queueOffset: 0, queue: { topic: 'orders' } });
    expect(received?.asked).toMatchObject({
      topic: 'orders',
      producerGroup: 'g',
      flag: 7,
      sysFlag: 0,
    });
    expect(decodeProperties(received?.asked.properties ?? '')).toEqual({
      TAGS: 'paid',
      KEYS: 'o-1',
      UNIQ_KEY: result.msgId,
    });
    expect(Buffer.from(received?.body ?? '').toString()).toBe('hello');
  });

  it('takes turns over the queues of all brokers', async () => {
    await start();
    for (let i = 0; i < 8; i += 1) await producer.send(message);
    const places = cluster.sends.map(({ broker, asked }) => `${broker}:${asked.queueId}`);
    expect(new Set(places).size).toBe(4);
    expect(new Set(places.slice(0, 4)).size).toBe(4);
  });

  it('sends everything with one hash key to one queue', async () => {
    await start();
    for (let i = 0; i < 5; i += 1) await producer.send(message, { hashKey: 'order-1' });
    expect(
      new Set(cluster.sends.map(({ broker, asked }) => `${broker}${asked.queueId}`)).size,
    ).toBe(1);
  });

  it('tries another broker when one is busy, with the same unique key', async () => {
    await start();
    let isFirst = true;
    cluster.onSend = () => {
      if (!isFirst) return {};
      isFirst = false;
      return { code: 'SYSTEM_BUSY', remark: 'slow down' };
    };
    const result = await producer.send(message);
    const [first, second] = cluster.sends;
    expect(second?.broker).not.toBe(first?.broker);
    expect(
      [first, second].map((one) => decodeProperties(one?.asked.properties ?? '')['UNIQ_KEY']),
    ).toEqual([result.msgId, result.msgId]);
  });

  it('sends to the living broker when the other one is gone, without a failed send', async () => {
    await start();
    await cluster.stop('broker-a');
    const results = await Promise.all(Array.from({ length: 10 }, () => producer.send(message)));
    expect(results.map((one) => one.queue.brokerName)).toEqual(Array(10).fill('broker-b'));
  });

  it('does not try again what a broker refused for good', async () => {
    await start();
    cluster.onSend = () => ({ code: 'MESSAGE_ILLEGAL', remark: 'too odd' });
    await expect(producer.send(message)).rejects.toMatchObject({
      code: 'CLIENT_BROKER_REFUSED',
      responseCode: 13,
      responseName: 'MESSAGE_ILLEGAL',
      remark: 'too odd',
      retriable: false,
    });
    expect(cluster.sends).toHaveLength(1);
  });

  it('gives up after the configured attempts and tells how many there were', async () => {
    await start({ retryTimesWhenSendFailed: 1 });
    cluster.onSend = () => ({ code: 'SYSTEM_ERROR', remark: 'no disk' });
    await expect(producer.send(message)).rejects.toMatchObject({
      code: 'CLIENT_SEND_FAILED',
      attempts: 2,
      responseCode: 1,
      remark: 'no disk',
      message: expect.stringContaining('no disk') as string,
    });
    expect(cluster.sends).toHaveLength(2);
  });

  it('keeps to the queue that was asked for and does not repeat a refusal', async () => {
    await start();
    cluster.onSend = () => ({ code: 'SYSTEM_BUSY' });
    const queue = { topic: 'orders', brokerName: 'broker-b', queueId: 1 };
    await expect(producer.send(message, { queue })).rejects.toMatchObject({ responseCode: 2 });
    expect(cluster.sends.map(({ broker, asked }) => `${broker}${asked.queueId}`)).toEqual([
      'broker-b1',
    ]);
  });

  it('ends within its time when no broker answers', async () => {
    await start({ sendTimeout: '2s' });
    cluster.onSend = () => new Promise(() => undefined);
    const sent = expect(producer.send(message)).rejects.toMatchObject({
      code: expect.stringMatching(/CLIENT_SEND_(TIMEOUT|FAILED)/) as string,
      retriable: true,
    });
    await clock.advance(2_500);
    await sent;
  });

  it.each([['FLUSH_DISK_TIMEOUT'], ['FLUSH_SLAVE_TIMEOUT'], ['SLAVE_NOT_AVAILABLE']] as const)(
    'gives %s as a status, not as a failure',
    async (code) => {
      await start();
      cluster.onSend = () => ({ code });
      expect((await producer.send(message)).status).toBe(code);
      expect(cluster.sends).toHaveLength(1);
    },
  );

  it('tries another broker after a half-safe store only when asked to, and keeps that result', async () => {
    await start({ retryAnotherBrokerWhenNotStoreOK: true });
    cluster.onSend = () => ({ code: 'SLAVE_NOT_AVAILABLE' });
    expect((await producer.send(message)).status).toBe('SLAVE_NOT_AVAILABLE');
    expect(cluster.sends).toHaveLength(3);
  });

  it('uses the template for a topic that does not exist, with the wished queues', async () => {
    cluster.addTopic('TBW102', 8);
    await start({ defaultTopicQueueNums: 3 });
    const result = await producer.send({ topic: 'new-topic', body });
    expect(result.queue.topic).toBe('new-topic');
    expect(cluster.sends[0]?.asked).toMatchObject({
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 3,
    });
  });

  it.each([
    ['looks for the topic it has made where one broker makes it', ['broker-a'], 1],
    [
      'sends on by the template where several make it, or one alone would have it',
      ['broker-a', 'broker-b'],
      8,
    ],
  ])('%s', async (_, brokers, queues) => {
    cluster.addTopic('TBW102', 8, brokers);
    cluster.onSend = ({ broker }) => {
      cluster.addTopic('new-topic', 1, [broker]);
      return {};
    };
    await start({ defaultTopicQueueNums: 4 });
    await producer.send({ topic: 'new-topic', body });
    for (let i = 0; i < 20; i += 1) await clock.advance(0);
    const asked = cluster.routeQuestions;
    for (let i = 0; i < 8; i += 1) await producer.send({ topic: 'new-topic', body });
    const places = cluster.sends.slice(1).map(({ broker, asked: { queueId } }) => broker + queueId);
    expect([new Set(places).size, cluster.routeQuestions - asked]).toEqual([queues, 0]);
  });

  it('says what to do when a topic does not exist and is not made by itself', async () => {
    await start();
    await expect(producer.send({ topic: 'missing', body })).rejects.toMatchObject({
      code: 'CLIENT_NO_ROUTE',
      message: expect.stringContaining('create the topic') as string,
    });
  });

  it('starts without a name server, and the send says that there is none', async () => {
    await cluster.stop('');
    await start();
    await expect(producer.send(message)).rejects.toMatchObject({
      code: 'CLIENT_NAME_SERVER_UNREACHABLE',
    });
  });

  it('compresses bodies from the threshold on, with the flag that says so', async () => {
    await start({ compressBodyOver: 100 });
    await producer.send({ topic: 'orders', body: Buffer.alloc(100, 'z') });
    await producer.send({ topic: 'orders', body: Buffer.alloc(99, 'z') });
    const [packed, plain] = cluster.sends;
    expect(packed?.asked.sysFlag).toBe(0x301);
    expect(decompressBody(packed?.body ?? body, 0x301)).toHaveLength(100);
    expect([plain?.asked.sysFlag, plain?.body.length]).toEqual([0, 99]);
  });

  it.each([
    ['lz4', 0x101],
    ['zstd', 0x201],
  ] as const)('compresses with %s when told to', async (compressType, flag) => {
    await start({ compressType, compressBodyOver: 100 });
    await producer.send({ topic: 'orders', body: Buffer.alloc(30_000, 'z') });
    const [packed] = cluster.sends;
    expect(packed?.asked.sysFlag).toBe(flag);
    expect(packed?.body.length).toBeLessThan(300);
    expect(decompressBody(packed?.body ?? body, flag)).toHaveLength(30_000);
  });

  it.each([
    ['zlib', 10],
    ['zstd', 23],
  ] as const)('refuses a level that %s does not have', async (compressType, compressLevel) => {
    await start();
    const options = { nameServers: 'a:1', group: 'g', compressType, compressLevel };
    expect(() => new Producer(options)).toThrow(/compressLevel/);
  });

  it('lets sends beyond the bound wait and fails none of them', async () => {
    await start({ maxInFlight: 2 });
    const answers: (() => void)[] = [];
    cluster.onSend = () => new Promise((resolve) => answers.push(() => resolve({})));
    const sends = Promise.all(Array.from({ length: 20 }, () => producer.send(message)));
    let most = 0;
    while (cluster.sends.length < 20 || answers.length > 0) {
      await clock.advance(0);
      most = Math.max(most, answers.length);
      answers.shift()?.();
    }
    expect(await sends).toHaveLength(20);
    expect(most).toBe(2);
  });

  it('sends a batch as one request whose members have keys of their own', async () => {
    await start();
    const result = await producer.sendBatch([
      { topic: 'orders', body: Buffer.from('one'), tags: 'a' },
      { topic: 'orders', body: Buffer.from('two') },
    ]);
    const [received] = cluster.sends;
    const members = decodeBatch(received?.body ?? body);
    const keys = members.map((one) => decodeProperties(one.properties)['UNIQ_KEY']);
    expect(received?.asked.batch).toBe(true);
    expect(members.map((one) => Buffer.from(one.body).toString())).toEqual(['one', 'two']);
    expect(result.msgId).toBe(keys.join(','));
    expect(new Set(keys).size).toBe(2);
  });

  it.each([
    ['nothing', []],
    ['several topics', [message, { topic: 'other', body }]],
    ['a delay level', [message, { ...message, delayLevel: 2 }]],
  ])('refuses a batch of %s', async (_, messages) => {
    await start();
    await expect(producer.sendBatch(messages)).rejects.toMatchObject({
      code: 'CLIENT_MESSAGE_INVALID',
    });
  });

  it('refuses a batch whose encoded size is over the limit', async () => {
    await start({ maxMessageSize: 40 });
    await expect(producer.sendBatch([message, message])).rejects.toMatchObject({
      code: 'CLIENT_MESSAGE_TOO_LARGE',
    });
  });

  it('refuses contradicting choices of a queue', async () => {
    await start();
    const options = { hashKey: 'a', selector: () => ({ topic: '', brokerName: '', queueId: 0 }) };
    await expect(producer.send(message, options)).rejects.toThrow(/at most one of/);
  });

  it('refuses to send before start and after close', async () => {
    producer = bench.producer();
    await expect(producer.send(message)).rejects.toThrow(/call start\(\) first/);
    await producer.start();
    await producer.close();
    await expect(producer.send(message)).rejects.toThrow(/is closed/);
    await expect(producer.start()).rejects.toMatchObject({ code: 'CLIENT_NOT_RUNNING' });
  });

  it('waits at close for sends under way, then leaves the group and keeps no timer', async () => {
    await start();
    let answer: (() => void) | undefined;
    cluster.onSend = () => new Promise((resolve) => (answer = () => resolve({})));
    const sent = producer.send(message);
    while (answer === undefined) await clock.advance(0);
    const closed = producer.close();
    answer();
    expect((await sent).status).toBe('SEND_OK');
    await closed;
    expect(cluster.unregistered).toContain('g');
    await cluster.close();
    expect(clock.waiting).toBe(0);
  });

  it('closes in time when brokers and name server are gone', async () => {
    await start();
    await producer.send(message);
    await cluster.close();
    const closed = producer.close({ deadline: 100 });
    await clock.advance(5_000);
    await closed;
    expect(clock.waiting).toBe(0);
  });

  it('tells a broker who it is as soon as it learns of it, and again after a lost connection', async () => {
    await start();
    await producer.send(message);
    await clock.advance(0);
    const before = cluster.heartbeats.length;
    expect(cluster.heartbeats[0]?.producerDataSet).toEqual([{ groupName: 'g' }]);
    for (const peer of cluster.clients.splice(0)) peer.close();
    await clock.advance(1_000);
    expect(cluster.heartbeats.length).toBeGreaterThan(before);
  });

  it('names every wrong option with the nearest known one', () => {
    const wrong = { nameServers: 'a:1', group: 'g', sendTimout: 5, retryTimesWhenSendFailed: -1 };
    expect(() => new Producer(wrong)).toThrow(
      expect.objectContaining({
        code: 'OPTIONS_INVALID',
        problems: [
          expect.stringContaining("'retryTimesWhenSendFailed' must be between"),
          expect.stringContaining("did you mean 'sendTimeout'"),
        ] as unknown,
      }),
    );
  });

  it('refuses a second producer of a group in one shared instance', async () => {
    const { ClientInstance } = await import('../client-instance.js');
    const instance = new ClientInstance({
      nameServers: cluster.nameServer,
      clock,
      network: bench.network,
    });
    const first = new Producer({ group: 'g', instance });
    await first.start();
    producer = new Producer({ group: 'g', instance });
    await expect(producer.start()).rejects.toMatchObject({ code: 'CLIENT_CONFIGURATION_INVALID' });
    await first.close();
    await instance.close();
  });
});
