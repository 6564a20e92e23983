import type { Span } from '@nestjs-rocketmq/foundation';
import type { CommitLog } from './commit-log/commit-log.js';
import type { Found } from './found.js';
import { StoreCorruptError } from './store.errors.js';

/** A gap up to this size is read over: cheaper than a second read. */
const widestGap = 22 * 1024;
/** Records with gaps between them are read through this much memory. */
const scratchBytes = 1024 * 1024;
/** What is kept of the log grows to this size, while readers go on side by side. */
const keptBytes = 256 * 1024;

/**
 * Reads the records of a search, neighbours together.
 *
 * Queues of one topic lie between each other in the log, and whoever reads them all asks for the same
 * part of it once for each queue: what was read last is kept, and only what is new is read. That is
 * safe because it ends with a record that consumers see: such bytes never change.
 */
export class SpanReader {
  private scratch: Uint8Array | undefined;
  /** What part of the log `scratch` has. */
  private keptFrom = 0;
  private keptTo = 0;

  constructor(private readonly log: Pick<CommitLog, 'read'>) {}

  /** Copies the records of `found` into `into`, which has at least `found.bytes` bytes. */
  read(found: Found, into: Span): void {
    let to = into.from;
    for (let first = 0; first < found.count;) {
      const last = lastOfSpan(found, first);
      to = this.readSpan(found, first, last, into, to);
      first = last + 1;
    }
  }

  private readSpan(found: Found, first: number, last: number, into: Span, at: number): number {
    const { positions, sizes } = found;
    const start = positions[first] as number;
    const length = (positions[last] as number) + (sizes[last] as number) - start;
    let bytes = 0;
    for (let i = first; i <= last; i += 1) bytes += sizes[i] as number;
    if (bytes === length) {
      if (this.log.read(into.bytes, at, length, start) < length) throw unreadable(start, length);
    } else this.copyRecords(found, first, last, into, at);
    let to = at;
    for (let i = first; i <= last; i += 1) {
      const size = sizes[i] as number;
      if (into.data.getInt32(to) !== size) {
        throw corrupt(`No record of ${size} bytes stands at log position ${positions[i]}`);
      }
      to += size;
    }
    return to;
  }

  /** Through the scratch memory, because of the gaps. */
  private copyRecords(found: Found, first: number, last: number, into: Span, at: number): void {
    const { positions, sizes } = found;
    const start = positions[first] as number;
    const scratch = this.keep(start, (positions[last] as number) + (sizes[last] as number));
    const base = this.keptFrom;
    let to = at;
    for (let i = first; i <= last; i += 1) {
      const from = (positions[i] as number) - base;
      const size = sizes[i] as number;
      into.bytes.set(scratch.subarray(from, from + size), to);
      to += size;
    }
  }

  /** The scratch memory with this part of the log. */
  private keep(start: number, end: number): Uint8Array {
    const scratch = (this.scratch ??= new Uint8Array(scratchBytes));
    const goesOn =
      start >= this.keptFrom && start <= this.keptTo && end - this.keptFrom <= keptBytes;
    if (!goesOn) this.keptFrom = this.keptTo = start;
    else if (end <= this.keptTo) return scratch;
    const missing = end - this.keptTo;
    if (this.log.read(scratch, this.keptTo - this.keptFrom, missing, this.keptTo) < missing) {
      this.keptTo = this.keptFrom;
      throw unreadable(start, end - start);
    }
    this.keptTo = end;
    return scratch;
  }
}

/** The last record that is read together with `first`: near enough, and not too much in all. */
function lastOfSpan(found: Found, first: number): number {
  const { positions, sizes } = found;
  const start = positions[first] as number;
  let end = start + (sizes[first] as number);
  let last = first;
  while (last + 1 < found.count) {
    const position = positions[last + 1] as number;
    const gap = position - end;
    const next = position + (sizes[last + 1] as number);
    if (gap < 0 || gap > widestGap) break;
    // Without a gap nothing has to go through the scratch memory.
    if (next - start > scratchBytes) break;
    end = next;
    last += 1;
  }
  return last;
}

function unreadable(position: number, bytes: number): StoreCorruptError {
  return corrupt(`${bytes} bytes at log position ${position} cannot be read`);
}

function corrupt(what: string): StoreCorruptError {
  return new StoreCorruptError(`${what}: queue and log do not fit each other.`, { details: {} });
}
