import { join } from 'node:path';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { StoreCorruptError } from '../store.errors.js';
import type { HandlePool } from './handle-pool.js';

/** One file of a sequence. */
export interface Segment {
  /** Position of its first byte in the sequence; its name, too. */
  readonly start: number;
  readonly path: string;
}

const nameDigits = 20;

/** The file name of a position: 20 decimal digits. */
export function segmentName(start: number): string {
  return String(start).padStart(nameDigits, '0');
}

/**
 * Files of one size end to end under one growing position; a file is named for the position of its
 * first byte. A new file is full of zeros (a hole), and what lies behind the written part stays
 * zero: `cut` sees to that, because readers take the first zeros for the end.
 */
export class SegmentSequence {
  private segments: Segment[] = [];

  constructor(
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
    readonly directory: string,
    readonly segmentSize: number,
  ) {}

  /** First position that exists. */
  get start(): number {
    return this.segments[0]?.start ?? 0;
  }

  /** One past the last position that exists. */
  get end(): number {
    const last = this.segments.at(-1);
    return last === undefined ? 0 : last.start + this.segmentSize;
  }

  get isEmpty(): boolean {
    return this.segments.length === 0;
  }

  get all(): readonly Segment[] {
    return this.segments;
  }

  /**
   * Finds the files. An empty last file is left from a crash in the middle of its making and is
   * removed. Files that follow a gap or have a wrong size: `refuse` throws `StoreCorruptError`,
   * `remove` removes them and all behind them, for what can be made again from the log; `skip` leaves
   * all as it is, and what does not fit is not seen.
   *
   * After a crash a file that is too short is one whose `cut` did not get to its end, provided that
   * it has everything below `needed`, which was never to be cut. It gets its size back, and what is
   * behind it goes: it is from before the cut, or was not durable without this file.
   */
  load(broken: 'refuse' | 'remove' | 'skip', needed?: number): void {
    const found = this.fileSystem
      .list(this.directory)
      .filter((name) => name.length === nameDigits && /^\d+$/.test(name))
      .map((name) => ({ start: Number(name), path: join(this.directory, name) }))
      .filter((segment) => !this.fileSystem.isDirectory(segment.path));
    if (needed !== undefined) this.finishCut(found, needed);
    const last = found.at(-1);
    if (last !== undefined && this.fileSystem.size(last.path) === 0) {
      if (broken !== 'skip') this.fileSystem.remove(last.path);
      found.pop();
    }
    const fault = found.findIndex(
      (segment, i) => this.faultOf(segment, found[i - 1]) !== undefined,
    );
    if (fault >= 0 && broken === 'refuse') {
      const sentence = this.faultOf(found[fault] as Segment, found[fault - 1]);
      throw new StoreCorruptError(`${found[fault]?.path}: ${sentence}`, {
        details: { path: found[fault]?.path },
      });
    }
    for (const segment of fault < 0 ? [] : found.splice(fault)) {
      if (broken === 'remove') this.fileSystem.remove(segment.path);
    }
    this.segments = found;
  }

  has(path: string): boolean {
    return this.segments.some((segment) => segment.path === path);
  }

  /** The file that holds a position, or undefined. */
  segmentAt(position: number): Segment | undefined {
    return this.segments[Math.floor((position - this.start) / this.segmentSize)];
  }

  /** Adds the file that starts at `start`: the end of the last one, or anywhere when empty. */
  add(start: number): Segment {
    if (this.isEmpty) this.fileSystem.makeDirectory(this.directory);
    const segment = { start, path: join(this.directory, segmentName(start)) };
    this.handles.create(segment.path, this.segmentSize);
    this.segments.push(segment);
    return segment;
  }

  /** Reads up to `length` bytes, across files; answers how many there were. */
  read(into: Uint8Array, at: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const segment = this.segmentAt(position + done);
      if (segment === undefined) break;
      const offset = position + done - segment.start;
      const part = Math.min(length - done, this.segmentSize - offset);
      const count = this.handles.get(segment.path).readAt(into, at + done, part, offset);
      done += count;
      if (count < part) break;
    }
    return done;
  }

  /** Writes bytes that lie in existing files, across files if need be; answers nothing or throws. */
  write(from: Uint8Array, at: number, length: number, position: number): void {
    let done = 0;
    while (done < length) {
      const segment = this.segmentAt(position + done) as Segment;
      const offset = position + done - segment.start;
      const part = Math.min(length - done, this.segmentSize - offset);
      this.handles.get(segment.path).writeAt(from, at + done, part, offset);
      done += part;
    }
  }

  /** Says when the file that holds a position was changed last. */
  setModified(position: number, time: number): void {
    const segment = this.segmentAt(position) as Segment;
    this.handles.get(segment.path).setModified(time);
  }

  /**
   * Makes zeros of everything from `position` on. Files behind are removed; a first file that
   * starts exactly there stays and is emptied, since its name holds the position.
   *
   * Whatever of this fails or is lost with the power: at worst a file is too short and files behind
   * it are back, and `load` knows that.
   */
  cut(position: number): void {
    for (let last = this.segments.at(-1); last !== undefined; last = this.segments.at(-1)) {
      const isOnly = this.segments.length === 1;
      if (last.start < position || (isOnly && last.start === position)) break;
      this.removeLast();
    }
    const last = this.segments.at(-1);
    if (last === undefined || position >= this.end) return;
    const handle = this.handles.get(last.path);
    handle.truncate(position - last.start);
    handle.truncate(this.segmentSize);
  }

  /** Removes the first file. */
  removeFirst(): void {
    const first = this.segments[0];
    if (first === undefined) return;
    this.fileSystem.remove(first.path);
    this.handles.drop(first.path);
    this.segments.shift();
  }

  /** Removes the last file. */
  removeLast(): void {
    const last = this.segments.pop();
    if (last === undefined) return;
    this.handles.drop(last.path);
    this.fileSystem.remove(last.path);
  }

  /** Removes all files, and the folder with them. */
  removeAll(): void {
    for (const segment of this.segments) this.handles.drop(segment.path);
    this.segments = [];
    this.fileSystem.remove(this.directory);
  }

  /** Goes on with a cut where it was interrupted, see `load`. */
  private finishCut(found: Segment[], needed: number): void {
    const number = found.findIndex(({ path }) => this.fileSystem.size(path) !== this.segmentSize);
    const short = found[number];
    if (short === undefined) return;
    const { start, path } = short;
    const size = this.fileSystem.size(path);
    const next = found[number + 1];
    // Files of another size follow each other in steps of that size.
    const isOurs = [start, next?.start ?? 0].every((at) => at % this.segmentSize === 0);
    if (!isOurs || size >= this.segmentSize) return;
    // An empty file may be one in the making, unless its name or that of the next says otherwise.
    const wasMade = size > 0 || next !== undefined || (number === 0 && start > 0);
    if (!wasMade || start + size < needed) return;
    for (const segment of found.splice(number + 1).toReversed())
      this.fileSystem.remove(segment.path);
    this.handles.get(path).truncate(this.segmentSize);
  }

  private faultOf(segment: Segment, before: Segment | undefined): string | undefined {
    const size = this.fileSystem.size(segment.path);
    if (size !== this.segmentSize) {
      return (
        `the file has ${size} bytes, but files of this store are set to ${this.segmentSize}; set ` +
        'the option for the file size to what the store was made with.'
      );
    }
    if (before !== undefined && before.start + this.segmentSize !== segment.start) {
      return `the file does not follow ${before.path}; a file between them is missing.`;
    }
    return undefined;
  }
}
