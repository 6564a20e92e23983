import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { MemoryTable } from '../testing/memory-table.js';
import { GroupTable } from './group-table.js';

function tableOf(file = new MemoryTable(), autoCreateSubscriptionGroup = true): GroupTable {
  const table = new GroupTable({
    file,
    clock: new ManualClock(1000),
    logger: silentLogger,
    options: { autoCreateSubscriptionGroup },
  });
  table.load();
  return table;
}

describe('GroupTable', () => {
  it("makes a group with Java's defaults when it is asked for, and keeps it", () => {
    const file = new MemoryTable();
    expect(tableOf(file).find('workers')).toMatchObject({
      groupName: 'workers',
      retryMaxTimes: 16,
      retryQueueNums: 1,
      consumeEnable: true,
      notifyConsumerIdsChangedEnable: true,
    });
    expect(tableOf(file, false).find('workers')?.retryMaxTimes).toBe(16);
  });

  it('makes none where that is off, but knows those of RocketMQ itself', () => {
    const table = tableOf(undefined, false);
    expect(table.find('workers')).toBeUndefined();
    expect(table.find('TOOLS_CONSUMER')).toBeDefined();
    expect(table.find('CID_RMQ_SYS_OTHER')).toBeDefined();
  });

  it.each(['no blanks', 'x'.repeat(121), ''])('makes none with the name %j', (name) => {
    expect(tableOf().find(name)).toBeUndefined();
  });

  it('carries what it does not use through the file', () => {
    const file = new MemoryTable(
      '{"forbiddenTable":{"g":{"orders":1}},"subscriptionGroupTable":{"g":{"retryMaxTimes":3}}}',
    );
    const table = tableOf(file);
    expect(table.get('g')).toMatchObject({ groupName: 'g', retryMaxTimes: 3, retryQueueNums: 1 });
    table.find('another');
    expect(file.read()).toMatchObject({ forbiddenTable: { g: { orders: 1 } } });
  });
});
