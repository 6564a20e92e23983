import { type Clock, Deferred, type Timer } from '@nestjs-rocketmq/foundation';
import type { StoreOptions } from '../store-options.js';
import type { CommitLog } from './commit-log.js';

export interface FlusherParts {
  readonly log: CommitLog;
  readonly clock: Clock;
  /** SYNC_FLUSH: every turn's bytes are synced at once, and somebody waits for it. */
  readonly isGrouped: boolean;
  /** With ASYNC_FLUSH, how long and how many bytes may be written and not durable. */
  readonly options: Pick<StoreOptions, 'flushIntervalCommitLog' | 'flushCommitLogBytes'>;
  /** A sync begins; what was written up to now is covered by it. */
  readonly onClosing: () => void;
  /** It ended well. */
  readonly onDurable: () => void;
  /** It failed. Nobody knows what is on the disk; no other sync is tried. */
  readonly onFailed: (error: unknown) => void;
  /** Asks for the end of a turn, where the next epoch may close. */
  readonly askTurn: () => void;
}

/**
 * Decides when written bytes become durable. There is never more than one sync under way; whatever
 * is written meanwhile joins the next.
 */
export class Flusher {
  private isSyncing = false;
  private isStopped = false;
  private timer: Timer | undefined;
  private current: Promise<void> = Promise.resolve();
  private waiting: Deferred<void>[] = [];
  private waitsFor = 0;

  constructor(private readonly parts: FlusherParts) {}

  /** Called at the end of each turn, after its write. Here, and only here, epochs are closed. */
  afterTurn(): void {
    const { log, isGrouped, options } = this.parts;
    const behind = log.written - log.durable;
    if (behind === 0 || this.isSyncing || this.isStopped) return;
    if (isGrouped || behind >= options.flushCommitLogBytes || this.waiting.length > 0) this.begin();
    else this.arm();
  }

  /** Resolves when everything appended up to now is durable; rejects when that failed. */
  flush(): Promise<void> {
    const { log } = this.parts;
    if (log.durable >= log.appended) return Promise.resolve();
    const waiter = new Deferred<void>();
    this.waiting.push(waiter);
    this.waitsFor = log.appended;
    if (!this.isSyncing) this.parts.askTurn();
    return waiter.promise;
  }

  /** Tells those who wait in `flush`, if what they wait for is durable. */
  release(): void {
    if (this.parts.log.durable < this.waitsFor) return;
    for (const waiter of this.waiting.splice(0)) waiter.resolve();
  }

  /** Tells those who wait in `flush` that what they wait for does not come. */
  giveUp(error: unknown): void {
    for (const waiter of this.waiting.splice(0)) waiter.reject(error);
  }

  /** Begins no more syncs and waits for the one under way. */
  async close(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.current;
  }

  private begin(): void {
    this.isSyncing = true;
    this.timer?.cancel();
    this.timer = undefined;
    this.parts.onClosing();
    this.current = this.parts.log.sync().then(
      (durable) => this.done(durable),
      (error: unknown) => this.fail(error),
    );
  }

  private done(durable: number): void {
    const { log, isGrouped } = this.parts;
    this.isSyncing = false;
    log.durable = Math.max(log.durable, durable);
    this.parts.onDurable();
    this.release();
    const behind = log.written > log.durable;
    if (this.isStopped || !behind) return;
    // An epoch closes at the end of a turn only: until then the answers of a turn wait together,
    // those whose bytes are written and those whose bytes are not.
    if (isGrouped || this.waiting.length > 0) this.parts.askTurn();
    else this.arm();
  }

  private fail(error: unknown): void {
    this.isSyncing = false;
    this.isStopped = true;
    this.timer?.cancel();
    this.parts.onFailed(error);
    this.giveUp(error);
  }

  private arm(): void {
    if (this.timer !== undefined || this.isStopped) return;
    this.timer = this.parts.clock.after(this.parts.options.flushIntervalCommitLog, () => {
      this.timer = undefined;
      if (!this.isSyncing && !this.isStopped) this.begin();
    });
  }
}
