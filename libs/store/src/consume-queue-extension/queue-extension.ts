import { dirname, join } from 'node:path';
import { type FileSystem, viewOf } from '@nestjs-rocketmq/foundation';
import { leastTagsCode, propertiesLength, type RecordDraft } from '@nestjs-rocketmq/message';
import type { HandlePool } from '../files/handle-pool.js';
import { SegmentSequence } from '../files/segment-sequence.js';
import { addressOf, mostExtension, positionOf } from '../formats/extension-address.js';
import {
  endMark,
  endMarkBytes,
  type ExtensionUnit,
  longestUnit,
  readUnit,
  type UnitDraft,
  unitSize,
  writeUnit,
} from '../formats/extension-unit.js';
import type { UnitWindow } from './unit-window.js';

/**
 * Says which SQL92 filters let a message pass, as a bit map; undefined when there is none to say it
 * of. The property text stands from `from` up to `to`. The bit map may be reused by the next call.
 */
export type BitMapOf = (
  topic: string,
  storeTime: number,
  bytes: Uint8Array,
  from: number,
  to: number,
) => Uint8Array | undefined;

export interface ExtensionParts {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  /** Holds a folder per topic, and in it one per queue id. */
  readonly directory: string;
  /** Bytes of one file. */
  readonly fileSize: number;
  readonly window: UnitWindow;
  readonly bitMapOf?: BitMapOf | undefined;
}

/** Memory of units that are not yet written; more is given back after the write. */
const usualPending = 4096;

/** Where a record stands that is being taken in. */
interface StagedRecord {
  readonly staging: Uint8Array;
  readonly stagingOffset: number;
}

/**
 * The extension of a queue: one unit per message with its tags code, store time and bit map. The
 * entry then holds the address of the unit instead of the tags code.
 *
 * Nothing here is needed to serve a message: where a unit is missing its message passes every
 * filter of queue entries, as in Java. So that no entry ever leads to the unit of another message,
 * new units never lie at or below an address that an entry has.
 */
export class QueueExtension {
  readonly files: SegmentSequence;
  /** Units below are in the files. */
  private written = 0;
  /** Where the next unit goes. */
  private next = 0;
  /** Units between the two. */
  private pending = new Uint8Array(0);
  private pendingData = viewOf(this.pending);
  /** Where bytes were written first that are perhaps not durable; Infinity: nowhere. */
  private unsyncedFrom = Infinity;
  private hasNewFiles = false;
  /** A sync has failed: the system may take for written what it did not write. */
  private isDoubtful = false;
  /** Something stands in the files behind `written` that does not count. */
  private hasRest = false;

  constructor(
    private readonly parts: ExtensionParts,
    private readonly topic: string,
    queueId: number,
  ) {
    const { fileSystem, handles, directory, fileSize } = parts;
    const folder = join(directory, topic, String(queueId));
    this.files = new SegmentSequence(fileSystem, handles, folder, fileSize);
  }

  /** One past the last unit. */
  get end(): number {
    return this.next;
  }

  /** What the bit map of a record is. */
  bitMapOf(storeTime: number, bytes: Uint8Array, from: number, to: number): Uint8Array | undefined {
    return this.parts.bitMapOf?.(this.topic, storeTime, bytes, from, to);
  }

  /** Takes in the unit of a record that was just staged; answers what its entry holds. */
  extend(draft: RecordDraft, storeTime: number, log: StagedRecord, bytes: number): number {
    const to = log.stagingOffset + bytes;
    const from = to - propertiesLength(draft);
    const bits = this.bitMapOf(storeTime, log.staging, from, to);
    return this.put({ tagsCode: draft.tagsCode, storeTime, bits });
  }

  /** Takes a unit in; answers its address, or the tags code when there is no room for it. */
  put(draft: UnitDraft): number {
    const size = unitSize(draft);
    const { fileSize } = this.parts;
    if (size > longestUnit || size > fileSize - endMarkBytes) return draft.tagsCode;
    const left = fileSize - (this.next % fileSize);
    const skipped = size > left - endMarkBytes ? left : 0;
    if (this.next + skipped + size > mostExtension) return draft.tagsCode;
    if (skipped > 0) this.skip(skipped);
    const at = this.reserve(size);
    writeUnit(this.pendingData, this.pending, at, draft);
    this.next += size;
    return addressOf(this.next - size);
  }

  /** Forgets the units from an address on; their messages did not get into the log. */
  dropFrom(address: number): void {
    if (address >= leastTagsCode) return;
    this.next = positionOf(address);
    if (this.next >= this.written) return;
    this.written = this.next;
    this.hasRest = true;
  }

