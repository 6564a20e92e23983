import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { MemoryTable } from '../testing/memory-table.js';
import { ConsumerOffsets } from './consumer-offsets.js';

function offsetsOf(file: MemoryTable, step = 500): ConsumerOffsets {
  const offsets = new ConsumerOffsets(file, new ManualClock(1000), {
    consumerOffsetUpdateVersionStep: step,
  });
  offsets.load();
  return offsets;
}

describe('ConsumerOffsets', () => {
  it('keeps the last commit, also a step backwards', () => {
    const offsets = offsetsOf(new MemoryTable());
    expect(offsets.offsetOf('g', 'orders', 0)).toBeUndefined();
    offsets.commit('g', 'orders', 0, 9);
    offsets.commit('g', 'orders', 0, 4);
    expect(offsets.offsetOf('g', 'orders', 0)).toBe(4);
  });

  it("writes Apache's form and reads it again", () => {
    const file = new MemoryTable();
    const offsets = offsetsOf(file);
    offsets.commit('g', 'orders', 0, 9);
    offsets.commit('g', '%RETRY%g', 1, 2);
    offsets.persist();
    expect(file.read()).toMatchObject({
      offsetTable: { 'orders@g': { 0: 9 }, '%RETRY%g@g': { 1: 2 } },
    });
    expect(offsetsOf(file).offsetOf('g', '%RETRY%g', 1)).toBe(2);
  });

  it('writes only when something changed', () => {
    const file = new MemoryTable();
    const offsets = offsetsOf(file);
    offsets.persist();
    offsets.commit('g', 'orders', 0, 1);
    offsets.persist();
    offsets.persist();
    expect(file.writes).toBe(1);
  });

  it('moves its version once in so many commits', () => {
    const offsets = offsetsOf(new MemoryTable(), 3);
    for (let i = 0; i < 7; i += 1) offsets.commit('g', 'orders', 0, i);
    expect(offsets.toJSON().dataVersion.counter).toBe(2);
  });

  it('answers from both sides, and forgets topics and groups', () => {
    const offsets = offsetsOf(new MemoryTable());
    offsets.commit('g', 'orders', 0, 1);
    offsets.commit('h', 'orders', 0, 1);
    offsets.commit('g', 'refunds', 0, 1);
    expect(offsets.topicsOf('g')).toEqual(['orders', 'refunds']);
    expect(offsets.groupsOf('orders')).toEqual(['g', 'h']);
    offsets.forgetTopic('orders');
    expect([offsets.topicsOf('g'), offsets.groupsOf('orders')]).toEqual([['refunds'], []]);
    offsets.forgetGroup('g');
    expect(offsets.topicsOf('g')).toEqual([]);
  });
});
