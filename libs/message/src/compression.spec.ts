import { deflateSync } from 'node:zlib';
import {
  compressBody,
  compressBodyAside,
  decompressBody,
  decompressBodyAside,
  zlibBits,
} from './compression.js';
import { SysFlag, standsInQueue, transactionState, withTransactionState } from './sys-flag.js';

const body = new TextEncoder().encode('abc '.repeat(2000));

describe('compression', () => {
  it('is undone by the flag that marks it', async () => {
    const small = compressBody(body);
    expect(small.length).toBeLessThan(200);
    expect(new Uint8Array(decompressBody(small, zlibBits))).toEqual(body);
    const aside = await compressBodyAside(body);
    expect(new Uint8Array(await decompressBodyAside(aside, zlibBits))).toEqual(body);
  });

  it('of old peers, which do not name their algorithm, is zlib', () => {
    const small = deflateSync(body, { level: 1 });
    expect(decompressBody(small, SysFlag.COMPRESSED)).toHaveLength(body.length);
  });

  it('leaves alone what is not compressed', () => {
    expect(decompressBody(body, SysFlag.COMPRESSION_LZ4)).toBe(body);
  });

  it('says so when it cannot be undone', () => {
    const lz4 = SysFlag.COMPRESSED | SysFlag.COMPRESSION_LZ4;
    expect(() => decompressBody(body, lz4)).toThrow('compressed with LZ4');
    expect(() => decompressBody(body, zlibBits)).toThrow('damaged');
    expect(() => decompressBody(compressBody(body), zlibBits, 100)).toThrow('more than 100 bytes');
  });

  it('done aside fails as a rejection', async () => {
    await expect(decompressBodyAside(body, zlibBits)).rejects.toThrow('damaged');
    const zstd = SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZSTD;
    await expect(decompressBodyAside(body, zstd)).rejects.toThrow('ZSTD');
  });
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
