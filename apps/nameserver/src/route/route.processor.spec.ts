import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { GetRouteinfoByTopic, ResponseCode, WireVersion } from '@nestjs-rocketmq/protocol';
import type { TopicConfig } from '@nestjs-rocketmq/protocol';
import { KvConfigTable } from '../admin/kv-config.table.js';
import { RunningSettings } from '../admin/running-settings.js';
import { loadNameserverOptions } from '../nameserver.config.js';
import { RouteProcessor } from './route.processor.js';
import { RouteTable } from './route-table.js';

/** A disk that holds nothing, whatever is written. */
const nothing = {
  readText: () => undefined,
  writeText: () => undefined,
  exists: () => false,
  makeDirectory: () => undefined,
  rename: () => undefined,
  syncDirectory: () => undefined,
} as unknown as FileSystem;
const topic = (topicName: string, topicSysFlag = 0): TopicConfig => ({
  attributes: {},
  order: false,
  perm: 6,
  readQueueNums: 4,
  topicFilterType: 'SINGLE_TAG',
  topicName,
  topicSysFlag,
  writeQueueNums: 4,
});

describe('RouteProcessor', () => {
  let table: RouteTable;
  let processor: RouteProcessor;
  let kvConfig: KvConfigTable;
  beforeEach(() => start({}));

  function start(given: Record<string, unknown>): void {
    table = new RouteTable();
    const options = loadNameserverOptions(given, { unknown: 'refuse', logger: silentLogger });
    const settings = new RunningSettings(options, nothing, silentLogger);
    kvConfig = new KvConfigTable(nothing, 'kvConfig.json');
    processor = new RouteProcessor(table, kvConfig, settings, new ManualClock());
  }

  function register(name: string, id = 0, zoneName: string | undefined = undefined): void {
    table.register({
      broker: { cluster: 'C', name, id, address: `${name}:${id}` },
      haServerAddr: '',
      enableActingMaster: undefined,
      zoneName,
      dataVersion: { counter: 1, stateVersion: 0, timestamp: 1 },
      topics: { T: topic('T', 3), U: topic('U', 2), V: topic('V') },
    });
  }

  type Zone = { zoneMode?: string; zoneName?: string };
  /** The body of an answer, or the code of a refusal. */
  const answered = (asked: Zone & { topic: string }, version: number): string | number => {
    let answer: string | number | (() => string) = -1;
    const reply = {
      version,
      successWithBody: (size: number) => {
        const bytes = Buffer.alloc(size + 3);
        answer = () => bytes.toString('utf8', 3);
        return { bytes, data: new DataView(bytes.buffer), from: 3, to: size + 3 };
      },
      outcome: (code: number) => (answer = code),
      refuse: (code: number) => (answer = code),
    };
    type Query = Parameters<RouteProcessor['routeOfTopic']>;
    processor.routeOfTopic(asked as Query[0], reply as unknown as Query[1]);
    const given = answer as string | number | (() => string);
    return typeof given === 'function' ? given() : given;
  };
  const written = (version: number, zone: Zone = {}, acceptStandardJsonOnly = false): string =>
    String(answered({ topic: 'T', acceptStandardJsonOnly, ...zone } as { topic: string }, version));
  const brokersOf = (zone: Zone): string[] =>
    GetRouteinfoByTopic.answerBody
      .read(Buffer.from(written(WireVersion.V5_3_3, zone)))
      .queueDatas.map(({ brokerName }) => brokerName);

  it('answers what the table holds now, however often it was asked before', () => {
    register('a');
    const before = written(WireVersion.V5_3_3);
    expect(written(WireVersion.V5_3_3)).toBe(before);
    expect(written(WireVersion.V4_9_4 - 1)).not.toBe(before);
    register('b');
    expect(brokersOf({})).toEqual(['a', 'b']);
    table.setWritable('a', false);
    expect(written(WireVersion.V5_3_3)).toContain('"perm":4');
    table.unregister({ cluster: 'C', name: 'a', id: 0, address: 'a:0' });
    expect(brokersOf({})).toEqual(['b']);
    table.addTopic('T', [
      { brokerName: 'b', perm: 6, readQueueNums: 9, topicSysFlag: 0, writeQueueNums: 9 },
    ]);
    expect(written(WireVersion.V5_3_3)).toContain('"readQueueNums":9');
    table.deleteTopic('T');
    expect(answered({ topic: 'T' }, 1)).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(answered({ topic: 'U' }, 1)).toContain('"brokerName":"b"');
  });

  it('writes a route once, and anew when the table or its order has changed', () => {
    start({ orderMessageEnable: true });
    register('a');
    const look = table.routeOf.bind(table);
    let writes = 0;
    table.routeOf = (name) => {
      writes += 1;
      return look(name);
    };
    const first = written(WireVersion.V5_3_3);
    for (let i = 0; i < 5; i += 1) expect(written(WireVersion.V5_3_3)).toBe(first);
    expect(writes).toBe(1);
    kvConfig.put('ORDER_TOPIC_CONFIG', 'T', 'a:4');
    expect(written(WireVersion.V5_3_3)).toContain('"orderTopicConf":"a:4"');
    expect(writes).toBe(2);
    register('b');
    expect(brokersOf({})).toEqual(['a', 'b']);
    expect(writes).toBe(3);
  });

  it('gives out nothing before it is open', () => {
    start({ needWaitForService: true, waitSecondsForService: 45 });
    register('a');
    expect(answered({ topic: 'T' }, 1)).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('writes broker ids bare for clients before 4.9.4, who know nothing else', () => {
    register('a');
    expect(written(WireVersion.V4_9_4 - 1)).toContain('"brokerAddrs":{0:"a:0"}');
    expect(written(0)).toContain('{0:"a:0"}');
    expect(written(WireVersion.V4_9_4)).toContain('"brokerAddrs":{"0":"a:0"}');
    expect(written(317, {}, true)).toContain('{"0":"a:0"}');
  });

  it('has the same members, in the order of the alphabet, in both forms', () => {
    register('a');
    const [bare, quoted] = [written(317), written(WireVersion.V5_3_3)];
    expect(bare.replace('{0:', '{"0":')).toBe(quoted);
    expect(Object.keys(JSON.parse(quoted) as object)).toEqual([
      'brokerDatas',
      'filterServerTable',
      'queueDatas',
    ]);
  });

  it('writes plain ASCII for newer clients', () => {
    register('br\u00fccke');
    expect(written(WireVersion.V5_3_3)).toContain('"br\\u00fccke"');
    expect(JSON.parse(written(WireVersion.V5_3_3))).toMatchObject({
      queueDatas: [{ brokerName: 'br\u00fccke' }],
    });
    expect(written(317)).toContain('"br\u00fccke"');
  });

  it('keeps a client in its zone when it asks for that', () => {
    register('east', 0, 'East');
    register('west', 0, 'west');
    register('none');
    expect(brokersOf({})).toEqual(['east', 'west', 'none']);
    expect(brokersOf({ zoneName: 'east' })).toEqual(['east', 'west', 'none']);
    expect(brokersOf({ zoneMode: 'true', zoneName: ' ' })).toEqual(['east', 'west', 'none']);
    expect(brokersOf({ zoneMode: 'TRUE', zoneName: 'east' })).toEqual(['east']);
    expect(brokersOf({ zoneMode: 'true', zoneName: 'north' })).toEqual([]);
  });

  it('shows brokers of other zones that have lost their master', () => {
    register('east', 0, 'east');
    register('west', 1, 'west');
    register('west', 0, 'west');
    table.unregister({ cluster: 'C', name: 'west', id: 0, address: 'west:0' });
    expect(brokersOf({ zoneMode: 'true', zoneName: 'east' })).toEqual(['east', 'west']);
  });

  it('lists topics of units', () => {
    register('a');
    expect(processor.unitTopics().body?.topicList).toEqual(['T']);
    expect(processor.unitSubscribedTopics().body?.topicList).toEqual(['T', 'U']);
    expect(processor.unitSubscribedOutsideUnits().body?.topicList).toEqual(['U']);
  });

  it('lists nothing when lists are switched off', () => {
    start({ enableTopicList: false, enableAllTopicList: false });
    const lists = ['unitTopics', 'unitSubscribedTopics', 'unitSubscribedOutsideUnits'] as const;
    for (const name of lists) expect(() => processor[name]()).toThrow('disable');
    expect(() => processor.allTopics()).toThrow('disable');
    expect(() => processor.systemTopics()).toThrow('disable');
    expect(() => processor.topicsOfCluster({ cluster: 'C' })).toThrow('disable');
  });
});
