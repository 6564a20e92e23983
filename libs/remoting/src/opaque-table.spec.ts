import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { OpaqueTable } from './opaque-table.js';

const request = (opaque: number) => ({ opaque });

describe('OpaqueTable', () => {
  it(`finds, replaces and forgets like a map, in 5,000 steps of seed ${seedOfRun()}`, () => {
    const random = new SeededRandom(seedOfRun());
    const table = new OpaqueTable<{ opaque: number }>();
    const model = new Map<number, { opaque: number }>();
    for (let step = 0; step < 5_000; step += 1) {
      // Narrow at times and wide at others; negative numbers and those beyond 31 bits are opaques too.
      const width = step % 1_000 < 500 ? 100 : 2_000;
      const opaque = (random.below(width) * 37 - 1_000) | 0;
      if (random.below(100) < 52) {
        const entry = request(opaque);
        table.set(entry);
        model.set(opaque, entry);
      } else {
        expect(table.delete(opaque)).toBe(model.delete(opaque));
      }
      expect(table.size).toBe(model.size);
      const other = (random.below(width) * 37 - 1_000) | 0;
      expect(table.get(other)).toBe(model.get(other));
    }
    const all = [...model.values()].toSorted((a, b) => a.opaque - b.opaque);
    expect(table.all()).toEqual(all);
  });

  it('finds one that stands behind the end of the array after others went', () => {
    const table = new OpaqueTable<{ opaque: number }>();
    for (const opaque of [63, 127, 191, 64, 255]) table.set(request(opaque));
    table.delete(63);
    table.delete(191);
    expect(table.all().map(({ opaque }) => opaque)).toEqual([64, 127, 255]);
    expect([64, 127, 255].map((opaque) => table.get(opaque)?.opaque)).toEqual([64, 127, 255]);
    expect(table.get(63)).toBeUndefined();
  });
});
