import { writeInt64 } from '@nestjs-rocketmq/message';
import type { HandlePool } from '../files/handle-pool.js';
import {
  type IndexEntry,
  indexEntryBytes,
  indexHeaderBytes,
  indexSlotBytes,
  readIndexEntry,
} from '../formats/index-layout.js';

/** Entries that wait in memory at most; they are written one behind the other. */
const bufferEntries = 3276;

export function newEntry(): IndexEntry {
  return { hash: 0, position: -1, seconds: 0, previous: 0 };
}

/** The entries of one index file: the newest wait in memory. */
export class IndexEntries {
  private buffer: Uint8Array | undefined;
  private data: DataView = new DataView(new ArrayBuffer(0));
  private readonly start: number;

  constructor(
    private readonly handles: HandlePool,
    private readonly path: string,
    slots: number,
    /** Number of the first entry that is not in the file. */
    private unwritten: number,
  ) {
    this.start = indexHeaderBytes + slots * indexSlotBytes;
  }

  /** Adds the entry `number`, the one after the last. */
  add(number: number, hash: number, position: number, seconds: number, previous: number): void {
    if (number - this.unwritten === bufferEntries) this.write(number);
    if (this.buffer === undefined) {
      this.buffer = new Uint8Array(bufferEntries * indexEntryBytes);
      this.data = new DataView(this.buffer.buffer);
    }
    const { data } = this;
    const at = (number - this.unwritten) * indexEntryBytes;
    data.setInt32(at, hash);
    writeInt64(data, at + 4, position);
    data.setInt32(at + 12, seconds);
    data.setInt32(at + 16, previous);
  }

  /** Writes the entries before `count`, which are all that there are. */
  write(count: number): void {
    const waiting = count - this.unwritten;
    if (waiting === 0 || this.buffer === undefined) return;
    const file = this.handles.get(this.path);
    file.writeAt(this.buffer, 0, waiting * indexEntryBytes, this.positionOf(this.unwritten));
    this.unwritten = count;
  }

  /** Forgets the entries from `count` on. */
  cut(count: number): void {
    this.unwritten = count;
  }

  /** Reads one entry of the file. */
  read(number: number, into: IndexEntry): boolean {
    const file = this.handles.get(this.path);
    const count = file.readAt(one, 0, indexEntryBytes, this.positionOf(number));
    readIndexEntry(oneData, 0, into);
    return count === indexEntryBytes;
  }

  /** Shows the entries of the file in their order, until `each` answers false. */
  scan(from: number, to: number, each: (number: number, entry: IndexEntry) => boolean): void {
    const chunk = new Uint8Array(bufferEntries * indexEntryBytes);
    const data = new DataView(chunk.buffer);
    const entry = newEntry();
    for (let number = from; number < to;) {
      const wanted = Math.min(bufferEntries, to - number) * indexEntryBytes;
      const file = this.handles.get(this.path);
      const got = file.readAt(chunk, 0, wanted, this.positionOf(number));
      for (let at = 0; at + indexEntryBytes <= got; at += indexEntryBytes) {
        readIndexEntry(data, at, entry);
        if (!each(number, entry)) return;
        number += 1;
      }
      if (got < wanted) return;
    }
  }

  /** Joins an entry to another one before it. */
  chain(number: number, previous: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, previous);
    this.handles.get(this.path).writeAt(bytes, 0, 4, this.positionOf(number) + 16);
  }

  private positionOf(number: number): number {
    return this.start + number * indexEntryBytes;
  }
}

const one = new Uint8Array(indexEntryBytes);
const oneData = new DataView(one.buffer);
