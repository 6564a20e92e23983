import { readInt64, type RecordChecksumRule, recordField } from '@nestjs-rocketmq/message';
import { type LogReader, recordAt, type ScannedRecord } from './recovery.js';

/** What is known, from before the store was opened, of how far its log was durable. */
export interface KnownDurable {
  /** Everything below was durable; undefined when only a time is known, as of Java's stores. */
  readonly position: number | undefined;
  /** Store time of the last durable record. */
  readonly time: number;
}

const windowBytes = 1024 * 1024;
/** The first bytes of both magic numbers of a record. */
const magicStart = Uint8Array.of(0xda, 0xa3, 0x20);
/** Bytes from the start of a record to the end of its own position. */
const headBytes = recordField.logPosition + 8;

/**
 * Tells a torn tail from damage in the middle: where a record that is not valid stands in the part
 * of the log that was durable, valid records behind it are still the truth. Behind the durable part
 * anything may be there after a power failure, in any order, and the first fault is the end.
 */
export class DamageSearch {
  private window: Buffer | undefined;

  constructor(
    private readonly log: LogReader,
    private readonly durable: KnownDurable,
    private readonly whole: RecordChecksumRule,
  ) {}

  /**
   * The position of the next record that is valid and was durable, behind the fault at `position`;
   * the end of what was durable when there is none: the offsets of what is damaged stay taken.
   * `claim` is what stands there when it is framed as a record, `lastTime` the store time of the
   * last valid record before.
   */
  next(position: number, claim: ScannedRecord | undefined, lastTime: number): number | undefined {
    const { log, durable } = this;
    const isExpected =
      durable.position === undefined ? lastTime <= durable.time : position < durable.position;
    if (!isExpected) return undefined;
    if (claim !== undefined) {
      const next = position + claim.size;
      if (this.isGood(next, lastTime)) return next;
    }
    const last = Math.min(durable.position ?? log.end, log.end - 1);
    for (let at = this.find(position + 1, last); at <= last; at = this.find(at + 1, last)) {
      if (this.isGood(at, lastTime)) return at;
    }
    return durable.position;
  }

  /**
   * A Java broker cuts its log without removing what stands behind: such leftovers are older than
   * what was written over their beginning.
   */
  private isGood(position: number, lastTime: number): boolean {
    const { durable } = this;
    if (durable.position !== undefined && position > durable.position) return false;
    const record = recordAt(this.log, position, { checkCrc: true, whole: this.whole });
    if (record === undefined) return false;
    if (durable.position !== undefined) return true;
    return record.storeTime >= lastTime && record.storeTime <= durable.time;
  }

  /** The next position, up to `last`, that has a magic number and names itself; else beyond. */
  private find(from: number, last: number): number {
    const most = Math.min(windowBytes, Math.max(headBytes + 1, this.log.end - from));
    const bytes = (this.window ??= Buffer.allocUnsafe(most));
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let base = from; base <= last; base += bytes.length - headBytes) {
      const count = this.log.read(bytes, 0, bytes.length, base);
      const part = bytes.subarray(0, count);
      for (let m = part.indexOf(magicStart, 4); m >= 0; m = part.indexOf(magicStart, m + 1)) {
        const at = m - recordField.magic;
        if (at + headBytes > count) break;
        if (readInt64(data, at + recordField.logPosition) === base + at) return base + at;
      }
      if (count < bytes.length) break;
    }
    return last + 1;
  }
}
