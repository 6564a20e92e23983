import { jest } from '@jest/globals';
import { SysFlag } from '@nestjs-rocketmq/message';
import { draftOf, type FaultyFileSystem, StoreFixture } from '@nestjs-rocketmq/store/testing';
import { imageOptions, type Original, servedBy, StoreImage } from './store-image.js';

jest.setTimeout(600_000);

/**
 * The last three records are torn at every byte: the rest of the file is zeros, as a power failure
 * or a short write leaves it, or (with checksums of whole records) ones. What was whole before stays, what is
 * torn is not served, and the store goes on where it ends.
 */
const records = 12;
const torn = 3;

interface Written {
  readonly image: StoreImage;
  readonly originals: readonly Original[];
  readonly path: string;
  readonly end: number;
}

async function written(before: number, options: object): Promise<Written> {
  const fixture = new StoreFixture(1, { ...imageOptions, mappedFileSizeCommitLog: 8192 });
  const store = await fixture.open(options);
  for (let i = 0; i < before; i += 1) store.append(draftOf('x'.repeat(500)));
  for (let i = 0; i < records; i += 1) {
    store.append(
      draftOf(`m${i} ${'text '.repeat(i % 4)}`, {
        queueId: i % 2,
        topic: i % 3 === 0 ? 'orders' : 'payments',
        sysFlag: i === records - 2 ? SysFlag.TRANSACTION_PREPARED : 0,
        map: { TAGS: 'paid', KEYS: `key${i}` },
      }),
    );
  }
  fixture.endTurn();
  const originals = servedBy(store);
  const end = store.figures().written;
  fixture.disk.kill();
  const image = new StoreImage(fixture.disk, 8192);
  const path = image.paths('/commitlog/').at(-1) as string;
  return { image, originals, path, end: end % 8192 };
}

function tear(disk: FaultyFileSystem, path: string, at: number, end: number, fill: number): void {
  const file = disk.open(path, 'write');
  const rest = new Uint8Array(end - at).fill(fill);
  file.writeAt(rest, 0, rest.length, at);
}

describe.each([
  ['in the first file', 0],
  ['behind a roll', 20],
])('a log %s', (_, before) => {
  it.each([
    ['zeros', 0, {}],
    [
      'ones, and checksums of whole records',
      0xff,
      { enabledAppendPropCRC: true, forceVerifyPropCRC: true },
    ],
  ])('torn at any byte of its last three records, with %s', async (_name, fill, options) => {
    const { image, originals, path, end } = await written(before, options);
    const positions = startsOf(image.bytes(path), end);
    const first = positions.at(-torn) as number;
    const base = Number(path.slice(-20));
    for (let at = first; at < end; at += 1) {
      const fixture = image.restored((disk) => tear(disk, path, at, end, fill));
      const store = await fixture.open(options);
      const isWhole = (one: Original): boolean => one.position + one.bytes.length <= base + at;
      const kept = originals.filter(isWhole);
      expect(servedBy(store).map((one) => one.position)).toEqual(kept.map((one) => one.position));
      // It goes on behind the last whole record, with the offsets that are free.
      const from = positions.findLast((position) => position <= at) as number;
      expect(store.figures().written).toBe(base + from);
      const queue = store.queue('orders', 0);
      const { next } = queue;
      expect(store.append(draftOf('new'))).toMatchObject({
        position: base + from,
        queueOffset: next,
      });
      fixture.endTurn();
      fixture.disk.kill();
      const again = await fixture.open(options);
      expect(servedBy(again)).toHaveLength(kept.length + 1);
    }
  });
});

/** Where the records of a file begin. */
function startsOf(bytes: Uint8Array, end: number): number[] {
  const data = new DataView(bytes.buffer, bytes.byteOffset);
  const starts: number[] = [];
  for (let at = 0; at < end; at += data.getInt32(at)) starts.push(at);
  return starts;
}
