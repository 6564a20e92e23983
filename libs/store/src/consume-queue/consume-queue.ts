import { leastTagsCode } from '@nestjs-rocketmq/message';
import type { QueueExtension } from '../consume-queue-extension/queue-extension.js';
import type { SegmentSequence } from '../files/segment-sequence.js';
import { entryBytes, type QueueEntry, readEntry } from '../formats/consume-queue-entry.js';
import { emptyUnit, type ExtensionUnit } from '../formats/extension-unit.js';
import { topicSeed } from '../key-index/key-hash.js';
import { type EntryArena, noSlot, slotEntries } from './entry-arena.js';

const indexMask = slotEntries - 1;
const encoder = new TextEncoder();

/**
 * One queue of a topic: entry n says where its nth message lies in the log.
 *
 * Five offsets, each not greater than the next: `min` (first message that still exists), `written`
 * (entries below are in the file), `visible` (consumers see what is below), `logged` (the log holds
 * the messages below) and `next` (the next message gets this). `written` may be below or above
 * `visible`, never above `logged`.
 */
export class ConsumeQueue {
  readonly topicBytes: Uint8Array;
  /** What the hashes of this topic's keys begin with. */
  readonly keySeed: number;
  /** First offset that can be read. */
  min = 0;
  /** One past the last offset that consumers may see. */
  visible = 0;
  /** The offset that the next message gets. */
  next = 0;
  logged = 0;
  /** What becomes visible when the sync under way ends well. */
  closing = 0;
  written = 0;
  /** Entries below are from an earlier life: their bytes were on a disk meanwhile. */
  old = 0;
  /** When the oldest unwritten entry was staged, by the store's monotonic clock. */
  waitingSince = 0;
  /** How many of the files are surely found after a crash. */
  durableSegments = 0;
  /** Entries below are surely in the files after a crash. */
  durable = 0;
  /** A sync failed: what it was to make durable has to be written again. */
  isDoubtful = false;
  /** The topic was deleted; nothing of this queue is written any more. */
  isDetached = false;
  /** Slots of the entries from `written` on. */
  private head = noSlot;
  private tail = noSlot;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly files: SegmentSequence,
    private readonly arena: EntryArena,
    /** What is known of its messages beyond their entries, when that is kept. */
    readonly extension: QueueExtension | undefined = undefined,
  ) {
    this.topicBytes = encoder.encode(topic);
    this.keySeed = topicSeed(topic);
  }

  /** Sets all offsets of a queue that was read from its files. */
  restore(min: number, next: number): void {
    this.min = min;
    this.visible = next;
    this.next = next;
    this.logged = next;
    this.closing = next;
    this.written = next;
    this.old = next;
  }

  /** Puts the entry of the next message into memory. */
  stage(position: number, size: number, tagsCode: number): void {
    const index = this.next & indexMask;
    if (index === 0 || this.tail === noSlot) {
      const slot = this.arena.take();
      if (this.tail === noSlot) this.head = slot;
      else this.arena.append(this.tail, slot);
      this.tail = slot;
    }
    this.arena.set(this.tail, index, position, size, tagsCode);
    this.next += 1;
  }

  /** Forgets what was staged and did not get into the log. */
  dropStaged(): void {
    if (this.extension !== undefined) this.dropUnits(this.extension);
    const keep =
      this.logged === this.written ? 0 : this.slotsBetween(this.written, this.logged - 1);
    let last = noSlot;
    let slot = this.head;
    for (let i = 0; i < keep; i += 1) {
      last = slot;
      slot = this.arena.next(slot);
    }
    while (slot !== noSlot) slot = this.arena.release(slot);
    if (last === noSlot) this.head = noSlot;
    else this.arena.append(last, noSlot);
    this.tail = last;
    this.next = this.logged;
  }

  /** Writes entries below `to` (at most `logged`) into the file. Throws what writing throws. */
  write(to: number): void {
    // No entry in a file leads to a unit that is in none.
    if (this.written < to) this.extension?.write();
    while (this.written < to) {
      const index = this.written & indexMask;
      const count = Math.min(slotEntries - index, to - this.written);
      this.makeRoom((this.written + count) * entryBytes);
      const from = this.arena.offsetOf(this.head, index);
      this.files.write(this.arena.bytes, from, count * entryBytes, this.written * entryBytes);
      this.written += count;
      if ((this.written & indexMask) === 0 || this.written === this.next) this.releaseHead();
    }
  }

  /** Gives the memory back without writing; for a queue whose topic was deleted. */
  discard(): void {
    this.isDetached = true;
    this.extension?.discard();
    while (this.head !== noSlot) this.head = this.arena.release(this.head);
    this.tail = noSlot;
    this.written = this.next;
    this.logged = this.next;
  }

  /** Reads an entry that is still in memory, if it is; below `written` it is in the file. */
  readStaged(queueOffset: number, into: QueueEntry): boolean {
    if (queueOffset < this.written || queueOffset >= this.next || this.isDetached) return false;
    let slot = this.head;
    for (let i = this.slotsBetween(this.written, queueOffset); i > 1; i -= 1) {
      slot = this.arena.next(slot);
    }
    this.arena.get(slot, queueOffset & indexMask, into);
    return true;
  }

  /** Reads entries from the file into a buffer; answers how many there were. */
  readWritten(queueOffset: number, count: number, into: Uint8Array): number {
    const end = Math.min(queueOffset + count, this.written);
    const bytes = Math.max(0, end - queueOffset) * entryBytes;
    return Math.floor(this.files.read(into, 0, bytes, queueOffset * entryBytes) / entryBytes);
  }

  /** Reads one entry from wherever it is; false when it is nowhere. */
  entryAt(queueOffset: number, into: QueueEntry): boolean {
    if (this.readStaged(queueOffset, into)) return true;
    if (queueOffset < 0 || this.readWritten(queueOffset, 1, oneEntry) < 1) return false;
    readEntry(oneEntryData, 0, into);
    return true;
  }

  /**
   * The tags code of the message of an entry, which may stand in the extension; undefined when it
   * is not there. `unit` then is what the extension has.
   */
  tagsCodeOf(entry: QueueEntry, unit: ExtensionUnit = anyUnit): number | undefined {
    if (entry.tagsCode >= leastTagsCode) return entry.tagsCode;
    return this.extension?.read(entry.tagsCode, unit) === true ? unit.tagsCode : undefined;
  }

  /** The units of messages that did not get into the log go with their entries. */
  private dropUnits(extension: QueueExtension): void {
    for (let n = this.logged; n < this.next; n += 1) {
      this.readStaged(n, stagedEntry);
      if (stagedEntry.tagsCode < leastTagsCode) return extension.dropFrom(stagedEntry.tagsCode);
    }
  }

  private makeRoom(end: number): void {
    if (this.files.isEmpty) {
      const start = this.written * entryBytes;
      this.files.add(start - (start % this.files.segmentSize));
    }
    while (this.files.end < end) this.files.add(this.files.end);
  }

  private releaseHead(): void {
    const isLast = this.head === this.tail;
    this.head = this.arena.release(this.head);
    if (isLast) this.tail = noSlot;
  }

  /** How many slots the entries from `from` to `to` (included) lie in. */
  private slotsBetween(from: number, to: number): number {
    const first = (from - (from & indexMask)) / slotEntries;
    const last = (to - (to & indexMask)) / slotEntries;
    return last - first + 1;
  }
}

const oneEntry = new Uint8Array(entryBytes);
const oneEntryData = new DataView(oneEntry.buffer);
const stagedEntry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };
const anyUnit = emptyUnit();
