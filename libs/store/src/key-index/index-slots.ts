import { type FileHandle, viewOf } from '@nestjs-rocketmq/foundation';
import { indexHeaderBytes, indexSlotBytes } from '../formats/index-layout.js';

const pageBytes = 4096;
const pageSlots = pageBytes / indexSlotBytes;
const chunkPages = 16;
/** Pages that one `writeSome` writes at most. */
const pagesAtOnce = 512;

/**
 * The hash slots of one index file in memory: 20 MB with Apache's sizes, of which the system gives
 * only what was touched. Changed pages are marked and written later.
 */
export class IndexSlots {
  private readonly bytes: Uint8Array;
  private readonly data: DataView;
  private readonly dirty: Uint8Array;
  private dirtyPages = 0;

  constructor(readonly count: number) {
    this.bytes = new Uint8Array(Math.ceil(count / pageSlots) * pageBytes);
    this.data = new DataView(this.bytes.buffer);
    this.dirty = new Uint8Array(this.bytes.length / pageBytes);
  }

  get(slot: number): number {
    return this.data.getInt32(slot * indexSlotBytes);
  }

  set(slot: number, entry: number): void {
    this.data.setInt32(slot * indexSlotBytes, entry);
    const page = (slot / pageSlots) | 0;
    if (this.dirty[page] !== 0) return;
    this.dirty[page] = 1;
    this.dirtyPages += 1;
  }

  get isDirty(): boolean {
    return this.dirtyPages > 0;
  }

  /** Reads the slots of a file; runs of zeros take no memory. */
  load(file: FileHandle): void {
    this.readFile(file, (chunk, at) => this.bytes.set(chunk, at));
  }

  /** Shows each slot that is used in a file and has another entry there. */
  compare(file: FileHandle, each: (slot: number, entry: number) => void): void {
    this.readFile(file, (chunk, at) => {
      const data = viewOf(chunk);
      for (let i = 0; i < chunk.length; i += indexSlotBytes) {
        const stored = data.getInt32(i);
        if (stored !== 0 && stored !== this.data.getInt32(at + i)) {
          each((at + i) / indexSlotBytes, stored);
        }
      }
    });
  }

  private readFile(file: FileHandle, each: (chunk: Uint8Array, at: number) => void): void {
    const chunk = new Uint8Array(chunkPages * pageBytes);
    const words = new Int32Array(chunk.buffer);
    const total = this.count * indexSlotBytes;
    for (let at = 0; at < total; at += chunk.length) {
      const wanted = Math.min(chunk.length, total - at);
      const got = file.readAt(chunk, 0, wanted, indexHeaderBytes + at);
      if (hasContent(words, got / 4)) each(chunk.subarray(0, got), at);
      if (got < wanted) return;
    }
  }

  /** Every page is to be written: the file may have other content. */
  markAll(): void {
    this.dirty.fill(1);
    this.dirtyPages = this.dirty.length;
  }

  /**
   * Writes changed pages from page `from` on, neighbours together; answers the page to go on with,
   * -1 after the last. What could not be written stays marked.
   */
  writeSome(file: FileHandle, from: number, most = pagesAtOnce): number {
    const { dirty } = this;
    let left = most;
    for (let page = from; page < dirty.length; page += 1) {
      if (dirty[page] === 0) continue;
      if (left <= 0) return page;
      const first = page;
      while (page < dirty.length && dirty[page] !== 0 && left > 0) {
        page += 1;
        left -= 1;
      }
      const start = first * pageBytes;
      const end = Math.min(page * pageBytes, this.count * indexSlotBytes);
      file.writeAt(this.bytes, start, end - start, indexHeaderBytes + start);
      dirty.fill(0, first, page);
      this.dirtyPages -= page - first;
      page -= 1;
    }
    return -1;
  }
}

function hasContent(words: Int32Array, count: number): boolean {
  for (let i = 0; i < count; i += 1) if (words[i] !== 0) return true;
  return false;
}
