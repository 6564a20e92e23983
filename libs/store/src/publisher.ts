import {
  type Clock,
  type Logger,
  messageOf,
  type Timer,
  type Turn,
} from '@nestjs-rocketmq/foundation';
import type { CommitLog } from './commit-log/commit-log.js';
import { Flusher } from './commit-log/flusher.js';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import type { ConsumeQueueTable } from './consume-queue/consume-queue-table.js';
import { censusOf } from './consume-queue/queue-census.js';
import type { QueueWriter } from './consume-queue/queue-writer.js';
import type { StoreDirectory } from './files/store-directory.js';
import type { MessageIndex } from './message-index.js';
import type { Checkpoint } from './formats/checkpoint-layout.js';
import type { GateListener, StoreGate } from './gate.js';
import { StoreClosedError } from './store.errors.js';
import type { StoreOptions } from './store-options.js';

/** Messages of a queue became visible: those from `from` up to, not including, `to`. */
export type QueueArrival = (queue: ConsumeQueue, from: number, to: number) => void;

export interface PublisherParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueueTable;
  readonly writer: QueueWriter;
  readonly index: MessageIndex;
  readonly directory: StoreDirectory;
  readonly checkpoint: Checkpoint;
  readonly options: StoreOptions;
  readonly lastStoreTime: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly onFailed: (error: unknown) => void;
}

/**
 * What happens to messages after they were taken in: when their queues show them, when they are
 * durable, and what the checkpoint may claim.
 *
 * ASYNC_FLUSH shows them after the write of their turn; SYNC_FLUSH after the sync of their epoch.
 */
