import { type Span, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import {
  bornHostLength,
  leastTagsCode,
  minRecordBytes,
  readInt64,
  recordField,
  RecordParts,
} from '@nestjs-rocketmq/message';
import type { CommitLog } from './commit-log/commit-log.js';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import { firstWhere } from './consume-queue/queue-recovery.js';
import { entryBytes, isFiller, type QueueEntry, readEntry } from './formats/consume-queue-entry.js';
import { emptyUnit, type ExtensionUnit } from './formats/extension-unit.js';
import { type FindStatus, Found } from './found.js';
import { type PropertyTest, PropertyWindow } from './property-window.js';
import type { RecordChecks } from './record-checks.js';
import { SpanReader } from './span-reader.js';
import { StoreCorruptError } from './store.errors.js';

export interface FindLimits {
  /** Most bytes; the first message always goes. Default as configured. */
  readonly maxBytes?: number;
  /**
   * Which entries are wanted, by their tags code. Default all. What is smaller than `leastTagsCode`
   * is none: the code is not known, and the entry is wanted.
   */
  readonly filter?: ((tagsCode: number) => boolean) | undefined;
  /** Which messages are wanted, by what the queue's extension has of them. Default all. */
  readonly suits?: ((unit: ExtensionUnit) => boolean) | undefined;
  /** Which messages are wanted, by their properties. Default all. */
  readonly accepts?: PropertyTest | undefined;
}

/** Which of two messages is meant when none was stored at exactly the time asked for. */
export type TimeBoundary = 'LOWER' | 'UPPER';

export interface ReaderLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
  /** The same where the first message found lies further back than `memoryBytes`. */
  readonly maxCountBehind: number;
  readonly maxBytesBehind: number;
  /** The youngest part of the log that memory is taken to hold. */
  readonly memoryBytes: number;
  /** Entries that one search looks through. */
  readonly maxScan: number;
}

const headBytes = recordField.bornHost + 32;
const usualRecordBytes = 4096;

function chunkFor(limits: ReaderLimits): Uint8Array {
  return new Uint8Array(Math.max(limits.maxScan, limits.maxCount) * entryBytes);
}

