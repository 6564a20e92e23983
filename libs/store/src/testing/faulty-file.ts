import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';

export const pageBytes = 4096;
const sectorBytes = 512;

type Pages = Map<number, Uint8Array>;

/** What a sync that has begun will make durable. */
export interface SyncSnapshot {
  readonly pages: Pages;
  readonly size: number;
  readonly shortest: number;
}

/**
 * A file of the faulty disk: what programs see, and what would be left after a power failure.
 * Pages that were never written are holes and read as zeros.
 */
export class FaultyFile {
  size = 0;
  /** What was said about the last change; undefined after a write. */
  modified: number | undefined;
  private pages: Pages = new Map();
  private durablePages: Pages = new Map();
  private durableSize = 0;
  /** The least size it was cut to since the last sync began. */
  private shortest = Number.MAX_SAFE_INTEGER;
  /** Written since the last sync began, or while one was under way. */
  private dirty = new Set<number>();

  /** Pages that take room on the disk. */
  get pageCount(): number {
    return this.pages.size;
  }

  read(into: Uint8Array, at: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    for (let done = 0; done < count;) {
      const { page, offset, part } = pieceOf(position + done, count - done);
      const bytes = this.pages.get(page);
      if (bytes === undefined) into.fill(0, at + done, at + done + part);
      else into.set(bytes.subarray(offset, offset + part), at + done);
      done += part;
    }
    return count;
  }

  /** Writes as long as `room` gives a page; answers how many bytes went in. */
  write(
    from: Uint8Array,
    at: number,
    length: number,
    position: number,
    room: () => boolean,
  ): number {
    this.modified = undefined;
    for (let done = 0; done < length;) {
      const { page, offset, part } = pieceOf(position + done, length - done);
      let bytes = this.pages.get(page);
      if (bytes === undefined) {
        if (!room()) return done;
        bytes = new Uint8Array(pageBytes);
        this.pages.set(page, bytes);
      }
      bytes.set(from.subarray(at + done, at + done + part), offset);
      this.dirty.add(page);
      done += part;
      this.size = Math.max(this.size, position + done);
    }
    return length;
  }

  truncate(size: number): void {
    this.modified = undefined;
    const lastPage = Math.floor(size / pageBytes);
    for (const page of new Set([...this.pages.keys(), ...this.durablePages.keys()])) {
      if (page < lastPage) continue;
      this.dirty.add(page);
      if (page > lastPage || size % pageBytes === 0) this.pages.delete(page);
      else this.pages.get(page)?.fill(0, size % pageBytes);
    }
    this.size = size;
    this.shortest = Math.min(this.shortest, size);
  }

  /** A sync begins: the pages written so far belong to it. */
  beginSync(): SyncSnapshot {
    const pages: Pages = new Map();
    for (const page of this.dirty) pages.set(page, this.pages.get(page)?.slice() ?? hole);
    const { size, shortest } = this;
    this.dirty = new Set();
    this.shortest = Number.MAX_SAFE_INTEGER;
    return { pages, size, shortest };
  }

  endSync(snapshot: SyncSnapshot): void {
    for (const [page, bytes] of snapshot.pages) {
      if (bytes === hole) this.durablePages.delete(page);
      else this.durablePages.set(page, bytes);
    }
    this.durableSize = snapshot.size;
  }

  /** The sync did not happen; its pages are as dirty as before. */
  abandonSync(snapshot: SyncSnapshot): void {
    for (const page of snapshot.pages.keys()) this.dirty.add(page);
    this.shortest = Math.min(this.shortest, snapshot.shortest);
  }

  /**
   * The power fails: of each page that is not durable, the old or the new one is left, or a mix of
   * their sectors; of the size, the old or the new one, or the least that it had between them. With
   * `tearsBytes` perhaps everything is there up to some byte, and nothing behind it. `happened` is
   * told what was lost.
   */
  crash(random: SeededRandom, tearsBytes: boolean, happened: (what: string) => void): void {
    const size = this.sizeLeft(random.next());
    if (size !== this.size) happened('size lost');
    const numbers = new Set([...this.pages.keys(), ...this.durablePages.keys()]);
    const dirty = [...numbers].filter((page) => !this.isDurable(page)).toSorted((a, b) => a - b);
    const isTorn = tearsBytes && dirty.length > 0 && random.chance(0.3);
    if (isTorn) happened('file torn at a byte');
    const tornAt = isTorn ? random.pick(dirty) : -1;
    const left: Pages = new Map();
    for (const page of numbers) {
      if (page * pageBytes >= size) continue;
      const now = this.pages.get(page) ?? hole;
      const old = this.durablePages.get(page) ?? hole;
      let way: Way = 'kept';
      if (isTorn) way = page < tornAt ? 'kept' : page === tornAt ? 'torn at a byte' : 'lost';
      else if (dirty.includes(page)) {
        way = random.pick(ways);
        happened(`page ${way}`);
      }
      const bytes = leftOf(old, now, way, random);
      const cutAt = size - page * pageBytes;
      if (cutAt < pageBytes) bytes.fill(0, cutAt);
      left.set(page, bytes);
    }
    this.size = size;
    this.pages = left;
    this.durablePages = new Map([...left].map(([page, bytes]) => [page, bytes.slice()]));
    this.durableSize = size;
    this.dirty = new Set();
    this.shortest = Number.MAX_SAFE_INTEGER;
  }

  private sizeLeft(draw: number): number {
    const { size, durableSize, shortest } = this;
    const wasShorter = shortest < Math.min(size, durableSize);
    if (wasShorter && draw > 0.4 && draw < 0.6) return shortest;
    return draw < 0.5 ? size : durableSize;
  }

  private isDurable(page: number): boolean {
    return Buffer.compare(this.pages.get(page) ?? hole, this.durablePages.get(page) ?? hole) === 0;
  }
}

const hole = new Uint8Array(pageBytes);

type Way = 'lost' | 'kept' | 'torn' | 'torn at a byte';
const ways: readonly Way[] = ['lost', 'kept', 'torn'];

function leftOf(old: Uint8Array, now: Uint8Array, way: Way, random: SeededRandom): Uint8Array {
  if (way === 'kept') return now.slice();
  const bytes = old.slice();
  if (way === 'torn at a byte') {
    bytes.set(now.subarray(0, random.below(pageBytes)));
  } else if (way === 'torn') {
    for (let at = 0; at < pageBytes; at += sectorBytes) {
      if (random.chance(0.5)) bytes.set(now.subarray(at, at + sectorBytes), at);
    }
  }
  return bytes;
}

function pieceOf(
  position: number,
  length: number,
): { readonly page: number; readonly offset: number; readonly part: number } {
  const page = Math.floor(position / pageBytes);
  const offset = position - page * pageBytes;
  return { page, offset, part: Math.min(length, pageBytes - offset) };
}
