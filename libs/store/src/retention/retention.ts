import {
  type Clock,
  type FileSystem,
  type Logger,
  messageOf,
  type Timer,
} from '@nestjs-rocketmq/foundation';
import type { CommitLog } from '../commit-log/commit-log.js';
import { storeTimeOf } from '../commit-log/recovery.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueTable } from '../consume-queue/consume-queue-table.js';
import type { QueueWriter } from '../consume-queue/queue-writer.js';
import { trimExtension } from '../consume-queue-extension/extension-recovery.js';
import { correctMin } from '../consume-queue/queue-recovery.js';
import type { StoreDirectory } from '../files/store-directory.js';
import { entryBytes, type QueueEntry } from '../formats/consume-queue-entry.js';
import type { MessageIndex } from '../message-index.js';
import type { StoreOptions } from '../store-options.js';
import { type OldFile, planRetention, type RetentionPlan, usedPart } from './retention-plan.js';

/** The first look, as in Java: a start is not the moment to remove anything. */
const firstLook = 60_000;
const hourMillis = 3_600_000;
/** How many rounds a request to remove lasts. */
const askedRounds = 20;
/** So many queues are looked through before others have their turn. */
const queuesAtOnce = 100;
const pauseMillis = 1;

export interface RetentionParts {
  readonly fileSystem: FileSystem;
  readonly directory: StoreDirectory;
  readonly log: CommitLog;
  readonly queues: ConsumeQueueTable;
  readonly writer: QueueWriter;
  readonly index: MessageIndex;
  /** Read anew in every round. */
  readonly options: StoreOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Removes what is too old, or what there is no room for: log files first by decision, then, in this
 * order, the queues say that their oldest messages are gone, the log files go, and the files of
 * queues and index that lead only to them. So a consumer never meets a message that is half there.
 */
export class Retention {
  private timer: Timer | undefined;
  private roundsAsked = 0;
  private isFull = false;
  private isAtWork = false;
  private isClosed = false;
  /** The log's start when queues and index were last brought in line with it. */
  private settledAt: number;

  constructor(
    private readonly parts: RetentionParts,
    /** Told when the disk becomes too full for messages, and when it no longer is. */
    private readonly onFull: (isFull: boolean) => void,
  ) {
    this.settledAt = parts.log.start;
    this.arm(firstLook);
  }

  /** Removes expired files now, at any hour, and goes on with it for a while. */
  ask(): void {
    this.roundsAsked = askedRounds;
    if (!this.isAtWork) this.round();
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  private arm(ms: number): void {
    if (this.isClosed) return;
    this.timer?.cancel();
    this.timer = this.parts.clock.after(ms, () => this.round());
  }

  private round(): void {
    this.arm(this.parts.options.cleanResourceInterval);
    if (this.isAtWork || this.isClosed) return;
    let plan: RetentionPlan;
    try {
      plan = this.plan();
    } catch (error) {
      return this.warn('The use of the disk cannot be read', error);
    }
    if (this.roundsAsked > 0) this.roundsAsked -= 1;
    this.tellFull(plan.isFull);
    const { newStart, reason, count } = plan;
    if (newStart === undefined) {
      if (reason?.startsWith('disk') === true) {
        this.parts.logger.warn('The disk is filling up, and no log file may be removed yet');
      }
      return;
    }
    this.parts.logger.info('Removing old log files', { count, reason, newStart });
    this.isAtWork = true;
    this.remove(newStart)
      .catch((error: unknown) => this.warn('Old files could not be removed', error))
      .finally(() => (this.isAtWork = false));
  }

  private plan(): RetentionPlan {
    const { options, clock, fileSystem, directory } = this.parts;
    const now = clock.now();
    return planRetention(
      { ...options, reservedTime: options.fileReservedTime * hourMillis },
      {
        now,
        hour: new Date(now).getHours(),
        logUse: usedPart(fileSystem.diskUse(directory.commitLog)),
        queueUse: usedPart(fileSystem.diskUse(directory.consumeQueues)),
        isAsked: this.roundsAsked > 0,
        files: this.oldFiles(),
      },
    );
  }

  /** All files but the one that is written; a file that was made ahead does not count. */
  private *oldFiles(): Iterable<OldFile> {
    const { log } = this.parts;
    const { files } = log;
    const reader = {
      segmentSize: files.segmentSize,
      start: files.start,
      end: log.written,
      read: (into: Uint8Array, at: number, length: number, position: number) =>
        log.read(into, at, length, position),
    };
    for (const segment of Array.from(files.all)) {
      const end = segment.start + files.segmentSize;
      // Only what is durable behind it shows that it is done with.
      if (end >= log.durable) return;
      yield { end, youngerThan: storeTimeOf(reader, end) };
    }
  }

  private async remove(newStart: number): Promise<void> {
    const { log, index, options, fileSystem, writer } = this.parts;
    // Nobody could tell the next offset of a queue whose entries were lost after their messages.
    await writer.syncAll();
    await this.eachQueue((queue) => {
      correctMin(queue, newStart);
      queue.min = Math.min(queue.min, queue.visible);
      return false;
    });
    while (log.start < newStart && !this.isClosed) {
      log.files.removeFirst();
      if (log.start < newStart) await this.pause(options.deleteCommitLogFilesInterval);
    }
    if (this.isClosed || log.start === this.settledAt) return;
    await fileSystem.syncDirectoryAside(log.files.directory);
    await this.eachQueue((queue) => removeOldFiles(queue, log.start));
    if (this.isClosed) return;
    this.settledAt = log.start;
    index.removeBefore(log.start);
  }

  /** Shows each queue to `step`, others in between; a longer pause where `step` removed a file. */
  private async eachQueue(step: (queue: ConsumeQueue) => boolean): Promise<void> {
    let count = 0;
    for (const queue of Array.from(this.parts.queues.all())) {
      if (this.isClosed) return;
      if (queue.isDetached) continue;
      const removed = step(queue);
      count += 1;
      if (removed) await this.pause(this.parts.options.deleteConsumeQueueFilesInterval);
      else if (count % queuesAtOnce === 0) await this.pause(pauseMillis);
    }
  }

  private pause(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => this.parts.clock.after(ms, resolve));
  }

  private tellFull(isFull: boolean): void {
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    if (isFull) {
      this.parts.logger.error('The disk is nearly full; messages are refused until there is room');
    } else this.parts.logger.info('There is room on the disk again');
    this.onFull(isFull);
  }

  private warn(sentence: string, error: unknown): void {
    this.parts.logger.warn(sentence, { error: messageOf(error) });
  }
}

const entry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };

/** Removes the files of a queue whose last entry leads before the log; never the newest. */
function removeOldFiles(queue: ConsumeQueue, logStart: number): boolean {
  const { files } = queue;
  const perFile = files.segmentSize / entryBytes;
  let isAny = false;
  while (files.all.length > 1) {
    const last = files.start / entryBytes + perFile - 1;
    if (last >= queue.written || !queue.entryAt(last, entry) || entry.position >= logStart) break;
    files.removeFirst();
    queue.durableSegments = Math.max(0, queue.durableSegments - 1);
    isAny = true;
  }
  return trimExtension(queue) || isAny;
}
