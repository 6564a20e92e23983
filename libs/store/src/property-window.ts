import { viewOf } from '@nestjs-rocketmq/foundation';
import { RecordParts } from '@nestjs-rocketmq/message';
import type { CommitLog } from './commit-log/commit-log.js';

/** Looks at the property text of a record, which stands from `from` up to `to`. */
export type PropertyTest = (bytes: Uint8Array, from: number, to: number) => boolean;

/** Records mostly stand close together: so many bytes are read at once. */
const windowBytes = 128 * 1024;

/** Reads records for what their properties say, many with one read where they stand together. */
export class PropertyWindow {
  private readonly bytes = new Uint8Array(windowBytes);
  private readonly data = viewOf(this.bytes);
  private readonly parts = new RecordParts();
  private start = 0;
  private length = 0;

  constructor(private readonly log: CommitLog) {}

  /** Forgets what was read; the end of a log may have been written anew since. */
  clear(): void {
    this.length = 0;
  }

  /** What the test says of the record, or undefined when no record of that size stands there. */
  test(position: number, size: number, test: PropertyTest): boolean | undefined {
    if (size > windowBytes) return this.testAlone(position, size, test);
    if (position < this.start || position + size > this.start + this.length) {
      this.start = position;
      this.length = 0;
      this.length = this.log.read(this.bytes, 0, windowBytes, position);
      if (this.length < size) return undefined;
    }
    return this.testAt(this.bytes, this.data, position - this.start, size, test);
  }

  private testAlone(position: number, size: number, test: PropertyTest): boolean | undefined {
    const bytes = new Uint8Array(size);
    if (this.log.read(bytes, 0, size, position) < size) return undefined;
    return this.testAt(bytes, viewOf(bytes), 0, size, test);
  }

  private testAt(
    bytes: Uint8Array,
    data: DataView,
    at: number,
    size: number,
    test: PropertyTest,
  ): boolean | undefined {
    const { parts } = this;
    if (parts.locate(data, at, at + size) !== undefined) return undefined;
    return test(bytes, parts.propertiesFrom, parts.propertiesTo);
  }
}
