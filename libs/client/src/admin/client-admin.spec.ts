import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { offsetMessageId } from '@nestjs-rocketmq/message';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { InvalidQueryError, NoRouteError, TopicCreationError } from '../client.errors.js';
import { encodeTrace, type TraceRecord } from '../trace/trace-record.js';
import { recordOf } from '../testing/records.js';
import { ScriptedCluster } from '../testing/scripted-cluster.js';
import { ClientAdmin } from './client-admin.js';

const uniqueKey = '0A000001ABCD12345678000000010000';

describe('ClientAdmin', () => {
  let network: LoopbackNetwork;
  let cluster: ScriptedCluster;
  let admin: ClientAdmin;
  const clock = new ManualClock();

  beforeEach(async () => {
    network = new LoopbackNetwork();
    cluster = await ScriptedCluster.start(network, clock, ['a', 'b']);
    cluster.addTopic('t', 2);
    cluster.addTopic('TRACES', 1);
    admin = new ClientAdmin({ nameServers: cluster.nameServer, network, clock });
  });

  afterEach(async () => {
    await admin.close();
    await cluster.close();
  });

  const record = (text: string, properties: Record<string, string> = {}, topic = 't') =>
    recordOf({ topic, text, properties });

  it('creates a topic on every master, to be read and written', async () => {
    const { brokers, failures } = await admin.createTopic('new', { queues: 6 });
    expect(brokers.toSorted()).toEqual([cluster.addressOf('a'), cluster.addressOf('b')].toSorted());
    expect(failures).toEqual([]);
    expect(cluster.created.map(({ broker }) => broker).toSorted()).toEqual(['a', 'b']);
    expect(cluster.created[0]?.asked).toMatchObject({
      topic: 'new',
      readQueueNums: 6,
      writeQueueNums: 6,
      perm: 6,
      defaultTopic: 'TBW102',
      topicFilterType: 'SINGLE_TAG',
    });
  });

  it('creates it on the brokers of another topic when told so', async () => {
    cluster.addTopic('only-b', 1, ['b']);
    await admin.createTopic('new', { brokersOf: 'only-b' });
    expect(cluster.created).toMatchObject([{ broker: 'b', asked: { defaultTopic: 'only-b' } }]);
  });

  it('says which brokers did not create it, and fails when none did', async () => {
    await cluster.stop('b');
    const { brokers, failures } = await admin.createTopic('new');
    expect(brokers).toEqual([cluster.addressOf('a')]);
    expect(failures.map(({ address }) => address)).toEqual([cluster.addressOf('b')]);
    await cluster.stop('a');
    await expect(admin.createTopic('new')).rejects.toThrow(TopicCreationError);
  });

  it('finds messages by key at all brokers, and leaves out what only has the same hash', async () => {
    const found = { a: ['one'], b: ['two'] } as Record<string, string[]>;
    cluster.onQuery = (broker) => [
      ...(found[broker] ?? []).map((text) => record(text, { KEYS: 'other k' })),
      record('same hash', { KEYS: 'other' }),
      record('other topic', { KEYS: 'k' }, 'u'),
    ];
    const messages = await admin.queryMessages('t', 'k', { begin: 5, end: new Date(9) });
    expect(messages.map(({ text }) => text).toSorted()).toEqual(['one', 'two']);
    expect(cluster.queries[0]).toMatchObject({
      key: 'k',
      maxNum: 32,
      beginTimestamp: 5,
      endTimestamp: 9,
      isUniqueKey: 'false',
    });
  });

  it('goes on without a broker that cannot be asked, unless the others have nothing', async () => {
    await cluster.stop('b');
    cluster.onQuery = () => [record('one', { KEYS: 'k' })];
    const messages = await admin.queryMessages('t', 'k');
    expect(messages.map(({ text }) => text)).toEqual(['one']);
    cluster.onQuery = () => [];
    await expect(admin.queryMessages('t', 'k')).rejects.toThrow();
  });

  it('finds a message by its unique key in the last three days', async () => {
    const day = 24 * 60 * 60 * 1000;
    await clock.advance(10 * day);
    cluster.onQuery = () => [
      record('it', { UNIQ_KEY: uniqueKey }),
      record('not', { UNIQ_KEY: 'x' }),
    ];
    const message = await admin.viewMessage('t', uniqueKey);
    expect(message?.text).toBe('it');
    expect(cluster.queries[0]).toMatchObject({
      isUniqueKey: 'true',
      beginTimestamp: clock.now() - 3 * day,
    });
  });

  it("finds a message by the broker's id at that broker, at that place", async () => {
    const [host, port] = cluster.addressOf('a').split(':');
    const bytes = Uint8Array.from((host as string).split('.').map(Number));
    cluster.onView = (offset) => (offset === 4711 ? record('there') : undefined);
    const message = await admin.viewMessage('t', offsetMessageId(bytes, Number(port), 4711));
    expect(message?.text).toBe('there');
    expect(cluster.queries).toEqual([]);
    const absent = await admin.viewMessage('t', offsetMessageId(bytes, Number(port), 4712));
    expect(absent).toBeUndefined();
  });

  it('shows what was traced about a message, in the order of storing, and by whom', async () => {
    const recall = (msgId: string, timestamp: number): TraceRecord => ({
      kind: 'Recall',
      regionId: 'r',
      group: 'g',
      topic: 't',
      success: true,
      msgId,
      timestamp,
    });
    const traces = (text: string, storeTimestamp: number) =>
      recordOf({ topic: 'TRACES', text, storeTimestamp, properties: { KEYS: 'ID OTHER' } });
    cluster.onQuery = (broker) => [
      broker === 'a'
        ? traces(encodeTrace(recall('ID', 2)), 20)
        : traces(encodeTrace(recall('OTHER', 1)) + encodeTrace(recall('ID', 1)), 10),
    ];
    const found = await admin.queryTrace('ID', { traceTopic: 'TRACES' });
    expect(found).toEqual([
      { ...recall('ID', 1), clientHost: '127.0.0.1:1' },
      { ...recall('ID', 2), clientHost: '127.0.0.1:1' },
    ]);
  });

  it('refuses what cannot be asked', async () => {
    await expect(admin.queryMessages('t', 'k', { max: 0 })).rejects.toThrow(InvalidQueryError);
    await expect(admin.queryMessages('t', 'k', { begin: -1 })).rejects.toThrow(InvalidQueryError);
    await expect(admin.createTopic('new', { queues: 1.5 })).rejects.toThrow(InvalidQueryError);
    await expect(admin.createTopic('a b')).rejects.toThrow('a b');
    await expect(admin.queryMessages('nowhere', 'k')).rejects.toThrow(NoRouteError);
    await expect(admin.viewMessage('t', 'no id')).rejects.toThrow('no id');
  });
});
