import type { HandlePool } from '../files/handle-pool.js';
import {
  firstIndexEntry,
  type IndexEntry,
  indexCountsAt,
  indexEntryBytes,
  type IndexHeader,
  indexHeaderBytes,
  indexSlotBytes,
  readIndexHeader,
  writeIndexHeader,
} from '../formats/index-layout.js';
import { IndexEntries, newEntry } from './index-entries.js';
import { IndexSlots } from './index-slots.js';

/** How many slots and entries a file has. */
export interface IndexSizes {
  readonly slots: number;
  /** One more than entries fit, since entry 0 does not exist. */
  readonly entries: number;
}

export function indexFileBytes(sizes: IndexSizes): number {
  return indexHeaderBytes + sizes.slots * indexSlotBytes + sizes.entries * indexEntryBytes;
}

const largestSeconds = 0x7fffffff;

/** What a search in one file looks for. */
export interface IndexSearch {
  readonly hash: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * One file of the key index.
 *
 * What it holds on disk is of use at any moment, whoever is killed: entries are written before the
 * count that covers them, the count before slots that point to them, and the end (position and
 * time up to which keys are surely found) when all of that is durable. So a reader who trusts the
 * end and adds what the log has behind it misses nothing.
 */
export class IndexFile {
  readonly header: IndexHeader;
  private slots: IndexSlots | undefined;
  private readonly entries: IndexEntries;
  /** Something was put that is not durable, or not yet covered by the end on disk. */
  private isChanged = false;
  /** A sync failed: nobody knows what is on the disk, whatever a later one says. */
  isDoubtful = false;
  /** The slots are in memory only because they were made anew. */
  private isRebuilt = false;

  private constructor(
    private readonly handles: HandlePool,
    readonly path: string,
    private readonly sizes: IndexSizes,
    header: IndexHeader,
  ) {
    this.header = header;
    this.entries = new IndexEntries(handles, path, sizes.slots, header.count);
  }

  /** Opens a file that has the right size. */
  static open(handles: HandlePool, path: string, sizes: IndexSizes): IndexFile {
    const bytes = new Uint8Array(indexHeaderBytes);
    handles.get(path).readAt(bytes, 0, bytes.length, 0);
    return new IndexFile(handles, path, sizes, readIndexHeader(new DataView(bytes.buffer)));
  }

  /** Makes a file that goes on where the one before it ended. */
  static create(
    handles: HandlePool,
    path: string,
    sizes: IndexSizes,
    before: IndexHeader | undefined,
  ): IndexFile {
    handles.create(path, indexFileBytes(sizes));
    const file = new IndexFile(handles, path, sizes, {
      beginTime: before?.endTime ?? 0,
      endTime: before?.endTime ?? 0,
      beginPosition: before?.endPosition ?? 0,
      endPosition: before?.endPosition ?? 0,
      usedSlots: 0,
      count: firstIndexEntry,
    });
    file.slots = new IndexSlots(sizes.slots);
    file.isChanged = true;
    file.writeHeader(file.header);
    return file;
  }

  get isFull(): boolean {
    return this.header.count >= this.sizes.entries;
  }

  get isEmpty(): boolean {
    return this.header.count === firstIndexEntry;
  }

  /** Whether the header can be right at all. */
  get isReadable(): boolean {
    const { count, beginPosition, endPosition, beginTime, endTime } = this.header;
    if (count > this.sizes.entries || beginPosition < 0 || beginPosition > endPosition)
      return false;
    return beginTime >= 0 && endTime >= 0 && Number.isSafeInteger(endPosition);
  }

  /**
   * Whether header, last entry and its slot fit each other. The last entry is always the newest of
   * its slot; where it is not on the disk there are zeros.
   */
  get isPlausible(): boolean {
    const { count, usedSlots, beginPosition, endPosition } = this.header;
    if (this.isEmpty) return true;
    if (usedSlots <= 0 || usedSlots >= count) return false;
    const last = newEntry();
    if (!this.entries.read(count - 1, last) || last.hash < 0) return false;
    if (last.position < beginPosition || last.position > endPosition) return false;
    return this.slotOf(last.hash % this.sizes.slots) === count - 1;
  }

