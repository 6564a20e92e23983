import { spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { Found } from './found.js';
import { SpanReader } from './span-reader.js';

/** A log of records, each of which begins with its size, that counts what is read of it. */
class CountedLog {
  readonly bytes: Uint8Array;
  readonly positions: number[] = [];
  bytesRead = 0;
  calls = 0;
  isBroken = false;

  constructor(private readonly sizes: readonly number[]) {
    this.bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    const data = viewOf(this.bytes);
    let at = 0;
    sizes.forEach((size, i) => {
      this.bytes.fill(i % 251, at, at + size);
      data.setInt32(at, size);
      this.positions.push(at);
      at += size;
    });
  }

  read(into: Uint8Array, at: number, length: number, position: number): number {
    if (this.isBroken) return 0;
    into.set(this.bytes.subarray(position, position + length), at);
    this.calls += 1;
    this.bytesRead += length;
    return length;
  }

  /** What a search for these records finds. */
  found(numbers: readonly number[]): Found {
    const found = new Found();
    for (const number of numbers) {
      if (found.count === found.sizes.length) found.grow();
      found.positions[found.count] = this.positions[number] as number;
      found.sizes[found.count] = this.sizes[number] as number;
      found.bytes += this.sizes[number] as number;
      found.count += 1;
    }
    return found;
  }

  /** What these records are. */
  expected(numbers: readonly number[]): Uint8Array {
    return Buffer.concat(
      numbers.map((number) => {
        const from = this.positions[number] as number;
        return this.bytes.subarray(from, from + (this.sizes[number] as number));
      }),
    );
  }
}

const alike = (count: number, size = 1000): CountedLog => new CountedLog(Array(count).fill(size));
const every = (step: number, from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

function readBy(reader: SpanReader, log: CountedLog, numbers: readonly number[]): Uint8Array {
  const found = log.found(numbers);
  const into = new Uint8Array(found.bytes);
  reader.read(found, spanOf(into));
  return into;
}

describe('reading the records of a search', () => {
  it('reads a part of the log once for queues that lie between each other', () => {
    const log = alike(400);
    const reader = new SpanReader(log);
    for (const round of [0, 128, 256]) {
      for (const queue of [0, 1, 2, 3]) {
        const numbers = every(4, round + queue, 32);
        expect(readBy(reader, log, numbers)).toEqual(new Uint8Array(log.expected(numbers)));
      }
    }
    // Each round: 125 records with the first queue, and one more with each of the others.
    expect(log.bytesRead).toBe(3 * 128 * 1000);
    expect(log.calls).toBe(12);
  });

  it('reads records that stand side by side straight to where they are wanted', () => {
    const log = alike(100);
    const reader = new SpanReader(log);
    const numbers = every(1, 7, 40);
    expect(readBy(reader, log, numbers)).toEqual(new Uint8Array(log.expected(numbers)));
    expect(log.calls).toBe(1);
  });

  it('gives the same as the log whatever is asked for in which order', () => {
    const random = new SeededRandom(seedOfRun());
    const log = new CountedLog(
      Array.from({ length: 2000 }, () => 4 + random.below(random.chance(0.05) ? 40_000 : 900)),
    );
    const reader = new SpanReader(log);
    for (let i = 0; i < 500; i += 1) {
      const step = 1 + random.below(6);
      const count = 1 + random.below(64);
      const numbers = every(step, random.below(2000 - step * count), count);
      expect(Buffer.compare(readBy(reader, log, numbers), log.expected(numbers))).toBe(0);
    }
  });

  it('keeps nothing of a read that failed', () => {
    const log = alike(100);
    const reader = new SpanReader(log);
    readBy(reader, log, [0, 2]);
    log.isBroken = true;
    expect(() => readBy(reader, log, [1, 4])).toThrow('cannot be read');
    log.isBroken = false;
    expect(readBy(reader, log, [1, 4])).toEqual(new Uint8Array(log.expected([1, 4])));
  });
});
