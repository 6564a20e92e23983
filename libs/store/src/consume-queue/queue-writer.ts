import {
  type Clock,
  type FileSystem,
  type Logger,
  messageOf,
  type Timer,
} from '@nestjs-rocketmq/foundation';
import type { HandlePool } from '../files/handle-pool.js';
import type { StoreOptions } from '../store-options.js';
import type { ConsumeQueue } from './consume-queue.js';
import type { ConsumeQueueTable } from './consume-queue-table.js';
import { slotEntries } from './entry-arena.js';
import { QueueDates } from './queue-dates.js';
import { writeQueueAgain } from './queue-recovery.js';

/** A tick writes at least this many queues, and at most what is over in about a second. */
const leastPerTick = 32;
const ticksPerRound = 50;
const tickMillis = 20;
/** After a write of entries failed, the next attempt. */
const retryMillis = 1000;
/** Syncs under way at a time; the log's own sync shares the pool with them. */
const syncsAtOnce = 2;

export interface QueueWriterParts {
  readonly table: ConsumeQueueTable;
  readonly handles: HandlePool;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When a message was stored. */
  readonly timeAt: (queue: ConsumeQueue, queueOffset: number) => number | undefined;
  /** How long an entry may stay in memory. */
  readonly options: Pick<StoreOptions, 'flushIntervalConsumeQueue'>;
}

/**
 * Brings queue entries from memory to their files, lazily: a slot when it is full, the rest by age.
 * Entries in memory are not lost by a crash, they are rebuilt from the log; so a failing write
 * leaves them where they are and tries again. After a failed sync nobody knows what is on the disk,
 * whatever a later one says, so all that was not durable before is written again.
 */
export class QueueWriter {
  /** Queues with entries in memory, the one that waits longest first. */
  private readonly waiting = new Set<ConsumeQueue>();
  /** Files written since they were last synced, and queues whose files are new. */
  private dirty = new Set<ConsumeQueue>();
  private timer: Timer | undefined;
  private isClosed = false;
  private failure: unknown;
  /** Ends with the last `syncAll`, well or not; undefined when none is under way. */
  private syncing: Promise<void> | undefined;

  private readonly dates: QueueDates;

  constructor(private readonly parts: QueueWriterParts) {
    this.dates = new QueueDates(parts.logger);
  }

  /** Queues that wait to be written. */
  get waitingQueues(): number {
    return this.waiting.size;
  }

  /** Why entries cannot be written at present, or undefined. */
  get problem(): unknown {
    return this.failure;
  }

  /** Takes note of a queue whose log bytes are written; writes its full slots. */
  logged(queue: ConsumeQueue): void {
    if (queue.isDetached) return;
    const full = queue.logged - (queue.logged % slotEntries);
    if (full > queue.written && this.failure === undefined) this.write(queue, full);
    if (queue.written < queue.logged && !this.waiting.has(queue)) this.wait(queue);
  }

  /** Takes note of a queue whose files were changed by recovery. */
  touch(queue: ConsumeQueue): void {
    this.dirty.add(queue);
  }

  forget(queue: ConsumeQueue): void {
    this.waiting.delete(queue);
    this.dirty.delete(queue);
  }

  /**
   * Writes what is in memory and makes all written files durable, a few queues at a time. One after
   * another: who asks while others are at it waits for them, too.
   */
  syncAll(): Promise<void> {
    const before = this.syncing;
    const mine = before === undefined ? this.syncNow() : before.then(() => this.syncNow());
    const ended = mine
      .catch(() => undefined)
      .then(() => {
        if (this.syncing === ended) this.syncing = undefined;
      });
    this.syncing = ended;
    return mine;
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  private async syncNow(): Promise<void> {
    for (const queue of Array.from(this.waiting)) {
      if (!this.write(queue, queue.logged)) throw this.failure;
      if (this.dirty.size >= leastPerTick) await this.syncDirty();
    }
    await this.syncDirty();
  }

  private async syncDirty(): Promise<void> {
    const queues = Array.from(this.dirty);
    this.dirty.clear();
    try {
      for (let at = 0; at < queues.length; at += syncsAtOnce) {
        const group = queues.slice(at, at + syncsAtOnce);
        const ends = await Promise.allSettled(group.map((queue) => this.syncSurely(queue)));
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
      }
    } catch (error) {
      for (const queue of queues) this.dirty.add(queue);
      throw error;
    }
  }

  /** Makes the files of a queue durable; after a failure with what was to be durable then, too. */
  private async syncSurely(queue: ConsumeQueue): Promise<void> {
    const { isDoubtful } = queue;
    queue.isDoubtful = true;
    if (isDoubtful && !queue.isDetached) writeQueueAgain(queue);
    const { written } = queue;
    await this.syncFiles(queue);
    queue.durable = written;
    queue.isDoubtful = false;
  }

  private async syncFiles(queue: ConsumeQueue): Promise<void> {
    const { handles, fileSystem, table } = this.parts;
    const durable = queue.durableSegments;
    const segments = queue.files.all.slice(Math.max(0, durable - 1));
    const count = queue.files.all.length;
    for (const segment of segments) {
      if (queue.isDetached) return;
      await handles.sync(segment.path);
    }
    if (queue.extension !== undefined && !queue.isDetached) await queue.extension.sync();
    if (count <= durable) return;
    for (const folder of table.foldersOf(queue, durable === 0)) {
      if (queue.isDetached) return;
      await fileSystem.syncDirectoryAside(folder);
    }
    queue.durableSegments = count;
  }

  private write(queue: ConsumeQueue, to: number): boolean {
    if (queue.isDetached) return true;
    const before = queue.written;
    try {
      this.dirty.add(queue);
      queue.write(to);
    } catch (error) {
      if (this.failure === undefined) {
        this.parts.logger.error('Queue entries cannot be written; they stay in memory', {
          topic: queue.topic,
          queueId: queue.queueId,
          error: messageOf(error),
        });
      }
      this.failure = error;
      this.arm(retryMillis);
      return false;
    }
    this.failure = undefined;
    this.dates.written(queue, before, this.parts.timeAt);
    if (queue.written < queue.logged) return true;
    this.waiting.delete(queue);
    return true;
  }

  private wait(queue: ConsumeQueue): void {
    queue.waitingSince = this.parts.clock.monotonic();
    this.waiting.add(queue);
    this.arm(this.parts.options.flushIntervalConsumeQueue);
  }

  private arm(ms: number): void {
    if (this.timer !== undefined || this.isClosed) return;
    this.timer = this.parts.clock.after(ms, () => {
      this.timer = undefined;
      this.tick();
    });
  }

  private tick(): void {
    const due = this.parts.clock.monotonic() - this.parts.options.flushIntervalConsumeQueue;
    let left = Math.max(leastPerTick, Math.ceil(this.waiting.size / ticksPerRound));
    for (const queue of this.waiting) {
      if (queue.waitingSince > due) return this.arm(Math.max(tickMillis, queue.waitingSince - due));
      if (left === 0) return this.arm(tickMillis);
      left -= 1;
      if (!this.write(queue, queue.logged)) return;
      this.waiting.delete(queue);
    }
  }
}
