import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { blankBytes, blankMagic } from '@nestjs-rocketmq/message';
import type { HandlePool } from '../files/handle-pool.js';
import { type Segment, SegmentSequence } from '../files/segment-sequence.js';

const firstStaging = 256 * 1024;
/** Beyond this much a turn is written in several parts. */
const largestStaging = 4 * 1024 * 1024;
/** The next file is made when one part in so many of the active one is left. */
const preparedPart = 16;

export interface CommitLogParts {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  readonly directory: string;
  readonly segmentSize: number;
}

/**
 * The log of all messages in order of arrival.
 *
 * Three positions, each not greater than the next: `durable` (synced), `written` (given to the
 * system at the end of a turn) and `appended` (in the staging buffer, or written within this turn).
 */
export class CommitLog {
  readonly files: SegmentSequence;
  /** Where records are encoded; offsets by `stagingOffset`. Changes when it grows. */
  staging = new Uint8Array(firstStaging);
  data = new DataView(this.staging.buffer);
  written = 0;
  durable = 0;
  private staged = 0;
  /** Log position of the first staged byte. */
  private stagedFrom = 0;
  private readonly unsynced = new Set<string>();
  /** Records up to here fit into the active file, which is there; 0 when that is not known. */
  private roomUntil = 0;
  private preparing: Promise<void> | undefined;
  private isPrepared = false;
  /** The file that was made ahead is found after a power failure, with its size. */
  private isPreparedSafely = false;

  constructor(private readonly parts: CommitLogParts) {
    const { fileSystem, handles, directory, segmentSize } = parts;
    this.files = new SegmentSequence(fileSystem, handles, directory, segmentSize);
  }

  /** First position that still exists. */
  get start(): number {
    return this.files.start;
  }

  /** Where the next record goes. */
  get appended(): number {
    return this.stagedFrom + this.staged;
  }

  get stagingOffset(): number {
    return this.staged;
  }

  /** Bytes that a record can have at most: the rest of a file is closed with a blank. */
  get longestRecord(): number {
    return this.files.segmentSize - blankBytes;
  }

  /** Continues at `end`; everything behind was cut. */
  restore(end: number): void {
    this.stagedFrom = end;
    this.staged = 0;
    this.roomUntil = 0;
    this.written = end;
    this.durable = end;
    this.isPrepared = this.files.end > this.activeEnd(end);
    this.isPreparedSafely = false;
  }

  /** Makes room for a record of `size` bytes, in the file and in the buffer. May write; may throw. */
  reserve(size: number): void {
    if (this.stagedFrom + this.staged + size > this.roomUntil) this.makeRoom(size);
    if (this.staged + size <= this.staging.length) return;
    if (this.staged + size > largestStaging) this.writeStaged();
    if (this.staged + size > this.staging.length) this.grow(this.staged + size);
  }

  /** Takes the record that was encoded at `stagingOffset`. */
  take(size: number): void {
    this.staged += size;
  }

  /** Writes everything staged. After a failure, `rewind` must be called. */
  write(): void {
    this.writeStaged();
    this.written = this.stagedFrom;
  }

  /** Takes back everything since the last `write` that went well. Throws when the disk refuses. */
  rewind(): void {
    this.staged = 0;
    this.roomUntil = 0;
    this.stagedFrom = this.written;
    if (!this.files.isEmpty) this.files.cut(this.written);
    this.isPrepared = false;
  }

  /**
   * Makes what is written durable and answers up to where. Files that are done with are synced too.
   */
  async sync(): Promise<number> {
    const target = this.written;
    const paths = [...this.unsynced];
    this.unsynced.clear();
    try {
      await this.preparing;
      for (const path of paths) {
        // A failed turn may have taken its file back meanwhile.
        if (this.files.has(path)) await this.parts.handles.sync(path);
      }
    } catch (error) {
      for (const path of paths) this.unsynced.add(path);
      throw error;
    }
    return target;
  }

  /**
   * Writes what stands from `position` on once more, for opening only. After a sync has failed the
   * system takes what it did not write for written; a later sync would say that all is well.
   */
  writeAgain(position: number): void {
    for (let at = Math.max(position, this.start); at < this.written;) {
      const left = this.activeEnd(at) - at;
      const count = Math.min(left, this.written - at, this.staging.length);
      const read = this.read(this.staging, 0, count, at);
      if (read > 0) this.files.write(this.staging, 0, read, at);
      at += count;
    }
  }

