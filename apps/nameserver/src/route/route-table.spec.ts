import type { TopicConfig } from '@nestjs-rocketmq/protocol';
import { RouteTable } from './route-table.js';
import type { BrokerIdentity, Registration } from './route-table.js';

const broker = (change: Partial<BrokerIdentity> = {}): BrokerIdentity => ({
  cluster: 'C',
  name: 'a',
  id: 0,
  address: '10.0.0.1:10911',
  ...change,
});
const topic = (topicName: string, change: Partial<TopicConfig> = {}): TopicConfig => ({
  attributes: {},
  order: false,
  perm: 6,
  readQueueNums: 4,
  topicFilterType: 'SINGLE_TAG',
  topicName,
  topicSysFlag: 0,
  writeQueueNums: 4,
  ...change,
});
const topics = (...configs: TopicConfig[]): Record<string, TopicConfig> =>
  Object.fromEntries(configs.map((config) => [config.topicName, config]));
const version = (counter: number, stateVersion = 0): Registration['dataVersion'] => ({
  counter,
  stateVersion,
  timestamp: 1,
});
const registration = (change: Partial<Registration> = {}): Registration => ({
  broker: broker(),
  haServerAddr: '10.0.0.1:10912',
  enableActingMaster: false,
  zoneName: undefined,
  dataVersion: version(1),
  topics: topics(topic('T'), topic('U')),
  ...change,
});
const slave = broker({ id: 1, address: '10.0.0.2:10911' });

