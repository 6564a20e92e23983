import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';
import { MemoryTable } from '../testing/memory-table.js';
import { ConsumerFilters } from './consumer-filters.js';

const options = {
  filterDataCleanTimeSpan: 1000,
  maxErrorRateOfBloomFilter: 20,
  expectConsumerNumUseFilter: 32,
};

function sql(topic: string, subString: string, subVersion = 1): SubscriptionData {
  const rest = { tagsSet: [], codeSet: [], classFilterMode: false };
  return { topic, subString, subVersion, expressionType: 'SQL92', ...rest };
}

describe('ConsumerFilters', () => {
  let clock: ManualClock;
  let table: MemoryTable;
  let filters: ConsumerFilters;

  const expressionOf = (topic: string): string | undefined =>
    filters.find(topic, 'g')?.filter.expression;
  const fresh = (): ConsumerFilters => new ConsumerFilters(table, clock, silentLogger, options);

  beforeEach(() => {
    clock = new ManualClock(100_000);
    table = new MemoryTable();
    filters = fresh();
  });

  it('keeps the newest version of what a group announced, compiled once', () => {
    filters.register('g', [sql('orders', 'a > 1', 5)]);
    const first = filters.find('orders', 'g');
    filters.register('g', [sql('orders', 'a > 9', 4), sql('orders', 'a > 8', 5)]);
    expect(expressionOf('orders')).toBe('a > 1');
    filters.register('g', [sql('orders', 'a > 1', 6)]);
    expect(filters.find('orders', 'g')).toEqual({ filter: first?.filter, version: 6 });
    filters.register('g', [sql('orders', 'a > 7', 7)]);
    expect(expressionOf('orders')).toBe('a > 7');
  });

  it('forgets the old one when the new one cannot be understood', () => {
    filters.register('g', [sql('orders', 'a > 1', 5)]);
    filters.register('g', [sql('orders', 'a >', 6)]);
    expect(filters.find('orders', 'g')).toBeUndefined();
  });

  it('does not keep tags', () => {
    filters.register('g', [{ ...sql('orders', 'a'), expressionType: 'TAG' }]);
    expect(filters.find('orders', 'g')).toBeUndefined();
  });

  it('forgets a filter some time after its last consumer went', async () => {
    filters.register('g', [sql('orders', 'a > 1'), sql('refunds', 'b > 1')]);
    filters.register('g', [sql('orders', 'a > 1')]);
    await clock.advance(1000);
    filters.persist();
    expect([expressionOf('orders'), expressionOf('refunds')]).toEqual(['a > 1', undefined]);
    filters.unregister('g');
    await clock.advance(999);
    filters.persist();
    expect(expressionOf('orders')).toBe('a > 1');
    await clock.advance(1);
    filters.persist();
    expect(JSON.parse(table.text ?? '')).toEqual({ filterDataByTopic: {} });
  });

  it("writes Java's file and reads it; what it reads is dead until somebody comes", async () => {
    filters.register('g', [sql('orders', 'a > 1', 5)]);
    filters.persist();
    expect(JSON.parse(table.text ?? '')).toEqual({
      filterDataByTopic: {
        orders: {
          topic: 'orders',
          groupFilterData: {
            g: {
              bloomFilterData: { bitNum: 112, bitPos: expect.any(Array) as number[] },
              bornTime: 100_000,
              clientVersion: 5,
              consumerGroup: 'g',
              dead: false,
              deadTime: 0,
              expression: 'a > 1',
              expressionType: 'SQL92',
              topic: 'orders',
            },
          },
        },
      },
    });
    filters = fresh();
    filters.load();
    expect(filters.find('orders', 'g')).toMatchObject({ version: 5 });
    filters.register('g', [sql('orders', 'a > 1', 5)]);
    await clock.advance(5000);
    filters.persist();
    expect(expressionOf('orders')).toBe('a > 1');
  });

  it('passes over what it cannot use in a file, and writes nothing when nothing changed', () => {
    const groupFilterData = { g: { expression: 'a >', expressionType: 'SQL92' }, h: 5 };
    table = new MemoryTable(
      JSON.stringify({ filterDataByTopic: { t: { groupFilterData }, u: 1 } }),
    );
    filters = fresh();
    filters.load();
    filters.persist();
    expect(filters.find('t', 'g')).toBeUndefined();
    expect(table.writes).toBe(0);
  });
});
