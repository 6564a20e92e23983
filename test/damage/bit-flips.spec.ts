import { jest } from '@jest/globals';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import {
  fieldAt,
  logFile,
  type Original,
  servedBy,
  type StoreImage,
  writtenStore,
} from './store-image.js';

jest.setTimeout(3 * 3_600_000);

/**
 * Every byte of a log file, of a queue and of the checkpoint gets one wrong bit (the seed says
 * which; with `BITS=all` each of the eight): the store opens, no other message is lost or changed,
 * and a changed message is served only where the change lies in a field that no checksum covers.
 * With `SHARE=n` only each nth byte gets one.
 *
 * Many bytes of the log are damaged at a time, 2 KiB apart, so that no two are in one record; of a
 * queue four.
 */
const seed = seedOfRun(5);
const random = new SeededRandom(seed);
const isFull = process.env['BITS'] === 'all';
const rounds = isFull ? [1, 2, 4, 8, 16, 32, 64, 128] : [0];
const share = Number(process.env['SHARE'] ?? 1);
const apart = 2048;
const entriesApart = 10 * 20;

/** Those that say which queue it is in, and where. */
const placing = new Set(['queue id', 'queue offset', 'system flag', 'topic']);

interface Flip {
  readonly at: number;
  readonly bits: number;
}

/** One byte in each stretch of `length` bytes. */
function flipsAt(at: number, length: number, end: number, round: number): Flip[] {
  const flips: Flip[] = [];
  for (let to = at; to < end; to += length) {
    flips.push({ at: to, bits: round || 2 ** random.below(8) });
  }
  return flips;
}

const told = (flips: readonly Flip[]): string =>
  flips.map(({ at, bits }) => `${at}^${bits}`).join(' ');

/** Fields of a record that only its own checksum covers; `docs/data-files.md` lists them. */
const unchecked = new Set([
  'queue id',
  'flag',
  'queue offset',
  'system flag',
  'born timestamp',
  'born host',
  'store timestamp',
  'store host',
  'reconsume times',
  'prepared transaction offset',
  'topic',
  'properties',
]);

interface Verdict {
  /** Messages that are served as they were stored. */
  readonly intact: ReadonlySet<number>;
  /** Positions of messages that are served, but not as they were stored. */
  readonly changed: readonly number[];
}

async function judge(
  image: StoreImage,
  originals: readonly Original[],
  path: string,
  flips: readonly Flip[],
  options: object,
): Promise<Verdict> {
  const fixture = image.restored((disk) => {
    for (const { at, bits } of flips) disk.damage(path, at, bits);
  });
  const store = await fixture.open(options);
  const served = servedBy(store);
  const byPosition = new Map(originals.map((one) => [one.position, one]));
  const intact = new Set<number>();
  const changed: number[] = [];
  for (const one of served) {
    const original = byPosition.get(one.position);
    const isSame =
      original !== undefined &&
      one.topic === original.topic &&
      one.queueId === original.queueId &&
      Buffer.compare(one.bytes, original.bytes) === 0;
    if (isSame) intact.add(one.position);
    else changed.push(one.position);
  }
  if (served.length !== intact.size + changed.length) throw new Error('A message is served twice');
  return { intact, changed };
}

const label = (text: string): string => `${text}, seed ${seed}`;

const stores = [
  ['killed', false],
  ['closed', false],
  ['killed', true],
  ['closed', true],
] as const;

// The last is what the two before it are, each for itself.
describe.each(isFull ? stores : stores.slice(0, 3))(
  label('a store that was %s, with checksums of whole records: %s'),
  (end, whole) => {
    const options = { enabledAppendPropCRC: whole };
    const written = writtenStore(end, options);

    it('serves no damage of the log, and loses nothing else', async () => {
      const { image, originals } = await written;
      const wrong: string[] = [];
      const length = image.bytes(logFile).length;
      for (const round of rounds) {
        for (let first = seed % share; first < apart; first += share) {
          const flips = flipsAt(first, apart, length, round);
          const hits = flips.map((flip) => hitOf(originals, flip.at));
          const { intact, changed } = await judge(image, originals, logFile, flips, options);
          const lost = originals.filter((one) => {
            return !intact.has(one.position) && !hits.some((hit) => hit.original === one);
          });
          // Without a checksum of its own a record with another place may take that of another one.
          const misplaced = whole ? 0 : hits.filter((hit) => placing.has(hit.field)).length;
          for (const one of lost.slice(misplaced)) {
            wrong.push(`${told(flips)}: lost ${one.position}`);
          }
          for (const position of changed) {
            const hit = hits.find(({ original }) => original?.position === position);
            if (hit !== undefined && !whole && unchecked.has(hit.field)) continue;
            wrong.push(`${told(flips)}: ${hit?.field} of the record at ${position} is served`);
          }
        }
      }
      expect(wrong.slice(0, 20)).toEqual([]);
    });

    it('serves every message though a queue is damaged', async () => {
      const { image, originals } = await written;
      const wrong: string[] = [];
      for (const path of image.paths('consumequeue/orders/0/')) {
        const { length } = image.bytes(path);
        for (const round of rounds) {
          for (let first = seed % share; first < entriesApart; first += share) {
            const flips = flipsAt(first, entriesApart, length, round);
            const { intact, changed } = await judge(image, originals, path, flips, options);
            const isWhole = intact.size === originals.length && changed.length === 0;
            if (!isWhole) wrong.push(`${path}: ${told(flips)}`);
          }
        }
      }
      expect(wrong.slice(0, 20)).toEqual([]);
    });

    it('serves every message though the checkpoint is damaged', async () => {
      const { image, originals } = await written;
      const path = '/data/store/checkpoint';
      const wrong: string[] = [];
      for (const round of rounds) {
        for (let at = 0; at < image.bytes(path).length; at += at < 1024 ? share : 97) {
          const flips = flipsAt(at, Number.MAX_SAFE_INTEGER, at + 1, round);
          const { intact, changed } = await judge(image, originals, path, flips, options);
          if (changed.length > 0 || intact.size < originals.length) wrong.push(told(flips));
        }
      }
      expect(wrong.slice(0, 20)).toEqual([]);
    });
  },
);

interface Hit {
  readonly original: Original | undefined;
  readonly field: string;
}

/** Which record a byte of the log belongs to, if any, and which of its fields. */
function hitOf(originals: readonly Original[], at: number): Hit {
  const original = originals.findLast((one) => one.position <= at);
  if (original === undefined || at >= original.position + original.bytes.length) {
    return { original: undefined, field: 'nothing' };
  }
  return { original, field: fieldAt(original.bytes, at - original.position) };
}
