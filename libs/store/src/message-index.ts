import { basename, join } from 'node:path';
import { type Clock, type FileSystem, type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { type RecordDraft, SysFlag } from '@nestjs-rocketmq/message';
import type { ScannedRecord } from './commit-log/recovery.js';
import { TopicTexts } from './commit-log/topic-texts.js';
import { HandlePool } from './files/handle-pool.js';
import { indexFileName, indexFileTime } from './formats/index-layout.js';
import { IndexFile, indexFileBytes, type IndexSizes } from './key-index/index-file.js';
import { loadIndex } from './key-index/index-recovery.js';
import { keyHash, topicSeed } from './key-index/key-hash.js';
import { StagedKeys } from './key-index/staged-keys.js';

const openFiles = 64;
/** So many keys are put into the file together: waiting for memory overlaps then. */
const keysAtOnce = 1024;

export interface MessageIndexParts {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly directory: string;
  readonly sizes: IndexSizes;
  /** Without, files that are there are searched, and nothing is added. */
  readonly isEnabled: boolean;
}

/** Which messages a search wants. */
export interface KeySearch {
  readonly topic: string;
  readonly key: string;
  /** Store times, both included. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Finds messages by key: of each record, its unique key and each of its keys lead to its position.
 *
 * Keys are staged as hashes when a message is taken in, and put into the newest file in groups,
 * once the log has their records. What a crash takes is made again from the log. When the files
 * cannot be written, no more is added until the next start, which makes up for it.
 */
export class MessageIndex {
  private readonly handles: HandlePool;
  private files: IndexFile[] = [];
  private readonly staged = new StagedKeys();
  private isStopped: boolean;
  /** While the store is opened: records below are in the index. */
  private from = 0;
  private readonly topics = new TopicTexts();
  private seedTopic = '';
  private seed = 0;

  constructor(private readonly parts: MessageIndexParts) {
    this.handles = new HandlePool(parts.fileSystem, openFiles);
    this.isStopped = !parts.isEnabled;
  }

  /** Whether keys are added. */
  get isOn(): boolean {
    return !this.isStopped;
  }

  /** Log position of the last record that has a key in the index. */
  get endPosition(): number {
    return this.files.at(-1)?.header.endPosition ?? 0;
  }

  /** Store time of that record. */
  get endTime(): number {
    return this.files.at(-1)?.header.endTime ?? 0;
  }

  /** Bytes of all files, as they would be without holes. */
  get bytes(): number {
    return this.files.length * indexFileBytes(this.parts.sizes);
  }

  /** Takes in the keys of a message; `seed` is the `topicSeed` of its topic. */
  stage(seed: number, draft: RecordDraft, position: number, time: number): void {
    if (this.isStopped) return;
    if (!isRolledBack(draft.sysFlag)) this.staged.addDraft(seed, draft, position, time);
    this.staged.reach(position, time);
  }

  /** The log has all that was staged. */
  turnWritten(): void {
    this.staged.keep();
    if (this.staged.logged >= keysAtOnce) this.settle();
  }

  /** The log has nothing of what was staged in this turn. */
  turnFailed(): void {
    this.staged.drop();
  }

  /** Finds the files. Answers the log position from which records have to be shown to `follow`. */
  load(wasAborted: boolean, completeTime: number): number {
    const { handles, parts } = this;
    const { files, from } = loadIndex({ ...parts, handles }, wasAborted, completeTime);
    this.files = files;
    this.from = from;
    return this.isStopped ? Number.MAX_SAFE_INTEGER : this.endPosition;
  }

  /** Puts the keys of a record that stands in the log, unless they are there. */
  follow(record: ScannedRecord): void {
    const { logPosition, storeTime } = record;
    if (this.isStopped || logPosition < this.from) return;
    if (!isRolledBack(record.sysFlag)) this.addRecord(record);
    this.staged.reach(logPosition, storeTime);
    this.turnWritten();
  }

  private addRecord(record: ScannedRecord): void {
    const { bytes, topicFrom, topicTo } = record;
    const topic = this.topics.of(bytes, topicFrom, topicTo);
    if (topic !== this.seedTopic) {
      this.seedTopic = topic;
      this.seed = topicSeed(topic);
    }
    this.staged.addRecord(this.seed, record);
  }

  /** The log ends here: nothing may lead behind it. */
  cut(logEnd: number): void {
    this.settle();
    this.reachLast();
    const before = this.files.length;
    while (this.endPosition >= logEnd && this.files.length > 0) {
      const last = this.files.at(-1) as IndexFile;
      if (last.header.beginPosition < logEnd) {
        last.rebuild(logEnd);
        last.flushNow();
        break;
      }
      this.files.pop();
      this.removeFile(last);
    }
    // A file that came back after a power failure would claim to have the keys of what is new here.
    const { fileSystem, directory } = this.parts;
    if (this.files.length < before) fileSystem.syncDirectory(directory);
  }

  /**
   * Log positions of the records that may have a key, newest first, until `found` answers false.
   * Another key can have the same hash, so whoever asks looks at the record.
   */
  search(wanted: KeySearch, found: (position: number) => boolean): void {
    this.settle();
    const hash = keyHash(wanted.topic, wanted.key);
    let goesOn = true;
    const each = (position: number): boolean => (goesOn = found(position));
    for (let i = this.files.length - 1; i >= 0 && goesOn; i -= 1) {
      const file = this.files[i] as IndexFile;
      if (!file.covers(wanted.begin, wanted.end)) continue;
      const fault = file.select({ hash, begin: wanted.begin, end: wanted.end }, each);
      if (fault === undefined) continue;
      this.parts.logger.warn(
        'An index file is damaged; remove it while the broker is down, and it is made again',
        { path: file.path, fault },
      );
    }
  }

  /**
   * Makes everything durable. `beforeEnd` is called before a file claims to be complete up to a
   * time: the checkpoint has to claim it first, since Java removes files that are ahead of it.
   * After a failed sync no more is added, and the next start goes on from the last end that is durable.
   */
  async flush(beforeEnd: (time: number) => void): Promise<void> {
    this.settle();
    this.reachLast();
    for (const file of Array.from(this.files)) {
      if (this.isStopped) return;
      try {
        await file.flush(beforeEnd);
      } catch (error) {
        if (!file.isDoubtful) throw error;
        this.stop(error);
      }
    }
  }

  /** Removes files whose records are gone from the log; the newest one stays. Answers how many. */
  removeBefore(logStart: number): number {
    let count = 0;
    while (this.files.length > 1) {
      const first = this.files[0] as IndexFile;
      if (first.header.endPosition >= logStart || !first.isSettled) break;
      this.files.shift();
      this.removeFile(first);
      count += 1;
    }
    return count;
  }

  close(): void {
    this.handles.close();
  }

  /** The newest file says that also the last records, which may have no keys, are in it. */
  private reachLast(): void {
    const { position, time } = this.staged.last;
    if (this.isStopped || time === 0) return;
    try {
      (this.files.at(-1) ?? this.addFile(undefined)).reach(position, time);
    } catch (error) {
      this.stop(error);
    }
  }

  /** Puts what is staged into the newest file. */
  private settle(): void {
    const { staged } = this;
    if (staged.logged === 0 || this.isStopped) return;
    const { hashes, positions, times, logged, count } = staged;
    try {
      let file = this.files.at(-1);
      for (let i = 0; i < logged; i += 1) {
        if (file === undefined || file.isFull) file = this.addFile(file);
        file.put(hashes[i] as number, positions[i] as number, times[i] as number);
      }
    } catch (error) {
      return this.stop(error);
    }
    staged.moveUp(logged, count);
  }

  private addFile(before: IndexFile | undefined): IndexFile {
    const { fileSystem, clock, directory, sizes } = this.parts;
    if (before === undefined) fileSystem.makeDirectory(directory);
    before?.release();
    // Names are the order of the files, also when the clock was set back.
    const least = before === undefined ? 0 : indexFileTime(basename(before.path)) + 1;
    const path = join(directory, indexFileName(Math.max(clock.now(), least)));
    const file = IndexFile.create(this.handles, path, sizes, before?.header);
    fileSystem.syncDirectory(directory);
    this.files.push(file);
    return file;
  }

  private stop(error: unknown): void {
    this.isStopped = true;
    this.staged.count = 0;
    this.staged.logged = 0;
    const fields = { error: messageOf(error) };
    this.parts.logger.error(
      'The key index cannot be written; new messages are found by key after the next start',
      fields,
    );
  }

  private removeFile(file: IndexFile): void {
    this.handles.drop(file.path);
    this.parts.fileSystem.remove(file.path);
  }
}

function isRolledBack(sysFlag: number): boolean {
  return (sysFlag & SysFlag.TRANSACTION_ROLLBACK) === SysFlag.TRANSACTION_ROLLBACK;
}
