import type { Clock, Timer } from '@nestjs-rocketmq/foundation';

/** Somebody who waits for the next message of a queue. */
export interface Waiter {
  /** When it waits no longer, in ms of the clock that nobody can set. */
  readonly deadline: number;
  /** True when there is nobody left to answer. */
  readonly isGone: boolean;
  /** Something new is visible. True when that was an answer and the waiting is over. */
  arrived(): boolean;
  /** The time is up: answers with what there is. */
  expired(): void;
}

/** Expiries are gathered, so that ten thousand waiters do not mean ten thousand timers. */
const expiryStepMillis = 100;

/**
 * Who waits for the next message of which queue: the long poll.
 *
 * The store announces a queue in the turn in which its messages became visible; who waits for it
 * is answered within that call. Nobody sleeps through a message: a pull looks and begins to wait
 * in one synchronous step, and messages become visible between such steps only.
 */
export class Arrivals {
  private readonly waiting = new Map<object, Waiter[]>();
  private count = 0;
  private timer: Timer | undefined;
  private timerAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    /** More than so many do not wait; they are answered at once. */
    private readonly limit: number,
  ) {}

  get size(): number {
    return this.count;
  }

  /** False when too many wait already. */
  hold(queue: object, waiter: Waiter): boolean {
    if (this.count >= this.limit) return false;
    const list = this.waiting.get(queue);
    if (list === undefined) this.waiting.set(queue, [waiter]);
    else list.push(waiter);
    this.count += 1;
    this.expectAt(waiter.deadline);
    return true;
  }

  /** Something new is visible in the queue. */
  announce(queue: object): void {
    if (this.waiting.has(queue)) this.settle(queue, (waiter) => waiter.isGone || waiter.arrived());
  }

  /** Answers everybody with what there is; for closing. */
  release(): void {
    this.timer?.cancel();
    for (const queue of Array.from(this.waiting.keys())) this.answerAll(queue);
  }

  /** Answers whoever waits for a queue with what there is; for a queue that goes. */
  answerAll(queue: object): void {
    if (!this.waiting.has(queue)) return;
    this.settle(queue, (waiter) => {
      if (!waiter.isGone) waiter.expired();
      return true;
    });
  }

  /** Removes the waiters of a queue for whom `isOver` holds. */
  private settle(queue: object, isOver: (waiter: Waiter) => boolean): void {
    const list = this.waiting.get(queue) ?? [];
    this.waiting.delete(queue);
    const left = list.filter((waiter) => !isOver(waiter));
    this.count -= list.length - left.length;
    if (left.length === 0) return;
    // An answer may have led to a new waiter of the same queue.
    this.waiting.set(queue, [...left, ...(this.waiting.get(queue) ?? [])]);
  }

  private expectAt(deadline: number): void {
    const now = this.clock.monotonic();
    const at = Math.max(deadline, now + expiryStepMillis);
    if (at >= this.timerAt) return;
    this.timer?.cancel();
    this.timerAt = at;
    this.timer = this.clock.after(at - now, () => this.expire());
  }

  private expire(): void {
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const queue of Array.from(this.waiting.keys())) {
      this.settle(queue, (waiter) => {
        if (waiter.isGone) return true;
        if (waiter.deadline > now) {
          next = Math.min(next, waiter.deadline);
          return false;
        }
        waiter.expired();
        return true;
      });
    }
    if (next !== Number.POSITIVE_INFINITY) this.expectAt(next);
  }
}
