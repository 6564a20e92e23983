import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { MemoryTable } from '../testing/memory-table.js';
import { systemTopics } from './system-topics.js';
import { newTopic } from './topic.js';
import { TopicTable } from './topic-table.js';

const system = {
  brokerName: 'broker-a',
  brokerClusterName: 'DefaultCluster',
  autoCreateTopicEnable: true,
  clusterTopicEnable: true,
  brokerTopicEnable: true,
  defaultTopicQueueNums: 8,
  traceTopicEnable: false,
  msgTraceTopicName: 'RMQ_SYS_TRACE_TOPIC',
  delayLevels: 18,
};

function tableOf(file = new MemoryTable(), autoCreateTopicEnable = true): TopicTable {
  const clock = new ManualClock(1000);
  const table = new TopicTable({
    file,
    clock,
    logger: silentLogger,
    options: { autoCreateTopicEnable },
  });
  table.load(systemTopics({ ...system, autoCreateTopicEnable }));
  return table;
}

describe('TopicTable', () => {
  it("begins with Apache's system topics, in the file", () => {
    const file = new MemoryTable();
    const table = tableOf(file);
    expect(table.get('TBW102')?.config).toMatchObject({ perm: 7, writeQueueNums: 8 });
    expect(table.get('SCHEDULE_TOPIC_XXXX')?.config).toMatchObject({ readQueueNums: 18 });
    expect(table.get('DefaultCluster')?.config).toMatchObject({ perm: 7, readQueueNums: 16 });
    expect(tableOf(new MemoryTable(file.text)).configs()).toEqual(table.configs());
  });

  it('makes a topic after its template: the fewer queues, and not inheritable itself', () => {
    const table = tableOf();
    expect(table.createForSending('orders', 'TBW102', 4, 0)?.config).toMatchObject({
      readQueueNums: 4,
      writeQueueNums: 4,
      perm: 6,
    });
    expect(table.createForSending('wide', 'TBW102', 99, 0)?.config.writeQueueNums).toBe(8);
  });

  it('makes none after a topic that may not be inherited from, or that is not there', () => {
    const table = tableOf();
    expect(table.createForSending('orders', 'BenchmarkTest', 4, 0)).toBeUndefined();
    expect(table.createForSending('orders', 'nothing', 4, 0)).toBeUndefined();
    expect(tableOf(undefined, false).createForSending('orders', 'TBW102', 4, 0)).toBeUndefined();
  });

  it('makes none after TBW102 of an older file when creation is off', () => {
    const file = new MemoryTable();
    tableOf(file);
    expect(tableOf(file, false).createForSending('orders', 'TBW102', 4, 0)).toBeUndefined();
  });

  it('moves its version and tells listeners only when something changed', () => {
    const table = tableOf();
    let told = 0;
    table.onChange(() => void (told += 1));
    const before = table.version.toJSON().counter;
    expect(table.update(newTopic('orders', 2, 6))).toBe(true);
    expect(table.update(newTopic('orders', 2, 6))).toBe(false);
    expect(table.update(newTopic('orders', 3, 6))).toBe(true);
    expect(table.delete('orders')).toBe(true);
    expect(table.delete('orders')).toBe(false);
    expect([told, table.version.toJSON().counter - before]).toEqual([3, 3]);
  });

  it('keeps the same topic object through changes, so that hot paths may hold it', () => {
    const table = tableOf();
    const topic = table.ensure('orders', 2);
    table.update(newTopic('orders', 5, 4));
    expect(table.get('orders')).toBe(topic);
    expect([topic.readQueues, topic.perm]).toEqual([5, 4]);
  });

  it('widens the schedule topic when more delay levels are configured', () => {
    const file = new MemoryTable();
    tableOf(file);
    const clock = new ManualClock(0);
    const table = new TopicTable({
      file,
      clock,
      logger: silentLogger,
      options: { autoCreateTopicEnable: true },
    });
    table.load(systemTopics({ ...system, delayLevels: 30 }));
    expect(table.get('SCHEDULE_TOPIC_XXXX')?.writeQueues).toBe(30);
  });

  it('fills in what an older file does not say', () => {
    const file = new MemoryTable('{"topicConfigTable":{"old":{"topicName":"old","perm":4}}}');
    expect(tableOf(file).get('old')?.config).toEqual(newTopic('old', 16, 4));
  });

  it('chooses the queues of a topic in turn when a sender leaves it to the broker', () => {
    const topic = tableOf().ensure('orders', 3);
    expect([-1, -1, -1, -1, 2].map((asked) => topic.queueFor(asked))).toEqual([1, 2, 0, 1, 2]);
  });

  it('takes back a change that it could not write down, for a restart would not know it', () => {
    const file = new MemoryTable();
    const table = tableOf(file);
    table.update(newTopic('known', 4, 6));
    const { writes } = file;
    file.writeText = () => {
      throw new Error('EIO');
    };
    expect(() => table.createForSending('orders', 'TBW102', 4, 0)).toThrow('EIO');
    expect(() => table.ensure('%RETRY%group', 1)).toThrow('EIO');
    expect(() => table.update(newTopic('known', 8, 6))).toThrow('EIO');
    expect(() => table.delete('known')).toThrow('EIO');
    expect(table.get('orders')).toBeUndefined();
    expect(table.get('%RETRY%group')).toBeUndefined();
    expect(table.get('known')?.config).toMatchObject({ readQueueNums: 4 });
    expect(file.writes).toBe(writes);
  });
});
