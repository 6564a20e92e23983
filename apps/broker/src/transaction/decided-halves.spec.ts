import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { DecidedHalves, OpProgress } from './decided-halves.js';

describe('DecidedHalves', () => {
  it('moves over what is decided without a gap, in whatever order it comes', () => {
    const decided = new DecidedHalves(10);
    expect(decided.add(12)).toBe(true);
    expect(decided.add(11)).toBe(true);
    expect(decided.low).toBe(10);
    expect(decided.has(11)).toBe(true);
    expect(decided.has(10)).toBe(false);
    expect(decided.add(10)).toBe(true);
    expect(decided.low).toBe(13);
  });

  it('takes only the first decision', () => {
    const decided = new DecidedHalves(0);
    expect(decided.add(5)).toBe(true);
    expect(decided.add(5)).toBe(false);
    decided.add(0);
    expect(decided.add(0)).toBe(false);
  });

  it('agrees with a plain set, whatever is added and taken back', () => {
    const seed = seedOfRun();
    const random = new SeededRandom(seed);
    const decided = new DecidedHalves(0);
    const model = new Set<number>();
    for (let round = 0; round < 300; round += 1) {
      const added: number[] = [];
      for (let i = 0; i < 40; i += 1) {
        const offset = random.below(9000);
        if (decided.add(offset)) added.push(offset);
        model.add(offset);
      }
      if (round % 7 === 0) {
        const back = added.slice(0, 20);
        decided.remove(back);
        for (const offset of back) model.delete(offset);
      }
      if (round % 50 !== 0) continue;
      for (let offset = 0; offset < 9000; offset += 1) {
        if (decided.has(offset) !== model.has(offset)) {
          throw new Error(`seed ${seed}, round ${round}: offset ${offset} differs`);
        }
      }
    }
    let low = 0;
    while (model.has(low)) low += 1;
    expect({ seed, low: decided.low }).toEqual({ seed, low });
  });

  it('takes back decisions that had moved its low end over pages', () => {
    const decided = new DecidedHalves(0);
    for (let offset = 0; offset < 10_000; offset += 1) decided.add(offset);
    decided.remove([4000, 9999]);
    expect(decided.low).toBe(4000);
    expect(decided.has(4000)).toBe(false);
    expect(decided.has(4001)).toBe(true);
    decided.add(4000);
    expect(decided.low).toBe(9999);
  });
});

describe('OpProgress', () => {
  it('begins behind the ops whose halves are all decided, to a chunk', () => {
    const progress = new OpProgress(7);
    expect(progress.from(100)).toBe(7);
    for (let i = 0; i < 600; i += 1) progress.add(7 + i, i);
    expect(progress.from(200)).toBe(7);
    expect(progress.from(256)).toBe(7 + 256);
    expect(progress.from(600)).toBe(7 + 600);
  });

  it('stays before an op whose half comes after an open one', () => {
    const progress = new OpProgress(0);
    progress.add(0, 50);
    expect(progress.from(50)).toBe(0);
    expect(progress.from(51)).toBe(1);
  });
});
