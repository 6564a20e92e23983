import { allocateOurs } from './allocation-cases.js';
import { recordedAllocations as java } from './recorded-allocations.js';

/** The first block; all of them are looked at beside Java, in java-allocations.spec.ts. */
const { seed, block } = java;
const ours = allocateOurs({ seed, cases: block, block, printed: java.first.length });

describe('queues shared out in recorded cases', () => {
  it('are there for every strategy that Java has', () => {
    expect(java.first).toHaveLength(200);
    expect(Object.keys(ours.sha256)).toEqual(Object.keys(java.sha256));
  });

  it.each(Object.keys(java.sha256))('go to the same members as in Java by %s', (strategy) => {
    const first = (record: typeof java) =>
      record.first.map(({ members, results }) => [members, results[strategy]]);
    expect(first(ours)).toEqual(first(java));
    expect(ours.sha256[strategy]).toEqual(java.sha256[strategy]?.slice(0, 1));
  });
});