describe('a route table', () => {
  it('tells where the topics of a registered broker live', () => {
    const table = new RouteTable();
    expect(table.register(registration())).toMatchObject({ kind: 'registered', isNew: true });
    expect(table.routeOf('T')).toEqual({
      brokerDatas: [
        {
          brokerAddrs: { 0: '10.0.0.1:10911' },
          brokerName: 'a',
          cluster: 'C',
          enableActingMaster: false,
        },
      ],
      filterServerTable: {},
      queueDatas: [
        { brokerName: 'a', perm: 6, readQueueNums: 4, topicSysFlag: 0, writeQueueNums: 4 },
      ],
    });
    expect(table.routeOf('unknown')).toBeUndefined();
  });

  it('joins the brokers of a topic and forgets one without touching the other', () => {
    const table = new RouteTable();
    const b = broker({ name: 'b', address: '10.0.0.9:10911' });
    table.register(registration());
    table.register(registration({ broker: b }));
    expect(table.routeOf('T')?.queueDatas.map((data) => data.brokerName)).toEqual(['a', 'b']);
    expect(table.unregister(broker())).toBe(true);
    expect(table.routeOf('T')?.brokerDatas.map((data) => data.brokerName)).toEqual(['b']);
    expect(table.clusterInfo().clusterAddrTable).toEqual({ C: ['b'] });
    expect(table.unregister(b)).toBe(true);
    expect(table.routeOf('T')).toBeUndefined();
    expect(table.clusterInfo()).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
    expect(table.allTopics()).toEqual([]);
  });

  it('takes changed topics only with a new data version, and new ones always', () => {
    const table = new RouteTable();
    table.register(registration());
    const changed = topics(topic('T', { perm: 4 }), topic('U'), topic('V'));
    table.register(registration({ topics: changed }));
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(6);
    expect(table.routeOf('V')).toBeDefined();
    table.register(registration({ topics: changed, dataVersion: version(2) }));
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(4);
  });

  it('keeps topics that a broker no longer names, unless told to drop them', () => {
    const table = new RouteTable();
    table.register(registration());
    const fewer = registration({ topics: topics(topic('T'), topic('W')), dataVersion: version(2) });
    table.register(fewer);
    expect(table.routeOf('U')).toBeDefined();
    table.register(fewer, { dropMissingTopics: true });
    expect(table.routeOf('U')).toBeUndefined();
    expect(table.routeOf('T')).toBeDefined();
  });

  it('takes a single topic for an update, which drops no other', () => {
    const table = new RouteTable();
    table.register(registration());
    const update = registration({
      topics: topics(topic('U', { perm: 4 })),
      dataVersion: version(2),
    });
    table.register(update, { dropMissingTopics: true });
    expect(table.routeOf('T')).toBeDefined();
    expect(table.routeOf('U')?.queueDatas[0]?.perm).toBe(4);
  });

  it('lists topics by the flags of their queues', () => {
    const table = new RouteTable();
    table.register(registration({ topics: topics(topic('T', { topicSysFlag: 3 }), topic('U')) }));
    expect(table.topicsWhere((flags) => (flags & 2) !== 0)).toEqual(['T']);
    expect(table.topicsWhere((flags) => flags === 0)).toEqual(['U']);
  });

  it('refuses a first registration of a single topic, which is an update', () => {
    const table = new RouteTable();
    const single = registration({ topics: topics(topic('T')) });
    expect(table.register(single)).toEqual({ kind: 'refused' });
    expect(table.clusterInfo().brokerAddrTable).toEqual({});
    table.register(registration());
    expect(table.register(single)).toMatchObject({ kind: 'registered', isNew: false });
  });

  it('tells a slave its master and takes no topics from it', () => {
    const table = new RouteTable();
    table.register(registration());
    const registered = table.register(
      registration({ broker: slave, topics: topics(topic('X'), topic('Y')) }),
    );
    expect(registered).toMatchObject({
      master: { address: '10.0.0.1:10911', haServerAddr: '10.0.0.1:10912' },
    });
    expect(table.routeOf('X')).toBeUndefined();
    expect(table.routeOf('T')?.brokerDatas[0]?.brokerAddrs).toEqual({
      0: '10.0.0.1:10911',
      1: '10.0.0.2:10911',
    });
  });

  it('keeps the queues of a name while any of its addresses remains', () => {
    const table = new RouteTable();
    table.register(registration());
    table.register(registration({ broker: slave }));
    table.unregister(broker());
    expect(table.routeOf('T')?.brokerDatas[0]?.brokerAddrs).toEqual({ 1: '10.0.0.2:10911' });
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(6);
  });

  it('takes the write permission when a slave acts for its master', () => {
    const table = new RouteTable();
    table.register(registration({ enableActingMaster: true }));
    table.register(registration({ broker: slave, enableActingMaster: true }));
    table.unregister(broker());
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(4);
  });

  it('ignores a stranger that claims an id whose holder has told a newer state', () => {
    const table = new RouteTable();
    table.register(registration({ dataVersion: version(1, 5) }));
    const stranger = broker({ address: '10.0.0.7:10911' });
    expect(table.register(registration({ broker: stranger, dataVersion: version(9, 4) }))).toEqual({
      kind: 'stale',
    });
    expect(table.members('a')).toEqual({ 0: '10.0.0.1:10911' });
    table.register(registration({ broker: stranger, dataVersion: version(9, 5) }));
    expect(table.members('a')).toEqual({ 0: '10.0.0.7:10911' });
  });

  it('frees the old id of a slave that became master', () => {
    const table = new RouteTable();
    table.register(registration({ broker: slave }));
    table.register(registration({ broker: { ...slave, id: 0 } }));
    expect(table.members('a')).toEqual({ 0: '10.0.0.2:10911' });
  });

  it('is not confused when the goodbye of an address comes after another took its id', () => {
    const table = new RouteTable();
    table.register(registration());
    const successor = broker({ address: '10.0.0.7:10911' });
    table.register(registration({ broker: successor }));
    expect(table.unregister(broker())).toBe(false);
    expect(table.members('a')).toEqual({ 0: '10.0.0.7:10911' });
  });

  it('takes and gives write permission, and counts the topics', () => {
    const table = new RouteTable();
    table.register(registration());
    expect(table.setWritable('a', false)).toBe(2);
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(4);
    expect(table.setWritable('a', true)).toBe(2);
    expect(table.routeOf('T')?.queueDatas[0]?.perm).toBe(6);
    expect(table.setWritable('nobody', false)).toBe(0);
  });

  it('deletes a topic of one cluster or of all', () => {
    const table = new RouteTable();
    table.register(registration());
    const other = broker({ cluster: 'D', name: 'd', address: '10.0.1.1:10911' });
    table.register(registration({ broker: other }));
    table.deleteTopic('T', 'nowhere');
    table.deleteTopic('T', 'C');
    expect(table.routeOf('T')?.queueDatas.map((data) => data.brokerName)).toEqual(['d']);
    table.deleteTopic('T');
    table.deleteTopic('T');
    expect(table.routeOf('T')).toBeUndefined();
    expect(table.topicsOf('C')).toEqual(['U']);
  });

  it('adds the queues of one topic for brokers that are here', () => {
    const table = new RouteTable();
    table.register(registration());
    const data = { perm: 6, readQueueNums: 1, topicSysFlag: 0, writeQueueNums: 1 };
    table.addTopic('N', [
      { ...data, brokerName: 'a' },
      { ...data, brokerName: 'nobody' },
    ]);
    expect(table.routeOf('N')?.queueDatas).toEqual([{ ...data, brokerName: 'a' }]);
  });

  it('names clusters and brokers as system topics, with an address to ask further', () => {
    const table = new RouteTable();
    expect(table.systemTopics()).toEqual({ names: [], brokerAddr: undefined });
    table.register(registration());
    expect(table.systemTopics()).toEqual({ names: ['C', 'a'], brokerAddr: '10.0.0.1:10911' });
  });

  it('knows the data version of living brokers only', () => {
    const table = new RouteTable();
    table.register(registration());
    expect(table.dataVersionOf('C', '10.0.0.1:10911')).toEqual(version(1));
    table.unregister(broker());
    expect(table.dataVersionOf('C', '10.0.0.1:10911')).toBeUndefined();
  });

  it('takes any name, also those that mean something to JavaScript', () => {
    const table = new RouteTable();
    const odd = broker({ name: '__proto__', cluster: 'constructor' });
    table.register(registration({ broker: odd, topics: topics(topic('__proto__'), topic('T')) }));
    expect(Object.keys(table.clusterInfo().brokerAddrTable)).toEqual(['__proto__']);
    expect(table.clusterInfo().clusterAddrTable).toMatchObject({ constructor: ['__proto__'] });
    expect(table.routeOf('toString')).toBeUndefined();
    expect(table.routeOf('__proto__')?.brokerDatas).toHaveLength(1);
  });
});
