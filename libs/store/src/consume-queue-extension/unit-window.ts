import { viewOf } from '@nestjs-rocketmq/foundation';
import type { SegmentSequence } from '../files/segment-sequence.js';
import { type ExtensionUnit, longestUnit, readUnit } from '../formats/extension-unit.js';

/** Units are mostly read one after the other: so many bytes are read at once. */
const usualBytes = 8192;

/** Reads units from files, many with one read where they stand together. Serves all queues. */
export class UnitWindow {
  private readonly bytes = new Uint8Array(longestUnit);
  private readonly data = viewOf(this.bytes);
  private files: SegmentSequence | undefined;
  private from = 0;
  private to = 0;

  /** Forgets what was read: files have changed. */
  clear(): void {
    this.files = undefined;
  }

  /** Reads the unit at `position`; units end by `end`. False when there is none. */
  read(files: SegmentSequence, position: number, end: number, into: ExtensionUnit): boolean {
    const isInside = files === this.files && position >= this.from && position < this.to;
    if (isInside && this.readAt(position, into)) return true;
    if (isInside && this.to - position >= longestUnit) return false;
    this.fill(files, position, Math.min(usualBytes, end - position));
    if (this.readAt(position, into)) return true;
    if (this.to - position < usualBytes) return false;
    this.fill(files, position, Math.min(longestUnit, end - position));
    return this.readAt(position, into);
  }

  private fill(files: SegmentSequence, position: number, length: number): void {
    this.files = files;
    this.from = position;
    this.to = position;
    if (position >= files.start && length > 0) {
      this.to += files.read(this.bytes, 0, length, position);
    }
  }

  private readAt(position: number, into: ExtensionUnit): boolean {
    return readUnit(this.data, this.bytes, position - this.from, this.to - this.from, into);
  }
}