  /** Whether all of it is durable. */
  get isSettled(): boolean {
    return !this.isChanged;
  }

  /** Puts a key of a record; only when the file is not full. Throws what writing throws. */
  put(hash: number, position: number, time: number): void {
    const { header, sizes } = this;
    const slots = (this.slots ??= this.loadSlots());
    const number = header.count;
    const slot = hash % sizes.slots;
    let previous = slots.get(slot);
    if (previous < 0 || previous >= number) previous = 0;
    if (number === firstIndexEntry) {
      header.beginPosition = position;
      header.beginTime = time;
    }
    this.entries.add(number, hash, position, this.secondsOf(time), previous);
    slots.set(slot, number);
    if (previous === 0) header.usedSlots += 1;
    header.count = number + 1;
    header.endPosition = position;
    header.endTime = time;
    this.isChanged = true;
    this.isRebuilt = false;
  }

  /** All records up to this one have their keys here, or have none. */
  reach(position: number, time: number): void {
    if (position <= this.header.endPosition) return;
    this.header.endPosition = position;
    this.header.endTime = time;
    this.isChanged = true;
  }

  /** Whether a search in this span of time concerns the file. */
  covers(begin: number, end: number): boolean {
    return !this.isEmpty && begin <= this.header.endTime && end >= this.header.beginTime;
  }

  /**
   * Adds the log positions of entries with this hash, newest first. Answers a sentence when the
   * file is damaged, and then what was found up to there counts.
   */
  select(search: IndexSearch, found: (position: number) => boolean): string | undefined {
    this.entries.write(this.header.count);
    const slot = search.hash % this.sizes.slots;
    const { beginTime, count } = this.header;
    const entry = newEntry();
    let above = count;
    for (let number = this.slotOf(slot); number !== 0;) {
      if (number < 0 || number >= above) return `slot ${slot} leads to entry ${number}`;
      if (!this.entries.read(number, entry)) return `entry ${number} cannot be read`;
      if (entry.hash < 0 || entry.hash % this.sizes.slots !== slot || entry.seconds < 0) {
        return `entry ${number} does not belong to slot ${slot}`;
      }
      const time = beginTime + entry.seconds * 1000;
      // The seconds of an entry are cut off, so its time is up to a second later.
      if (time + 999 < search.begin) return undefined;
      const fits = entry.hash === search.hash && time <= search.end;
      if (fits && !found(entry.position)) return undefined;
      // Java leaves an entry that names itself where it was killed and went on.
      if (entry.previous === number) return undefined;
      above = number;
      number = entry.previous;
    }
    return undefined;
  }

  /**
   * Brings everything to the disk, with all that was put meanwhile, and then moves the end on disk.
   * `beforeEnd` is called right before, with the end's time. Throws what the disk throws.
   */
  async flush(beforeEnd: (endTime: number) => void): Promise<void> {
    if (!this.isChanged) return;
    this.isChanged = false;
    const end = { ...this.header };
    try {
      for (let page = 0; page >= 0;) {
        page = this.writePages(page);
        await this.sync();
      }
      beforeEnd(end.endTime);
      const { usedSlots, count } = this.header;
      this.entries.write(this.header.count);
      this.writeHeader({ ...end, usedSlots, count });
      await this.sync();
      if (this.isRebuilt) this.slots = undefined;
    } catch (error) {
      this.isChanged = true;
      throw error;
    }
  }

  private async sync(): Promise<void> {
    this.isDoubtful = true;
    await this.handles.sync(this.path);
    this.isDoubtful = false;
  }

  /** The same at once, blocking; for opening only. */
  flushNow(): void {
    for (let page = 0; page >= 0;) page = this.writePages(page);
    this.handles.get(this.path).syncNow();
    this.writeHeader(this.header);
    this.handles.get(this.path).syncNow();
    this.isChanged = false;
  }

  /** A full file gives its memory back; its end on disk follows with the next `flush`. */
  release(): void {
    for (let page = 0; page >= 0;) page = this.writePages(page);
    this.slots = undefined;
  }