/** From a queue offset to message bytes, with a verdict when there are none. */
export class MessageReader {
  private readonly found = new Found();
  private readonly entry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };
  private readonly unit = emptyUnit();
  private chunk: Uint8Array;
  private chunkData: DataView;
  private chunkFrom = 0;
  private chunkCount = 0;
  private readonly spans: SpanReader;
  /** Made by the first search that asks for properties. */
  private window: PropertyWindow | undefined;
  /** The begin of a record, and nearly always all of it. */
  private readonly head = new Uint8Array(usualRecordBytes);
  private headFilled = 0;
  private readonly headData = viewOf(this.head);
  private readonly looked = { bytes: this.head, data: this.headData, from: 0, to: 0 };

  constructor(
    private readonly log: CommitLog,
    private readonly checks: RecordChecks,
    private limits: ReaderLimits,
  ) {
    this.spans = new SpanReader(log);
    this.chunk = chunkFor(limits);
    this.chunkData = viewOf(this.chunk);
  }

  /** From now on other limits hold. */
  limit(limits: ReaderLimits): void {
    this.limits = limits;
    this.chunk = chunkFor(limits);
    this.chunkData = viewOf(this.chunk);
    this.chunkCount = 0;
  }

  find(queue: ConsumeQueue, from: number, maxCount: number, limits: FindLimits): Found {
    const { found } = this;
    found.count = 0;
    found.bytes = 0;
    found.isFarBehind = false;
    found.bytesBehind = 0;
    const { min, visible } = queue;
    if (visible === 0) return this.answer('NO_MESSAGE_IN_QUEUE', 0);
    if (from < min) return this.answer('OFFSET_TOO_SMALL', min);
    if (from === visible) return this.answer('OFFSET_OVERFLOW_ONE', from);
    if (from > visible) return this.answer('OFFSET_OVERFLOW_BADLY', visible);
    return this.collect(queue, from, Math.min(Math.max(maxCount, 1), this.limits.maxCount), limits);
  }

  private collect(queue: ConsumeQueue, from: number, most: number, limits: FindLimits): Found {
    const { found, entry } = this;
    const { filter, accepts } = limits;
    let count = most;
    let { maxBytes = this.limits.maxBytes } = limits;
    const memoryFrom = this.log.appended - this.limits.memoryBytes;
    const scan = filter === undefined && accepts === undefined ? count : this.limits.maxScan;
    this.window?.clear();
    const end = Math.min(queue.visible, from + scan);
    let wasRemoved = false;
    let at = from;
    this.chunkCount = 0;
    for (; at < end && found.count < count; at += 1) {
      const isOld = at < queue.old;
      if (!this.load(queue, at, end)) {
        if (!isOld || !this.checks.mend(queue, at, entry)) break;
      }
      if (isFiller(entry)) continue;
      if (entry.position < 0 && isOld && !this.checks.isIntact(queue, at, entry)) continue;
      if (entry.position < this.log.start) {
        wasRemoved = true;
        continue;
      }
      if (entry.tagsCode < leastTagsCode && !this.suits(queue, limits)) continue;
      if (filter !== undefined && !filter(entry.tagsCode)) continue;
      if (isOld && !this.checks.isIntact(queue, at, entry)) continue;
      if (found.count > 0 && found.bytes + entry.size > maxBytes) break;
      if (accepts !== undefined && !this.isAccepted(queue, accepts)) continue;
      if (found.count === 0 && entry.position < memoryFrom) {
        count = Math.min(count, this.limits.maxCountBehind);
        maxBytes = Math.min(maxBytes, this.limits.maxBytesBehind);
      }
      if (found.count === found.sizes.length) found.grow();
      found.positions[found.count] = entry.position;
      found.sizes[found.count] = entry.size;
      found.bytes += entry.size;
      found.count += 1;
    }
    if (at === from) throw this.corrupt(`Entry ${from} cannot be read`, queue);
    if (found.count > 0) {
      const last = found.positions[found.count - 1] as number;
      found.bytesBehind = this.log.appended - last;
      found.isFarBehind = last < memoryFrom;
      return this.answer('FOUND', at);
    }
    return this.answer(wasRemoved ? 'MESSAGE_WAS_REMOVING' : 'NO_MATCHED_MESSAGE', at);
  }

  /** Copies the records of `found` into `into`, which has at least `found.bytes` bytes. */
  read(found: Found, into: Span): void {
    this.spans.read(found, into);
  }

  /**
   * The record at a log position where it was read; only good until the next call of this reader.
   * Undefined when no written record stands there.
   */
  lookAt(position: number): Span | undefined {
    const size = this.sizeAt(position, this.head.length);
    if (size === undefined) return undefined;
    const isUsual = size <= this.headFilled && position >= this.checks.oldUntil;
    if (isUsual && parts.locate(this.headData, 0, size) === undefined) {
      this.looked.to = size;
      return this.looked;
    }
    const bytes = this.readRecord(position);
    return bytes === undefined ? undefined : spanOf(bytes);
  }

  /** A copy of the record at a log position; undefined when no written record stands there. */
  readRecord(position: number): Uint8Array | undefined {
    const size = this.sizeAt(position, this.head.length);
    if (size === undefined) return undefined;
    const bytes = new Uint8Array(size);
    const near = Math.min(size, this.headFilled);
    bytes.set(this.head.subarray(0, near));
    const far = size - near;
    if (far > 0 && this.log.read(bytes, near, far, position + near) < far) return undefined;
    if (position < this.checks.oldUntil) {
      return this.checks.isWhole(bytes, position) ? bytes : undefined;
    }
    return parts.locate(viewOf(bytes), 0, size) === undefined ? bytes : undefined;
  }

  /** Does the message at an offset lie further back than what memory is likely to hold? */
  isFarBehind(queue: ConsumeQueue, queueOffset: number): boolean {
    if (queueOffset >= queue.visible || !queue.entryAt(queueOffset, this.entry)) return false;
    return this.entry.position < this.log.appended - this.limits.memoryBytes;
  }

  /** A copy of the record at a queue offset; undefined when there is none that is visible. */
  readRecordAt(queue: ConsumeQueue, queueOffset: number): Uint8Array | undefined {
    if (queueOffset < queue.min || queueOffset >= queue.visible) return undefined;
    const entry = { position: -1, size: 0, tagsCode: 0 };
    if (!queue.entryAt(queueOffset, entry)) return undefined;
    const isOld = queueOffset < queue.old;
    if (isOld && !this.checks.isIntact(queue, queueOffset, entry)) return undefined;
    return this.readRecord(entry.position);
  }

  /** Store time of the message at an offset; undefined when there is none. */
  storeTimeAt(queue: ConsumeQueue, queueOffset: number): number | undefined {
    if (queueOffset < queue.min || queueOffset >= queue.visible) return undefined;
    if (!queue.entryAt(queueOffset, this.entry) || isFiller(this.entry)) return undefined;
    return this.storeTimeOf(this.entry.position);
  }

  /**
   * The offset of a time. `LOWER`: the first message stored at that time or later, one past the
   * last when there is none. `UPPER`: the last one stored at that time or before, the first when
   * there is none.
   */
  offsetByTime(queue: ConsumeQueue, timestamp: number, boundary: TimeBoundary): number {
    const { min, visible } = queue;
    const timeAt = (n: number): number => this.storeTimeAt(queue, n) ?? Number.MIN_SAFE_INTEGER;
    if (boundary === 'LOWER') return firstWhere(min, visible, (n) => timeAt(n) >= timestamp);
    return Math.max(min, firstWhere(min, visible, (n) => timeAt(n) > timestamp) - 1);
  }

  private load(queue: ConsumeQueue, at: number, end: number): boolean {
    if (at >= queue.written) return queue.readStaged(at, this.entry);
    if (at >= this.chunkFrom + this.chunkCount || this.chunkCount === 0) {
      this.chunkFrom = at;
      const most = this.chunk.length / entryBytes;
      this.chunkCount = queue.readWritten(at, Math.min(end - at, most), this.chunk);
      if (this.chunkCount === 0) return false;
    }
    readEntry(this.chunkData, (at - this.chunkFrom) * entryBytes, this.entry);
    return this.entry.size > 0;
  }

  /** Puts the tags code that the extension has into the entry; is it wanted, for all it has? */
  private suits(queue: ConsumeQueue, limits: FindLimits): boolean {
    const { entry, unit } = this;
    const tagsCode = queue.tagsCodeOf(entry, unit);
    if (tagsCode === undefined) return true;
    entry.tagsCode = tagsCode;
    return limits.suits === undefined || limits.suits(unit);
  }

  private isAccepted(queue: ConsumeQueue, test: PropertyTest): boolean {
    this.window ??= new PropertyWindow(this.log);
    const { position, size } = this.entry;
    const isWanted = this.window.test(position, size, test);
    if (isWanted !== undefined) return isWanted;
    throw this.corrupt(`No record of ${size} bytes stands at log position ${position}`, queue);
  }

  private answer(status: FindStatus, next: number): Found {
    this.found.status = status;
    this.found.next = next;
    return this.found;
  }

  private storeTimeOf(position: number): number | undefined {
    if (this.log.read(this.head, 0, headBytes, position) < headBytes) return undefined;
    const sysFlag = this.headData.getInt32(recordField.sysFlag);
    return readInt64(this.headData, recordField.bornHost + bornHostLength(sysFlag) + 4);
  }

  /** The size of the record at a position; up to `most` of its bytes are in `head` then. */
  private sizeAt(position: number, most: number = recordField.sysFlag): number | undefined {
    if (!Number.isSafeInteger(position) || position < this.log.start) return undefined;
    this.headFilled = this.log.read(this.head, 0, most, position);
    if (this.headFilled < recordField.sysFlag) return undefined;
    const size = this.headData.getInt32(recordField.size);
    const claims = readInt64(this.headData, recordField.logPosition);
    const fits = size >= minRecordBytes && position + size <= this.log.written;
    return fits && claims === position ? size : undefined;
  }

  private corrupt(what: string, queue?: ConsumeQueue): StoreCorruptError {
    const of = queue === undefined ? '' : ` of queue ${queue.queueId} of ${queue.topic}`;
    return new StoreCorruptError(`${what}${of}: queue and log do not fit each other.`, {
      details: queue === undefined ? {} : { topic: queue.topic, queueId: queue.queueId },
    });
  }
}

const parts = new RecordParts();
