import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { encodeProperties } from '@nestjs-rocketmq/message';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';
import { MemoryTable } from '../testing/memory-table.js';
import { ConsumerFilters } from './consumer-filters.js';

const options = {
  filterDataCleanTimeSpan: 1000,
  maxErrorRateOfBloomFilter: 20,
  expectConsumerNumUseFilter: 32,
  enableCalcFilterBitMap: false,
};

const encoder = new TextEncoder();

function sql(topic: string, subString: string, subVersion = 1): SubscriptionData {
  const rest = { tagsSet: [], codeSet: [], classFilterMode: false };
  return { topic, subString, subVersion, expressionType: 'SQL92', ...rest };
}

describe('ConsumerFilters', () => {
  let clock: ManualClock;
  let table: MemoryTable;
  let filters: ConsumerFilters;

  const expressionOf = (topic: string): string | undefined =>
    filters.find(topic, 'g')?.data.expression;
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
    expect(filters.find('orders', 'g')).toBe(first);
    expect(first?.data.clientVersion).toBe(6);
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
    expect(filters.find('orders', 'g')).toMatchObject({ data: { clientVersion: 5 } });
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

  describe('with bit maps', () => {
    const calculating = { ...options, enableCalcFilterBitMap: true };
    const withMaps = (more = {}): ConsumerFilters =>
      new ConsumerFilters(table, clock, silentLogger, { ...calculating, ...more });
    const text = (amount: number): Uint8Array =>
      encoder.encode(encodeProperties({ amount: `${amount}` }));
    const mapOf = (amount: number, storeTime = clock.now() + 1): Uint8Array | undefined => {
      const bytes = text(amount);
      return filters.bitMapOf('orders', storeTime, bytes, 0, bytes.length)?.slice();
    };
    const suits = (amount: number, storeTime = clock.now() + 1): boolean | undefined => {
      const bytes = mapOf(amount, storeTime) ?? new Uint8Array(0);
      const unit = { tagsCode: 0, storeTime, bytes, bitsFrom: 0, bitsTo: bytes.length };
      return filters.find('orders', 'g')?.suits(unit);
    };

    beforeEach(() => (filters = withMaps()));

    it('sets the bits of the filters that let a message pass', () => {
      expect(mapOf(5, clock.now())).toBeUndefined();
      filters.register('g', [sql('orders', 'amount > 3')]);
      expect(mapOf(3)).toEqual(new Uint8Array(14));
      const { bitPos = [] } = filters.find('orders', 'g')?.data.bloomFilterData ?? {};
      const set = Array.from({ length: 112 }, (_, n) => n).filter(
        (n) => ((mapOf(5)?.[n >> 3] ?? 0) & (1 << (n & 7))) !== 0,
      );
      expect(set).toEqual([...new Set(bitPos)].toSorted((a, b) => a - b));
      expect([suits(3), suits(4)]).toEqual([false, true]);
    });

    it('do not speak of messages that are older than the filter', () => {
      filters.register('h', [sql('orders', 'amount > 3')]);
      const old = mapOf(9, clock.now()) ?? new Uint8Array(0);
      filters.register('g', [sql('orders', 'amount > 3')]);
      const unit = { tagsCode: 0, bytes: old, bitsFrom: 0, bitsTo: old.length };
      const filter = filters.find('orders', 'g');
      expect(filter?.suits({ ...unit, storeTime: clock.now() })).toBe(true);
      expect(filter?.suits({ ...unit, storeTime: clock.now() + 1 })).toBe(false);
      // Nor of one that came before the clock was set back.
      mapOf(9, clock.now() + 5000);
      filters.register('g', [sql('orders', 'amount > 4', 2)]);
      expect(filters.find('orders', 'g')?.data.bornTime).toBe(clock.now() + 5000);
    });

    it('outlive a start, unless they were made with other options', () => {
      filters.register('g', [sql('orders', 'amount > 3')]);
      clock = new ManualClock(200_000);
      filters = withMaps();
      // Recovery asks before anybody has read the file.
      expect([suits(3), suits(4)]).toEqual([false, true]);
      expect(filters.find('orders', 'g')?.data.bornTime).toBe(100_000);
      filters = withMaps({ maxErrorRateOfBloomFilter: 10 });
      filters.load();
      expect(filters.find('orders', 'g')?.data.bornTime).toBe(200_000);
      const unit = { tagsCode: 0, storeTime: 300_000, bytes: new Uint8Array(14) };
      expect(filters.find('orders', 'g')?.suits({ ...unit, bitsFrom: 0, bitsTo: 14 })).toBe(true);
    });

    it('are not made when they are switched off', () => {
      filters = withMaps({ enableCalcFilterBitMap: false });
      filters.register('g', [sql('orders', 'amount > 3')]);
      expect(mapOf(5)).toBeUndefined();
      expect(suits(3)).toBe(true);
    });
  });
});