  /** Makes the files from `position` on durable, blocking; for opening only. */
  syncFrom(position: number): void {
    for (const segment of this.files.all) {
      if (segment.start + this.files.segmentSize <= position) continue;
      this.parts.handles.get(segment.path).syncNow();
    }
    this.parts.fileSystem.syncDirectory(this.files.directory);
  }

  /**
   * Makes the file after the active one shortly before that is full, so that rolling does not wait
   * for the disk. Not sooner, since a crash leaves it behind, and a Java 4.9.7 broker on JDK 16 or
   * later cannot remove an empty file ahead (its own neither) without `--add-opens`. A failure is
   * left to the roll that needs the file.
   */
  prepareNext(): void {
    if (this.isPrepared || this.preparing !== undefined || this.files.isEmpty) return;
    if (this.leftInSegment() > this.files.segmentSize / preparedPart) return;
    this.preparing = this.makeNext()
      .catch(() => undefined)
      .finally(() => (this.preparing = undefined));
  }

  /** Waits for a file that is being made. */
  async settle(): Promise<void> {
    await this.preparing;
  }

  /** Removes a file that was made ahead and not used; only after all is written. */
  removePrepared(): void {
    while (this.files.all.length > 1 && this.files.end > this.activeEnd(this.written)) {
      this.files.removeLast();
    }
    this.isPrepared = false;
  }

  /** Reads written bytes; answers how many there were. */
  read(into: Uint8Array, at: number, length: number, position: number): number {
    const wanted = Math.min(length, this.written - position);
    if (wanted <= 0 || position < this.start) return 0;
    return this.files.read(into, at, wanted, position);
  }

  private async makeNext(): Promise<void> {
    const segment = this.files.add(this.files.end);
    this.isPrepared = true;
    this.isPreparedSafely = false;
    await this.parts.handles.sync(segment.path);
    await this.parts.fileSystem.syncDirectoryAside(this.files.directory);
    this.isPreparedSafely = this.isPrepared;
  }

  /** The slow part of `reserve`: once per file, or after something went back. */
  private makeRoom(size: number): void {
    this.roomUntil = 0;
    if (this.files.isEmpty || this.files.end <= this.appended) this.addSegment(this.appended);
    const left = this.leftInSegment();
    if (size + blankBytes > left) this.roll(left);
    this.roomUntil = this.activeEnd(this.appended) - blankBytes;
  }

  /** Closes the active file with a blank and goes on in the next one. */
  private roll(left: number): void {
    if (this.staged + blankBytes > this.staging.length) this.writeStaged();
    this.data.setInt32(this.staged, left);
    this.data.setInt32(this.staged + 4, blankMagic);
    this.staged += blankBytes;
    this.writeStaged();
    this.stagedFrom += left - blankBytes;
    if (this.files.end <= this.stagedFrom) this.addSegment(this.stagedFrom);
    else if (!this.isPreparedSafely)
      this.syncMade(this.files.segmentAt(this.stagedFrom) as Segment);
    this.isPrepared = false;
    this.isPreparedSafely = false;
  }

  private addSegment(start: number): void {
    this.syncMade(this.files.add(start));
  }

  /** A file must be found after a crash before it holds anything that counts. */
  private syncMade(segment: Segment): void {
    this.parts.handles.get(segment.path).syncNow();
    this.parts.fileSystem.syncDirectory(this.files.directory);
  }

  private writeStaged(): void {
    if (this.staged === 0) return;
    const segment = this.files.segmentAt(this.stagedFrom);
    this.files.write(this.staging, 0, this.staged, this.stagedFrom);
    if (segment !== undefined) this.unsynced.add(segment.path);
    this.stagedFrom += this.staged;
    this.staged = 0;
  }

  private grow(least: number): void {
    let size = this.staging.length;
    while (size < least) size *= 2;
    const staging = new Uint8Array(size);
    staging.set(this.staging.subarray(0, this.staged));
    this.staging = staging;
    this.data = new DataView(staging.buffer);
  }

  private leftInSegment(): number {
    return this.activeEnd(this.appended) - this.appended;
  }

  /** End of the file that a record at `position` goes into. */
  private activeEnd(position: number): number {
    const { segmentSize } = this.files;
    const offset = (position - this.start) % segmentSize;
    return position - offset + segmentSize;
  }
}
