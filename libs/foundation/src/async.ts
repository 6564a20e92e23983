import type { Clock } from './clock.js';
import { ClosedError, QueueFullError } from './foundation.errors.js';

/** A promise with its two handles outside. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T | PromiseLike<T>) => void;
  reject!: (reason: unknown) => void;
  settled = false;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = (value) => {
        this.settled = true;
        resolve(value);
      };
      this.reject = (reason) => {
        this.settled = true;
        reject(reason as Error);
      };
    });
  }
}

/** Runs tasks one at a time in the order they came; refuses more than `limit` waiting ones. */
export class SerialQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private count = 0;

  /** `limit`: how many tasks may wait or run at once. */
  constructor(private readonly limit: number) {}

  get length(): number {
    return this.count;
  }

  /** Throws `QueueFullError` (as a rejection) when the bound is reached. */
  async run<T>(task: () => Promise<T> | T): Promise<T> {
    if (this.count >= this.limit) {
      throw new QueueFullError(`More than ${this.limit} tasks are waiting.`, {
        details: { limit: this.limit },
        retriable: true,
      });
    }
    this.count += 1;
    const turn = this.tail.then(task).finally(() => {
      this.count -= 1;
    });
    this.tail = turn.catch(() => undefined);
    return turn;
  }
}

/** Gives back what `Semaphore.acquire` took; a second call does nothing. */
export type Release = () => void;

interface Waiter {
  readonly amount: number;
  readonly grant: () => void;
  readonly fail: (reason: unknown) => void;
}

/**
 * A bound on how much may be under way; whoever comes too late waits in line (first come, first
 * served). An amount over the whole bound is treated as the whole bound, so it passes alone.
 */
export class Semaphore {
  private free: number;
  private line: Waiter[] = [];
  private closed: unknown;

  constructor(private readonly permits: number) {
    this.free = permits;
  }

  /** How many callers wait. */
  get waiting(): number {
    return this.line.length;
  }

  /** How much is taken now. */
  get taken(): number {
    return this.permits - this.free;
  }

  /** Takes the amount at once, or answers undefined. Never overtakes those who wait. */
  tryAcquire(amount = 1): Release | undefined {
    const wanted = Math.min(amount, this.permits);
    if (this.closed !== undefined || this.line.length > 0 || wanted > this.free) return undefined;
    this.free -= wanted;
    return this.releaser(wanted);
  }

  /** Waits for the amount; rejects with the signal's reason, or with `ClosedError` after `close`. */
  acquire(amount = 1, signal?: AbortSignal): Promise<Release> {
    if (this.closed !== undefined) return Promise.reject(this.closed as Error);
    const now = this.tryAcquire(amount);
    if (now !== undefined) return Promise.resolve(now);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const wanted = Math.min(amount, this.permits);
      const done = (): void => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        amount: wanted,
        grant: () => (done(), resolve(this.releaser(wanted))),
        fail: (reason) => (done(), reject(reason as Error)),
      };
      const onAbort = (): void => {
        this.line = this.line.filter((other) => other !== waiter);
        waiter.fail(signal?.reason);
        this.serve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.line.push(waiter);
    });
  }

  /** Fails everybody in line and refuses whoever comes later. */
  close(reason: unknown = new ClosedError('This is closed.')): void {
    this.closed ??= reason;
    const line = this.line;
    this.line = [];
    for (const waiter of line) waiter.fail(reason);
  }

  private releaser(amount: number): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.free += amount;
      this.serve();
    };
  }

  private serve(): void {
    for (let first = this.line[0]; first !== undefined; first = this.line[0]) {
      if (first.amount > this.free) return;
      this.line.shift();
      this.free -= first.amount;
      first.grant();
    }
  }
}

/**
 * Runs `work` with a signal that is aborted after `ms`; then rejects with `onTimeout()` even when
 * the work does not listen to its signal.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  const controller = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const late = new Promise<never>((_, reject) => (fail = reject));
  const timer = clock.after(ms, () => {
    const error = onTimeout();
    fail(error);
    controller.abort(error);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    timer.cancel();
  }
}
