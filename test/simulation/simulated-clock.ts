import type { Clock, Timer } from '@nestjs-rocketmq/foundation';
import type { Macrotasks } from './macrotasks.js';

interface Due {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly life: Life;
  task: (() => void) | undefined;
}

/** Whoever has died does not act any more. */
export interface Life {
  isAlive: boolean;
}

/** What a process still does while it dies harms nobody. */
export function whileAlive(life: Life, task: () => void): void {
  if (!life.isAlive) return;
  try {
    task();
  } catch (error) {
    if (life.isAlive) throw error;
  }
}

/** Timers go off on multiples of this; a clock may be late, and the simulation saves steps. */
const grain = 5;
/** Timers that go off again and again, likewise. */
const everyGrain = 25;

/**
 * The clock of a simulated world. Time stands still unless `advance` is called; the wall clock may
 * be set to another time, which moves no timer.
 */
export class SimulatedClock {
  private elapsed = 0;
  private skew = 0;
  private latestBefore = 0;
  private orders = 0;
  private readonly due: Due[] = [];

  constructor(
    private readonly tasks: Macrotasks,
    private readonly start: number,
  ) {}

  /** Milliseconds since the world began. */
  get time(): number {
    return this.elapsed;
  }

  now(): number {
    return this.start + this.elapsed + this.skew;
  }

  /** Sets the wall clock forward or back. */
  jump(ms: number): void {
    this.latestBefore = this.latest;
    this.skew += ms;
  }

  /** The furthest that the wall clock ever was. */
  get latest(): number {
    return Math.max(this.latestBefore, this.now());
  }

  /** A clock for one life; its timers die with it. */
  of(life: Life): Clock {
    return {
      now: () => this.now(),
      monotonic: () => this.elapsed,
      sleep: (ms, signal) => this.sleep(life, ms, signal),
      after: (ms, task) => this.add(life, ms, undefined, task),
      every: (ms, task) => this.add(life, ms, Math.max(ms, 1), task),
    };
  }

  /** Moves time forward, runs what becomes due, and lets the world come to rest in between. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    await this.tasks.idle();
    for (;;) {
      const at = this.due[0]?.at;
      if (at === undefined || at > end) break;
      this.elapsed = Math.max(this.elapsed, at);
      let isQuiet = true;
      for (let first = this.due[0]; first?.at === at; first = this.due[0]) {
        this.due.shift();
        if (this.run(first)) isQuiet = false;
      }
      if (!isQuiet) await this.tasks.idle();
    }
    this.elapsed = end;
  }

  /** False when there was nothing to do. */
  private run(due: Due): boolean {
    const { task } = due;
    if (!due.life.isAlive || task === undefined) return false;
    if (due.every !== undefined) {
      due.at += Math.ceil(due.every / everyGrain) * everyGrain;
      this.insert(due);
    }
    whileAlive(due.life, task);
    return true;
  }

  private sleep(life: Life, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const timer = this.add(life, ms, undefined, () => {
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

  private add(life: Life, ms: number, every: number | undefined, task: () => void): Timer {
    const step = every === undefined ? grain : everyGrain;
    const at = Math.ceil((this.elapsed + Math.max(ms, 0)) / step) * step;
    const due: Due = { at, order: this.orders++, every, life, task };
    this.insert(due);
    return { cancel: () => void (due.task = undefined) };
  }

  private insert(due: Due): void {
    let low = 0;
    let high = this.due.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.due[middle] as Due;
      if (other.at < due.at || (other.at === due.at && other.order < due.order)) low = middle + 1;
      else high = middle;
    }
    this.due.splice(low, 0, due);
  }
}
