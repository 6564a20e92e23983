import {
  type QueueEntry,
  entryBytes,
  readEntry,
  writeEntry,
} from '../formats/consume-queue-entry.js';

/** Entries of one slot; a power of two. */
export const slotEntries = 64;
const slotBytes = slotEntries * entryBytes;
const firstSlots = 64;
/** No slot. */
export const noSlot = -1;

/**
 * Memory for queue entries that are not yet in their files: slots of 64 entries in one buffer,
 * linked to chains. A queue owns a chain only while it has unwritten entries.
 */
export class EntryArena {
  private memory = new Uint8Array(firstSlots * slotBytes);
  private data = new DataView(this.memory.buffer);
  /** The slot after this one, in a chain or in the list of free slots. */
  private following = new Int32Array(firstSlots);
  private free = noSlot;
  private inUse = 0;

  constructor() {
    this.link(0, firstSlots);
  }

  /** The memory that `offsetOf` points into; changes when the arena grows. */
  get bytes(): Uint8Array {
    return this.memory;
  }

  get slotsInUse(): number {
    return this.inUse;
  }

  take(): number {
    if (this.free === noSlot) this.grow();
    const slot = this.free;
    this.free = this.following[slot] as number;
    this.following[slot] = noSlot;
    this.inUse += 1;
    return slot;
  }

  /** Gives one slot back and answers the one that followed it. */
  release(slot: number): number {
    const next = this.following[slot] as number;
    this.following[slot] = this.free;
    this.free = slot;
    this.inUse -= 1;
    return next;
  }

  append(slot: number, next: number): void {
    this.following[slot] = next;
  }

  next(slot: number): number {
    return this.following[slot] as number;
  }

  /** Where entry `index` (0 to 63) of a slot stands in `bytes`. */
  offsetOf(slot: number, index: number): number {
    return slot * slotBytes + index * entryBytes;
  }

  set(slot: number, index: number, position: number, size: number, tagsCode: number): void {
    writeEntry(this.data, slot * slotBytes + index * entryBytes, position, size, tagsCode);
  }

  get(slot: number, index: number, into: QueueEntry): void {
    readEntry(this.data, slot * slotBytes + index * entryBytes, into);
  }

  private grow(): void {
    const before = this.following.length;
    const memory = new Uint8Array(this.memory.length * 2);
    memory.set(this.memory);
    const following = new Int32Array(before * 2);
    following.set(this.following);
    this.memory = memory;
    this.data = new DataView(memory.buffer);
    this.following = following;
    this.link(before, before * 2);
  }

  private link(from: number, to: number): void {
    for (let slot = from; slot < to; slot += 1) {
      this.following[slot] = slot + 1 < to ? slot + 1 : this.free;
    }
    this.free = from;
  }
}
