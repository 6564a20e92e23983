import { leastTagsCode } from '@nestjs-rocketmq/message';
import { HandlePool } from '../files/handle-pool.js';
import { addressOf, mostExtension, positionOf } from '../formats/extension-address.js';
import { emptyUnit, longestUnit } from '../formats/extension-unit.js';
import { readEntry, writeEntry } from '../formats/consume-queue-entry.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { QueueExtension } from './queue-extension.js';
import { UnitWindow } from './unit-window.js';

const shared = { directory: '/ext', fileSize: 1000, window: new UnitWindow() };

function extensionOn(disk: FaultyFileSystem, fileSize = 1000): QueueExtension {
  const parts = { ...shared, fileSystem: disk, handles: new HandlePool(disk, 10), fileSize };
  const extension = new QueueExtension(parts, 't', 0);
  extension.files.load('refuse');
  return extension;
}

const bitsOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** What the extension has at an address, or undefined. */
function unitAt(extension: QueueExtension, address: number) {
  const unit = emptyUnit();
  if (!extension.read(address, unit)) return undefined;
  const { tagsCode, storeTime, bytes, bitsFrom, bitsTo } = unit;
  return { tagsCode, storeTime, bits: [...bytes.subarray(bitsFrom, bitsTo)] };
}

describe('an address in the place of a tags code', () => {
  it.each([
    [0, '8000000000000000'],
    [34, '8000000000000022'],
    [50_331_648, '8000000003000000'],
    [2 ** 40 + 7, '8000010000000007'],
  ])('of position %d stands in an entry as %s', (position, hex) => {
    const data = new DataView(new ArrayBuffer(20));
    writeEntry(data, 0, 5, 100, addressOf(position));
    expect(Buffer.from(data.buffer, 12).toString('hex')).toBe(hex);
    const entry = { position: 0, size: 0, tagsCode: 0 };
    readEntry(data, 0, entry);
    expect(entry.tagsCode).toBeLessThan(leastTagsCode);
    expect(positionOf(entry.tagsCode)).toBe(position);
  });

  it('is none for any tags code, and leads nowhere where it is beyond all files', () => {
    const data = new DataView(new ArrayBuffer(20));
    const entry = { position: 0, size: 0, tagsCode: 0 };
    for (const tagsCode of [0, -1, leastTagsCode, 0x7fff_ffff, 1_700_000_000_000]) {
      writeEntry(data, 0, 5, 100, tagsCode);
      readEntry(data, 0, entry);
      expect(entry.tagsCode).toBe(tagsCode);
    }
    data.setBigInt64(12, -0x8000_0001n);
    readEntry(data, 0, entry);
    expect(positionOf(entry.tagsCode)).toBe(mostExtension);
    expect(unitAt(extensionOn(new FaultyFileSystem(1)), entry.tagsCode)).toBeUndefined();
  });
});

