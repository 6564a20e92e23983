import { MemoryTable } from '../testing/memory-table.js';
import { CheckCounts } from './check-counts.js';

describe('CheckCounts', () => {
  it('stand after a restart, without the halves that were decided', () => {
    const table = new MemoryTable();
    const counts = new CheckCounts(table);
    counts.set(3, 1);
    counts.set(4, 2);
    counts.set(4, 3);
    counts.forget((offset) => offset === 3);
    counts.persist();
    const again = new CheckCounts(table);
    again.load();
    expect([again.of(3), again.of(4), again.of(5)]).toEqual([undefined, 3, undefined]);
  });

  it('are written only when they changed', () => {
    const table = new MemoryTable();
    const counts = new CheckCounts(table);
    counts.persist();
    counts.set(1, 1);
    counts.persist();
    counts.persist();
    counts.forget(() => false);
    counts.persist();
    expect(table.writes).toBe(1);
  });
});
