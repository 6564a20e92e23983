import type { Clock } from '@nestjs-rocketmq/foundation';
import type { AssignedQueue } from './assigned-queue.js';
import { MessageBatch } from './message-batch.js';
import type { Held } from './process-queue.js';

/** What one pull brought, waiting to be polled. */
export interface PulledChunk {
  readonly assigned: AssignedQueue;
  readonly held: readonly Held[];
}

export function batchOf({ assigned, held }: PulledChunk): MessageBatch {
  const last = held[held.length - 1]?.offset ?? 0;
  const messages = held.map((one) => one.message);
  return new MessageBatch(assigned.queue, messages, last + 1);
}

type Waiter = (chunk: PulledChunk | undefined) => void;

/** What was pulled and not polled yet, in the order in which it came, and who waits for it. */
export class BatchCache {
  private chunks: PulledChunk[] = [];
  private readonly waiters = new Set<Waiter>();
  private messages = 0;
  private isClosed = false;

  constructor(private readonly clock: Clock) {}

  /** Messages waiting to be polled. */
  get count(): number {
    return this.messages;
  }

  put(chunk: PulledChunk): void {
    if (this.isClosed || chunk.held.length === 0) return;
    const [waiter] = this.waiters;
    if (waiter !== undefined) return waiter(chunk);
    this.chunks.push(chunk);
    this.messages += chunk.held.length;
  }

  /** The next chunk; undefined when `timeoutMs` (without one: until closed) brought none. */
  next(timeoutMs?: number): Promise<PulledChunk | undefined> {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) this.messages -= chunk.held.length;
    if (chunk !== undefined || this.isClosed || timeoutMs === 0) return Promise.resolve(chunk);
    return new Promise((resolve) => {
      const waiter: Waiter = (found) => {
        timer?.cancel();
        this.waiters.delete(waiter);
        resolve(found);
      };
      const timer =
        timeoutMs === undefined ? undefined : this.clock.after(timeoutMs, () => waiter(undefined));
      this.waiters.add(waiter);
    });
  }

  /** Throws away what was pulled of a queue: it is not ours any more, or was sought elsewhere. */
  forget(assigned: AssignedQueue): void {
    this.chunks = this.chunks.filter((chunk) => chunk.assigned !== assigned);
    this.messages = this.chunks.reduce((sum, { held }) => sum + held.length, 0);
  }

  /** Nobody gets anything any more; who waits gets nothing at once. */
  close(): void {
    this.isClosed = true;
    this.chunks = [];
    this.messages = 0;
    for (const waiter of this.waiters) waiter(undefined);
  }
}
