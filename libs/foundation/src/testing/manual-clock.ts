import type { Clock, Timer } from '../clock.js';

interface Due {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly task: () => void;
}

/** Lets promises that became ready run, a few hops deep; `setImmediate` also lets sockets talk. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock that specs move by hand. Nothing runs unless `advance` is called. */
export class ManualClock implements Clock {
  private time: number;
  private readonly start: number;
  private count = 0;
  private wallShift = 0;
  private readonly due = new Set<Due>();

  /** `start` in milliseconds since 1970; default 2026-01-01T00:00:00Z. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.time = start;
    this.start = start;
  }

  now(): number {
    return this.time + this.wallShift;
  }

  monotonic(): number {
    return this.time - this.start;
  }

  /** How many tasks are waiting; a closed thing leaves none. */
  get waiting(): number {
    return this.due.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
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
  }

  after(ms: number, task: () => void): Timer {
    return this.add(ms, undefined, task);
  }

  every(ms: number, task: () => void): Timer {
    return this.add(ms, Math.max(ms, 1), task);
  }

  /** Time passes and nothing runs, as when the process was stopped. */
  jump(ms: number): void {
    this.time += ms;
  }

  /** Sets the wall clock, as an operator does; no time passes. */
  shiftWallClock(ms: number): void {
    this.wallShift += ms;
  }

  /** Moves time forward and runs what becomes due, in order, letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      this.time = Math.max(this.time, next.at);
      if (next.every === undefined) this.due.delete(next);
      else next.at += next.every;
      next.task();
      await settle();
    }
    this.time = end;
    await settle();
  }

  private add(ms: number, every: number | undefined, task: () => void): Timer {
    const due: Due = { at: this.time + Math.max(ms, 0), order: this.count++, every, task };
    this.due.add(due);
    return { cancel: () => void this.due.delete(due) };
  }

  private nextDue(end: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.due) {
      if (due.at > end) continue;
      const sooner = first === undefined || due.at < first.at;
      if (sooner || (due.at === first?.at && due.order < first.order)) first = due;
    }
    return first;
  }
}
