import type { Clock, Timer } from '@nestjs-rocketmq/foundation';
import type { Activity } from './activity.js';
import type { UserCalls } from './user-calls.js';

/** Timers that tick faster than this look for requests without an answer, and nothing else does. */
const fastTick = 100;
/** How far apart such ticks are while every request is answered. */
const calmStride = 5_000;

/** A timer of the kit's clock. */
interface DueTask {
  at: number;
  order: number;
  readonly every: number | undefined;
  readonly task: () => void;
  isCancelled: boolean;
}

/**
 * The clock of broker, clients and module in a test. It stands still; `TimeKeeper` moves it from one
 * due timer to the next.
 */
export class KitClock implements Clock {
  private readonly start: number;
  private count = 0;
  private stride = calmStride;
  /** A heap: the first one is due first. */
  private readonly heap: DueTask[] = [];

  constructor(
    private time: number,
    private readonly activity: Activity,
    private readonly calls: UserCalls,
  ) {
    this.start = time;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time - this.start;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const wake = this.calls.waitsForKit();
    const sleeping = new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    return sleeping.finally(wake);
  }

  after(ms: number, task: () => void): Timer {
    return this.add(ms, undefined, task);
  }

  every(ms: number, task: () => void): Timer {
    return this.add(ms, Math.max(ms, 1), task);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.heap.filter((due) => !due.isCancelled).length;
  }

  /** When the next timer is due; undefined when none waits. */
  get nextAt(): number | undefined {
    while (this.heap[0]?.isCancelled === true) this.pop();
    return this.heap[0]?.at;
  }

  /** Moves to the next timer and runs it. Gives back whether it comes again and again. */
  runNext(): boolean {
    const due = this.pop() as DueTask;
    this.time = Math.max(this.time, due.at);
    if (due.every !== undefined) {
      due.at += this.intervalOf(due.every);
      due.order = this.count++;
      this.push(due);
    }
    due.task();
    return due.every !== undefined;
  }

  /** Whether requests may stay without an answer: then their time-outs are exact. */
  set isTroubled(isTroubled: boolean) {
    this.stride = isTroubled ? 0 : calmStride;
    if (!isTroubled) return;
    const all = this.heap.splice(0).filter((due) => !due.isCancelled);
    for (const due of all) {
      if (isFast(due)) due.at = Math.min(due.at, this.time + (due.every ?? 0));
      this.push(due);
    }
  }

  /** Moves to a time at which nothing is due before. */
  moveTo(time: number): void {
    this.time = Math.max(this.time, time);
  }

  private intervalOf(every: number): number {
    return every < fastTick ? Math.max(every, this.stride) : every;
  }

  private add(ms: number, every: number | undefined, task: () => void): Timer {
    this.activity.happened();
    const at = this.time + Math.max(Number.isNaN(ms) ? 0 : ms, 0);
    const due: DueTask = { at, order: this.count++, every, task, isCancelled: false };
    this.push(due);
    return { cancel: () => this.cancel(due) };
  }

  private cancel(due: DueTask): void {
    due.isCancelled = true;
    // Requests cancel their time-outs as a rule: what is cancelled must not pile up.
    const { heap } = this;
    if (heap.length < 64 || this.count % 64 !== 0) return;
    const left = heap.filter((one) => !one.isCancelled);
    heap.length = 0;
    for (const one of left) this.push(one);
  }

  private push(due: DueTask): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(due, heap[above] as DueTask)) break;
      heap[at] = heap[above] as DueTask;
      at = above;
    }
    heap[at] = due;
  }

  private pop(): DueTask | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = at * 2 + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as DueTask)) below += 1;
      if (!isBefore(heap[below] as DueTask, last)) break;
      heap[at] = heap[below] as DueTask;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isFast({ every }: DueTask): boolean {
  return every !== undefined && every < fastTick;
}

function isBefore(one: DueTask, other: DueTask): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
