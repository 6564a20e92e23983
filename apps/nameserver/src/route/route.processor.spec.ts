import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { GetRouteinfoByTopic, WireVersion } from '@nestjs-rocketmq/protocol';
import type { TopicConfig } from '@nestjs-rocketmq/protocol';
import { KvConfigTable } from '../admin/kv-config.table.js';
import { RunningSettings } from '../admin/running-settings.js';
import { loadNameserverOptions } from '../nameserver.config.js';
import { RouteProcessor } from './route.processor.js';
import { RouteTable } from './route-table.js';

const nothing = { readText: () => undefined } as unknown as FileSystem;
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
  beforeEach(() => start({}));

  function start(given: Record<string, unknown>): void {
    table = new RouteTable();
    const options = loadNameserverOptions(given, { unknown: 'refuse', logger: silentLogger });
    const settings = new RunningSettings(options, nothing, silentLogger);
    const kvConfig = new KvConfigTable(nothing, 'kvConfig.json');
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

  const written = (version: number, extFields = {}, acceptStandardJsonOnly = false): string => {
    const asked = { topic: 'T', acceptStandardJsonOnly };
    const { body } = processor.routeOfTopic(asked, { version, extFields });
    return Buffer.from(GetRouteinfoByTopic.answerBody.write(body!)).toString();
  };
  const brokersOf = (extFields: Record<string, string>): string[] =>
    GetRouteinfoByTopic.answerBody
      .read(Buffer.from(written(WireVersion.V5_3_3, extFields)))
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
    expect(processor.routeOfTopic({ topic: 'T' }, { version: 1, extFields: {} })).toMatchObject({
      code: 'TOPIC_NOT_EXIST',
    });
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
    expect(brokersOf({ __ZONE_NAME: 'east' })).toEqual(['east', 'west', 'none']);
    expect(brokersOf({ __ZONE_MODE: 'true', __ZONE_NAME: ' ' })).toEqual(['east', 'west', 'none']);
    expect(brokersOf({ __ZONE_MODE: 'TRUE', __ZONE_NAME: 'east' })).toEqual(['east']);
    expect(brokersOf({ __ZONE_MODE: 'true', __ZONE_NAME: 'north' })).toEqual([]);
  });

  it('shows brokers of other zones that have lost their master', () => {
    register('east', 0, 'east');
    register('west', 1, 'west');
    register('west', 0, 'west');
    table.unregister({ cluster: 'C', name: 'west', id: 0, address: 'west:0' });
    expect(brokersOf({ __ZONE_MODE: 'true', __ZONE_NAME: 'east' })).toEqual(['east', 'west']);
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