describe('the extension of a queue', () => {
  it('gives back what was put into it, in memory and in files, before and after a start', () => {
    const random = new SeededRandom(7);
    const disk = new FaultyFileSystem(1);
    const extension = extensionOn(disk);
    const put: { address: number; unit: object }[] = [];
    for (let i = 1; i <= 500; i += 1) {
      const bits = random.chance(0.5) ? undefined : bitsOf(random.below(60), i & 0xff);
      const draft = { tagsCode: random.below(2 ** 32) - 2 ** 31, storeTime: i, bits };
      const address = extension.put(draft);
      put.push({ address, unit: { ...draft, bits: [...(bits ?? [])] } });
      if (random.chance(0.05)) extension.write();
    }
    const all = (one: QueueExtension) => put.map(({ address }) => unitAt(one, address));
    const expected = put.map(({ unit }) => unit);
    expect(all(extension)).toEqual(expected);
    extension.write();
    expect(all(extension)).toEqual(expected);
    expect(extension.files.all.length).toBeGreaterThan(10);
    const again = extensionOn(disk);
    again.restore(extension.end);
    expect(all(again)).toEqual(expected);
    expect(unitAt(again, addressOf(extension.end))).toBeUndefined();
  });

  it('keeps four bytes of each file free, and marks there that the next one goes on', () => {
    const disk = new FaultyFileSystem(1);
    const extension = extensionOn(disk, 64);
    const put = (length: number): number =>
      positionOf(extension.put({ tagsCode: 1, storeTime: 1, bits: bitsOf(length, 9) }));
    expect([put(20), put(0), put(0), put(40), put(0)]).toEqual([0, 40, 64, 128, 192]);
    extension.write();
    const file = Buffer.alloc(64);
    disk.open('/ext/t/0/00000000000000000064', 'read').readAt(file, 0, 64, 0);
    expect(file.subarray(20, 24).toString('hex')).toBe('ffff0000');
    disk.open('/ext/t/0/00000000000000000000', 'read').readAt(file, 0, 64, 0);
    expect(file.subarray(60).toString('hex')).toBe('ffff0000');
  });

  it('leaves the tags code in the entry where a unit would be too long', () => {
    const large = extensionOn(new FaultyFileSystem(1), 100_000);
    const put = (extension: QueueExtension, length: number): number =>
      extension.put({ tagsCode: 77, storeTime: 1, bits: bitsOf(length, 1) });
    expect(put(large, longestUnit - 19)).toBe(77);
    expect(positionOf(put(large, longestUnit - 20))).toBe(0);
    expect(put(extensionOn(new FaultyFileSystem(1), 64), 41)).toBe(77);
    large.restore(mostExtension - 100);
    expect(put(large, 200)).toBe(77);
  });

  it('reads long units one after the other', () => {
    const extension = extensionOn(new FaultyFileSystem(1), 1_000_000);
    const lengths = [9000, 100, 30_000, 32_747, 8000, 0, 20_000];
    const addresses = lengths.map((length, i) =>
      extension.put({ tagsCode: i, storeTime: 1, bits: bitsOf(length, i) }),
    );
    extension.write();
    const found = addresses.map((address) => unitAt(extension, address)?.bits.length);
    expect(found).toEqual(lengths);
  });

  it('forgets what did not get into the log, whether it was written meanwhile or not', () => {
    const disk = new FaultyFileSystem(1);
    const extension = extensionOn(disk);
    const put = (tagsCode: number, length = 0): number =>
      extension.put({ tagsCode, storeTime: 1, bits: bitsOf(length, 0xff) });
    const first = put(1);
    const second = put(2, 900);
    extension.write();
    extension.dropFrom(second);
    expect(unitAt(extension, second)).toBeUndefined();
    const third = put(3);
    expect(third).toBe(second);
    extension.write();
    expect(unitAt(extension, first)?.tagsCode).toBe(1);
    expect(unitAt(extension, third)?.tagsCode).toBe(3);
    const file = Buffer.alloc(1000);
    disk.open('/ext/t/0/00000000000000000000', 'read').readAt(file, 0, 1000, 0);
    expect(file.subarray(40).every((byte) => byte === 0)).toBe(true);
  });

  it('has everything after a power failure once a sync went well, though one before had failed', async () => {
    const disk = new FaultyFileSystem(1);
    const extension = extensionOn(disk);
    const put = (tagsCode: number): number =>
      extension.put({ tagsCode, storeTime: 1, bits: bitsOf(300, 1) });
    const addresses = [1, 2, 3, 4, 5].map((tagsCode) => put(tagsCode));
    extension.write();
    disk.fail({ call: 'sync', path: '/ext' });
    await expect(extension.sync()).rejects.toThrow();
    await extension.sync();
    const end = extension.end;
    disk.crash();
    const again = extensionOn(disk);
    again.restore(end);
    expect(addresses.map((address) => unitAt(again, address)?.tagsCode)).toEqual([1, 2, 3, 4, 5]);
  });

  it('does not take zeros, torn units or foreign bytes for a unit', () => {
    const disk = new FaultyFileSystem(1);
    const extension = extensionOn(disk);
    const address = extension.put({ tagsCode: 5, storeTime: 9, bits: bitsOf(14, 1) });
    extension.put({ tagsCode: 6, storeTime: 9, bits: undefined });
    extension.write();
    const path = '/ext/t/0/00000000000000000000';
    const original = Buffer.alloc(1000);
    disk.open(path, 'read').readAt(original, 0, 1000, 0);
    const judge = (bytes: Buffer) => {
      disk.open(path, 'write').writeAt(bytes, 0, 1000, 0);
      const again = extensionOn(disk);
      again.restore(1000);
      return unitAt(again, address);
    };
    const torn = (from: number): Buffer => Buffer.from(original).fill(0, from);
    expect([0, 2, 10, 19].map((from) => judge(torn(from)))).toEqual(Array(4).fill(undefined));
    expect(judge(original)?.tagsCode).toBe(5);
    const shifted = Buffer.concat([Buffer.of(0xff), original.subarray(0, 999)]);
    expect(judge(shifted)).toBeUndefined();
  });
});