  /** Writes all units to the files. Throws what writing throws. */
  write(): void {
    const { files, next, written } = this;
    if (next === written) return;
    this.parts.window.clear();
    if (this.hasRest) files.cut(written);
    this.hasRest = false;
    // A gap between files would be taken for a missing one.
    if (!files.isEmpty && written > files.end) files.removeAll();
    if (files.isEmpty) this.addFile(written - (written % files.segmentSize));
    while (files.end < next) this.addFile(files.end);
    this.unsyncedFrom = Math.min(this.unsyncedFrom, written);
    files.write(this.pending, 0, next - written, written);
    this.written = next;
    if (this.pending.length > usualPending) this.drop();
  }

  /** What stands in the files was written by a process that was killed, and is perhaps not durable. */
  distrust(): void {
    this.unsyncedFrom = 0;
    this.hasNewFiles = true;
  }

  /** Makes what was written durable. */
  async sync(): Promise<void> {
    const { fileSystem, handles } = this.parts;
    if (this.isDoubtful) this.writeAgain();
    const from = this.unsyncedFrom;
    const { hasNewFiles, files } = this;
    this.unsyncedFrom = Infinity;
    this.hasNewFiles = false;
    try {
      for (const { start, path } of Array.from(files.all)) {
        if (start + files.segmentSize > from && files.has(path)) await handles.sync(path);
      }
      if (!hasNewFiles || files.isEmpty) return;
      const { directory } = this.parts;
      const topic = dirname(files.directory);
      // The folder of all extensions is made with the first of them.
      for (const folder of [files.directory, topic, directory, dirname(directory)]) {
        await fileSystem.syncDirectoryAside(folder);
      }
    } catch (error) {
      this.isDoubtful = true;
      this.unsyncedFrom = Math.min(from, this.unsyncedFrom);
      this.hasNewFiles ||= hasNewFiles;
      throw error;
    }
  }

  /** Reads the unit of an address; false when it is not there. */
  read(address: number, into: ExtensionUnit): boolean {
    if (address >= leastTagsCode) return false;
    const position = positionOf(address);
    const { pending, pendingData, files } = this;
    if (position >= this.written) {
      const end = this.next - this.written;
      return readUnit(pendingData, pending, position - this.written, end, into);
    }
    return this.parts.window.read(files, position, Math.min(this.written, files.end), into);
  }

  /** Sets where units end, as recovery found it. What the files have behind goes with a write. */
  restore(end: number): void {
    const { files } = this;
    this.parts.window.clear();
    this.drop();
    this.next = end;
    this.written = end;
    this.hasRest = end < files.end;
  }

  /** Removes files whose units all lie below an address; never the newest. True when it did. */
  removeBefore(address: number): boolean {
    if (address >= leastTagsCode) return false;
    const { files } = this;
    const count = files.all.length;
    this.parts.window.clear();
    while (files.all.length > 1 && files.start + files.segmentSize <= positionOf(address)) {
      files.removeFirst();
    }
    return files.all.length < count;
  }

  /** Gives the memory back without writing; for a queue that goes away. */
  discard(): void {
    this.parts.window.clear();
    this.drop();
    this.next = this.written;
  }

  private writeAgain(): void {
    const { files } = this;
    const bytes = new Uint8Array(usualPending);
    const from = Math.max(files.start, this.unsyncedFrom);
    for (let at = from; at < this.written;) {
      const count = files.read(bytes, 0, Math.min(bytes.length, this.written - at), at);
      if (count === 0) break;
      files.write(bytes, 0, count, at);
      at += count;
    }
    this.isDoubtful = false;
  }

  private addFile(start: number): void {
    this.files.add(start);
    this.hasNewFiles = true;
  }

  /** Marks the rest of a file as empty. */
  private skip(bytes: number): void {
    const at = this.reserve(bytes);
    this.pending.fill(0, at, at + bytes);
    this.pendingData.setInt16(at, endMark);
    this.next += bytes;
  }

  /** Makes room behind the units that wait, and answers where. */
  private reserve(bytes: number): number {
    const at = this.next - this.written;
    if (at + bytes > this.pending.length) {
      const larger = new Uint8Array(Math.max(usualPending, 2 * (at + bytes)));
      larger.set(this.pending.subarray(0, at));
      this.pending = larger;
      this.pendingData = viewOf(larger);
    }
    return at;
  }

  private drop(): void {
    this.pending = new Uint8Array(0);
    this.pendingData = viewOf(this.pending);
  }
}