  /**
   * Makes the slots anew from the entries before `position`, and drops the others. Answers why an
   * entry before it cannot be right, if one cannot; then that one and what follows it is dropped.
   */
  rebuild(position: number): string | undefined {
    this.entries.write(this.header.count);
    const { header } = this;
    let fault = this.scan(position);
    const slots = this.slots as IndexSlots;
    let wrong = header.count;
    slots.compare(this.handles.get(this.path), (slot, number) => {
      if (number > 0 && number < wrong && !this.standsIn(number, slot)) wrong = number;
    });
    if (wrong < header.count) {
      fault = `entry ${wrong} does not belong to the slot that leads to it`;
      header.count = wrong;
      this.scan(position);
    }
    this.slots?.markAll();
    this.entries.cut(header.count);
    this.isChanged = true;
    this.isRebuilt = true;
    return fault;
  }

  /** Reads the entries into new slots, as far as they can be right and are before `position`. */
  private scan(position: number): string | undefined {
    const slots = new IndexSlots(this.sizes.slots);
    const { header, sizes, entries } = this;
    let fault: string | undefined;
    let number = firstIndexEntry;
    let last = header.beginPosition;
    this.slots = slots;
    header.usedSlots = 0;
    entries.scan(number, header.count, (_, entry) => {
      if (entry.position >= position) return false;
      const slot = entry.hash % sizes.slots;
      const previous = entry.hash < 0 ? -1 : slots.get(slot);
      fault = faultOf(entry, number, last, previous);
      if (fault !== undefined) return false;
      // Java may have begun a chain anew where it was killed; the entry is joined to it again.
      if (entry.previous !== previous) entries.chain(number, previous);
      slots.set(slot, number);
      if (previous === 0) header.usedSlots += 1;
      last = entry.position;
      number += 1;
      return true;
    });
    header.count = number;
    header.endPosition = number === firstIndexEntry ? header.beginPosition : last;
    header.endTime = number === firstIndexEntry ? header.beginTime : this.timeOf(number - 1);
    return fault;
  }

  private standsIn(number: number, slot: number): boolean {
    const entry = newEntry();
    return this.entries.read(number, entry) && entry.hash % this.sizes.slots === slot;
  }

  private timeOf(number: number): number {
    const entry = newEntry();
    this.entries.read(number, entry);
    return this.header.beginTime + entry.seconds * 1000;
  }

  private slotOf(slot: number): number {
    if (this.slots !== undefined) return this.slots.get(slot);
    const at = indexHeaderBytes + slot * indexSlotBytes;
    const count = this.handles.get(this.path).readAt(oneSlot, 0, indexSlotBytes, at);
    return count === indexSlotBytes ? oneSlotData.getInt32(0) : 0;
  }

  private loadSlots(): IndexSlots {
    const slots = new IndexSlots(this.sizes.slots);
    slots.load(this.handles.get(this.path));
    return slots;
  }

  /** Entries, then their count, then some of the slots that point to them. */
  private writePages(from: number): number {
    this.entries.write(this.header.count);
    const counts = new Uint8Array(8);
    const data = new DataView(counts.buffer);
    data.setInt32(0, this.header.usedSlots);
    data.setInt32(4, this.header.count);
    const file = this.handles.get(this.path);
    file.writeAt(counts, 0, counts.length, indexCountsAt);
    return this.slots?.writeSome(file, from) ?? -1;
  }

  private writeHeader(header: IndexHeader): void {
    const bytes = new Uint8Array(indexHeaderBytes);
    writeIndexHeader(new DataView(bytes.buffer), header);
    this.handles.get(this.path).writeAt(bytes, 0, bytes.length, 0);
  }

  private secondsOf(time: number): number {
    const seconds = Math.trunc((time - this.header.beginTime) / 1000);
    return Math.min(Math.max(seconds, 0), largestSeconds);
  }
}

function faultOf(
  entry: IndexEntry,
  number: number,
  last: number,
  previous: number,
): string | undefined {
  if (previous < 0) return `entry ${number} has no hash`;
  if (entry.position < last) return `entry ${number} is behind log position ${last}`;
  const isChained = entry.previous === previous || entry.previous === number;
  return isChained || entry.previous === 0 ? undefined : `entry ${number} breaks its chain`;
}

const oneSlot = new Uint8Array(indexSlotBytes);
const oneSlotData = new DataView(oneSlot.buffer);
