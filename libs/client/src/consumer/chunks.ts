import type { Clock, Timer } from '@nestjs-rocketmq/foundation';
import type { AssignedQueue } from './assigned-queue.js';
import type { Held } from './process-queue.js';

/** Messages of one queue that the listener gets in one call. */
export interface Chunk {
  readonly assigned: AssignedQueue;
  readonly held: readonly Held[];
}

/** How large chunks may become, and how long they may wait to become so. */
export interface ChunkSettings {
  readonly batch: number;
  /** ms; 0: what a pull brought is never waited for. */
  readonly batchWait: number;
}

/** A chunk that may still grow. */
interface OpenChunk {
  readonly held: readonly Held[];
  readonly timer: Timer;
}

/** Cuts what pulls bring into chunks. One that is not full waits `batchWait` for more of its queue. */
export class Chunks {
  private readonly open = new Map<AssignedQueue, OpenChunk>();

  /** `ready` takes a chunk; `late` is called after a chunk became ready by time. */
  constructor(
    private readonly clock: Clock,
    private readonly settings: ChunkSettings,
    private readonly ready: (chunk: Chunk) => void,
    private readonly late: () => void,
  ) {}

  add(assigned: AssignedQueue, fresh: readonly Held[]): void {
    const { batch, batchWait } = this.settings;
    const before = this.open.get(assigned);
    const all = before === undefined ? fresh : [...before.held, ...fresh];
    const isWaiting = batchWait > 0;
    let at = 0;
    for (; at + batch <= all.length || (at < all.length && !isWaiting); at += batch) {
      this.ready({ assigned, held: all.slice(at, at + batch) });
    }
    const rest = all.slice(at);
    // The time of a chunk runs from its first message.
    const timer = at === 0 ? before?.timer : undefined;
    if (timer === undefined) before?.timer.cancel();
    if (rest.length === 0) this.open.delete(assigned);
    else this.open.set(assigned, { held: rest, timer: timer ?? this.countDown(assigned) });
  }

  /** What is still open is not handed out any more. */
  close(): void {
    for (const { timer } of this.open.values()) timer.cancel();
    this.open.clear();
  }

  private countDown(assigned: AssignedQueue): Timer {
    return this.clock.after(this.settings.batchWait, () => {
      const chunk = this.open.get(assigned);
      if (chunk === undefined) return;
      this.open.delete(assigned);
      this.ready({ assigned, held: chunk.held });
      this.late();
    });
  }
}