export class Publisher implements StoreGate {
  readonly waits: boolean;
  private readonly flusher: Flusher;
  private readonly arrivals: QueueArrival[] = [];
  private readonly gateListeners: GateListener[] = [];
  /** Queues with entries of this turn. */
  private staged: ConsumeQueue[] = [];
  private spare: ConsumeQueue[] = [];
  /** Queues whose messages are written: to be shown, or to join the next epoch. */
  private written: ConsumeQueue[] = [];
  private gathering = new Set<ConsumeQueue>();
  private closing = new Set<ConsumeQueue>();
  /** Store time of the last message that is written, that the sync under way covers, durable. */
  private writtenTime: number;
  private closingTime: number;
  private durableTime: number;
  private checkpointTimer: Timer | undefined;
  private checkpointing: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly parts: PublisherParts) {
    const { log, clock, turn, options } = parts;
    this.waits = options.flushDiskType === 'SYNC_FLUSH';
    this.writtenTime = parts.lastStoreTime;
    this.closingTime = parts.lastStoreTime;
    this.durableTime = parts.checkpoint.logTime;
    this.flusher = new Flusher({
      log,
      clock,
      isGrouped: this.waits,
      options,
      onClosing: () => this.epochClosing(),
      onDurable: () => this.epochDurable(),
      onFailed: (error) => parts.onFailed(error),
      askTurn: () => turn.ask(),
    });
    if (parts.lastStoreTime > 0) this.armCheckpoint();
  }

  subscribe(listener: GateListener): void {
    this.gateListeners.push(listener);
  }

  onArrival(listener: QueueArrival): void {
    this.arrivals.push(listener);
  }

  /** Stages the queue entry of a message that was taken in. */
  stage(queue: ConsumeQueue, position: number, size: number, tagsCode: number): void {
    if (queue.next === queue.logged) this.staged.push(queue);
    queue.stage(position, size, tagsCode);
  }

  /** The log has all messages of the turn. */
  turnWritten(storeTime: number): void {
    const queues = this.staged;
    this.staged = this.spare;
    for (const queue of queues) {
      queue.logged = queue.next;
      this.written.push(queue);
    }
    queues.length = 0;
    this.spare = queues;
    this.writtenTime = storeTime;
    this.parts.index.turnWritten();
  }

  /** The log has none of them. */
  turnFailed(error: Error): void {
    for (const queue of this.staged) if (!queue.isDetached) queue.dropStaged();
    this.staged.length = 0;
    this.parts.index.turnFailed();
    this.flusher.giveUp(error);
    for (const listener of this.gateListeners) listener.turnFailed(error);
  }

  /** The second stage at the end of a turn. */
  publish(): void {
    const { written } = this;
    for (let i = 0; i < written.length; i += 1) {
      const queue = written[i] as ConsumeQueue;
      if (this.waits) this.gathering.add(queue);
      else this.show(queue, queue.logged);
      this.parts.writer.logged(queue);
    }
    if (written.length > 0) this.armCheckpoint();
    written.length = 0;
    this.parts.log.prepareNext();
    this.flusher.afterTurn();
  }

  flush(): Promise<void> {
    return this.flusher.flush();
  }

  storeFailed(error: Error): void {
    for (const listener of this.gateListeners) listener.epochFailed(error);
  }

  /** Stops; with `complete`, brings everything to the disk first. */
  async close(complete: boolean): Promise<void> {
    this.isClosed = true;
    this.checkpointTimer?.cancel();
    await this.flusher.close();
    await this.checkpointing;
    const { log, writer, directory, checkpoint } = this.parts;
    writer.close();
    await log.settle();
    if (!complete) return this.flusher.giveUp(new StoreClosedError('The store is closed.'));
    if (log.durable < log.written) {
      this.epochClosing();
      log.durable = await log.sync();
      this.epochDurable();
    }
    this.flusher.release();
    await writer.syncAll();
    await this.flushIndex().catch((error: unknown) => {
      // The next start goes on from the last end that is durable.
      const fields = { error: messageOf(error) };
      this.parts.logger.warn('The key index could not be made durable', fields);
    });
    log.removePrepared();
    checkpoint.logTime = this.durableTime;
    checkpoint.queueTime = this.durableTime;
    checkpoint.confirmed = log.written;
    checkpoint.queuesTo = log.written;
    checkpoint.census = censusOf(this.parts.queues);
    directory.writeCheckpoint(checkpoint);
    await directory.syncCheckpoint();
  }

  private epochClosing(): void {
    this.closingTime = this.writtenTime;
    if (!this.waits) return;
    const closed = this.closing;
    this.closing = this.gathering;
    this.gathering = closed;
    for (const queue of this.closing) queue.closing = queue.logged;
    for (const listener of this.gateListeners) listener.epochClosing();
  }

  private epochDurable(): void {
    this.durableTime = this.closingTime;
    this.noteDurable();
    if (!this.waits) return;
    for (const queue of this.closing) this.show(queue, queue.closing);
    this.closing.clear();
    for (const listener of this.gateListeners) listener.epochDurable();
  }

  /**
   * Says in the checkpoint how far the log is durable, so that recovery can tell damage from a torn
   * tail. Not synced: an older one in its place is true as well.
   */
  private noteDurable(): void {
    const { log, directory, checkpoint, logger } = this.parts;
    checkpoint.logTime = this.durableTime;
    checkpoint.confirmed = log.durable;
    try {
      directory.writeCheckpoint(checkpoint);
    } catch (error) {
      logger.warn('The checkpoint could not be moved', { error: messageOf(error) });
    }
  }

  private show(queue: ConsumeQueue, to: number): void {
    const from = queue.visible;
    if (to <= from) return;
    queue.visible = to;
    if (queue.isDetached) return;
    for (const listener of this.arrivals) {
      try {
        listener(queue, from, to);
      } catch (error) {
        const fields = { topic: queue.topic, queueId: queue.queueId, error: messageOf(error) };
        this.parts.logger.error('Somebody who waited for a message failed', fields);
      }
    }
  }

  private armCheckpoint(): void {
    if (this.isClosed || this.checkpointTimer || this.checkpointing) return;
    const ms = this.parts.options.flushConsumeQueueThoroughInterval;
    this.checkpointTimer = this.parts.clock.after(ms, () => {
      this.checkpointTimer = undefined;
      this.checkpointing = this.moveCheckpoint()
        .catch((error: unknown) => {
          const fields = { error: messageOf(error) };
          this.parts.logger.warn('The checkpoint could not be moved', fields);
        })
        .finally(() => {
          this.checkpointing = undefined;
          if (this.parts.log.written > this.parts.checkpoint.queuesTo) this.armCheckpoint();
        });
    });
  }

  private async flushIndex(): Promise<void> {
    const { index, directory, checkpoint } = this.parts;
    await index.flush((time) => {
      if (time <= checkpoint.indexTime) return;
      checkpoint.indexTime = time;
      directory.writeCheckpoint(checkpoint);
    });
  }

  /** Makes the entries of all messages written up to now durable; then the checkpoint may say so. */
  private async moveCheckpoint(): Promise<void> {
    const { log, writer, directory, checkpoint } = this.parts;
    const time = this.writtenTime;
    const position = log.written;
    const census = censusOf(this.parts.queues, 'logged');
    await writer.syncAll();
    await this.flushIndex();
    if (this.isClosed) return;
    checkpoint.queueTime = time;
    checkpoint.queuesTo = position;
    checkpoint.census = census;
    checkpoint.logTime = this.durableTime;
    directory.writeCheckpoint(checkpoint);
    await directory.syncCheckpoint();
  }
}
