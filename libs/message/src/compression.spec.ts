import { deflateSync } from 'node:zlib';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import {
  compressBody,
  compressBodyAside,
  compressionBits,
  compressionTypes,
  decompressBody,
  decompressBodyAside,
  zlibBits,
} from './compression.js';
import { SysFlag, standsInQueue, transactionState, withTransactionState } from './sys-flag.js';

const body = new TextEncoder().encode('abc '.repeat(2000));

/** Bodies of all kinds: empty of order, in runs, of words, with far repetitions. */
function bodyOf(random: SeededRandom): Uint8Array {
  const draw = (limit: number): number => random.below(limit);
  const length = 1 + draw(draw(2) === 0 ? 40 : 20_000);
  const bytes = new Uint8Array(length);
  const letters = 1 + draw(256);
  for (let at = 0; at < length;) {
    const piece = Math.min(1 + draw(300), length - at);
    if (draw(3) === 0 && at > 0) {
      const from = draw(at);
      for (let i = 0; i < piece; i += 1) bytes[at + i] = bytes[from + i] as number;
    } else for (let i = 0; i < piece; i += 1) bytes[at + i] = draw(letters);
    at += piece;
  }
  return bytes;
}

describe('compression', () => {
  it('is undone by the flag that marks it', async () => {
    const small = compressBody(body);
    expect(small.length).toBeLessThan(200);
    expect(new Uint8Array(decompressBody(small, zlibBits))).toEqual(body);
  });

  it.each(compressionTypes)('with %s is undone by the flag that marks it', async (type) => {
    const random = new SeededRandom(seedOfRun());
    for (let i = 0; i < 24; i += 1) {
      const plain = i === 0 ? body : bodyOf(random);
      const packed = await compressBodyAside(plain, 1 + (i % 9), type);
      if (i === 0) expect(packed.length).toBeLessThan(200);
      expect(Buffer.compare(decompressBody(packed, compressionBits(type)), plain)).toBe(0);
      const aside = await decompressBodyAside(packed, compressionBits(type));
      expect(Buffer.compare(aside, plain)).toBe(0);
    }
  });

  it('marks the algorithm as Java does', () => {
    expect(compressionTypes.map(compressionBits)).toEqual([0x301, 0x101, 0x201]);
  });

  it('of old peers, which do not name their algorithm, is zlib', () => {
    const small = deflateSync(body, { level: 1 });
    expect(decompressBody(small, SysFlag.COMPRESSED)).toHaveLength(body.length);
  });

  it('leaves alone what is not compressed', () => {
    expect(decompressBody(body, SysFlag.COMPRESSION_LZ4)).toBe(body);
  });

  it.each(compressionTypes)('with %s says so when it cannot be undone', async (type) => {
    const bits = compressionBits(type);
    const packed = await compressBodyAside(body, 5, type);
    expect(() => decompressBody(body, bits)).toThrow('damaged');
    expect(() => decompressBody(packed, bits, 100)).toThrow('more than 100 bytes');
    expect(() => decompressBody(packed.subarray(0, packed.length - 1), bits)).toThrow('damaged');
    await expect(decompressBodyAside(body, bits)).rejects.toThrow('damaged');
  });

  it('in a way that nobody knows is refused', async () => {
    const bits = SysFlag.COMPRESSED | 0x400;
    expect(() => decompressBody(body, bits)).toThrow('number 4');
    await expect(decompressBodyAside(body, bits)).rejects.toThrow('number 4');
  });

  it.each(['lz4', 'zstd'] as const)(
    'damaged anywhere, %s ends, and within its limit',
    async (type) => {
      const random = new SeededRandom(seedOfRun());
      const draw = (limit: number): number => random.below(limit);
      const packed = await compressBodyAside(bodyOf(new SeededRandom(7)), 5, type);
      for (let i = 0; i < 300; i += 1) {
        const broken = packed.slice(0, i % 3 === 0 ? draw(packed.length) : packed.length);
        for (let flips = draw(4); flips >= 0; flips -= 1) broken[draw(broken.length)] = draw(256);
        let length = 0;
        try {
          length = decompressBody(broken, compressionBits(type), 1_000_000).length;
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_COMPRESSION_FAILED' });
        }
        expect(length).toBeLessThanOrEqual(1_000_000);
      }
    },
  );
});

describe('the transaction bits of the system flag', () => {
  it('are one field', () => {
    expect(transactionState(SysFlag.TRANSACTION_ROLLBACK | SysFlag.COMPRESSED)).toBe('rollback');
    expect(withTransactionState(SysFlag.TRANSACTION_ROLLBACK | 1, 0)).toBe(1);
  });

  it('decide which records stand in a queue', () => {
    const states = [0, 4, 8, 12].map((state) => standsInQueue(state | SysFlag.COMPRESSED));
    expect(states).toEqual([true, false, true, false]);
  });
});
