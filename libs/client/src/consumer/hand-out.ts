import { batchOf, type PulledChunk } from './batch-cache.js';
import type { LitePulls } from './lite-pulls.js';
import type { LiteState } from './lite-state.js';
import type { MessageBatch } from './message-batch.js';
import type { QueueOffset } from './offset-store.js';

/**
 * Hands out what was pulled ahead, and knows what the caller is through with: a polled batch when
 * the next poll begins, a batch of a loop when the loop comes back.
 */
export class HandOut {
  /** Polled, and consumed when the next poll begins, or at close. */
  private polled: PulledChunk[] = [];
  /** Loops were left in the middle of these; consumed when the next poll begins. */
  private left: PulledChunk[] = [];

  constructor(
    private readonly state: LiteState,
    private readonly pulls: LitePulls,
  ) {}

  /** Undefined when nothing came in time, or the consumer was closed. */
  async poll(timeoutMs: number): Promise<MessageBatch | undefined> {
    this.settle();
    const chunk = await this.next(timeoutMs);
    if (chunk === undefined) return undefined;
    this.polled.push(chunk);
    return batchOf(chunk);
  }

  /** Until the consumer is closed. */
  async *batches(): AsyncGenerator<MessageBatch, void, void> {
    for (;;) {
      this.settle();
      const chunk = await this.next();
      if (chunk === undefined) return;
      let isDone = false;
      try {
        yield batchOf(chunk);
        isDone = true;
      } finally {
        if (isDone) this.pulls.settle(chunk);
        else this.left.push(chunk);
      }
    }
  }

  /** Where the queues in hand stand when everything handed out is finished. */
  all(): QueueOffset[] {
    const offsets: QueueOffset[] = [];
    for (const { queue, handedOut } of this.state.assigned.values()) {
      if (handedOut !== undefined) offsets.push({ queue, offset: handedOut });
    }
    return offsets;
  }

  /** What was polled last counts as consumed; where a loop was left does not. */
  end(): void {
    for (const chunk of this.polled.splice(0)) this.pulls.settle(chunk);
  }

  private settle(): void {
    this.end();
    for (const chunk of this.left.splice(0)) this.pulls.settle(chunk);
  }

  /** Hooks see a hand-out as a call that ends well at once, as in Java. */
  private show({ assigned, held }: PulledChunk): void {
    const { hooks, group, clock } = this.state;
    if (!hooks.isWatched) return;
    const messages = held.map((one) => one.message);
    const call = { group, queue: assigned.queue, messages, startedAt: clock.now() };
    hooks.before(call);
    hooks.after(call, { ended: 'success', isSuccess: true, elapsed: 0 });
  }

  private async next(timeoutMs?: number): Promise<PulledChunk | undefined> {
    const { clock, cache } = this.state;
    const end = timeoutMs === undefined ? undefined : clock.monotonic() + timeoutMs;
    for (;;) {
      const time = end === undefined ? undefined : Math.max(end - clock.monotonic(), 0);
      const chunk = await cache.next(time);
      if (chunk === undefined) return undefined;
      this.pulls.taken(chunk);
      // The queue may have gone to another member between the pull and this moment.
      if (chunk.assigned.isDropped) continue;
      chunk.assigned.handedOut = batchOf(chunk).offset;
      this.show(chunk);
      return chunk;
    }
  }
}
