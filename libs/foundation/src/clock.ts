/** A task that is due later, or again and again. */
export interface Timer {
  /** The task does not run any more. Harmless when it already ran. */
  cancel(): void;
}

/**
 * Time as a port: whatever waits, expires or retries takes one, so that specs move the clock by
 * hand (`ManualClock` in `./testing`).
 */
export interface Clock {
  /** Milliseconds since 1970; may jump. */
  now(): number;
  /** Milliseconds since some fixed moment, with fractions; never goes back. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `task` once after `ms`. Does not keep the process alive. */
  after(ms: number, task: () => void): Timer;
  /** Runs `task` every `ms`, for the first time after `ms`. Does not keep the process alive. */
  every(ms: number, task: () => void): Timer;
}

/** `setTimeout` cannot wait longer than this; longer waits are cut into pieces. */
const longestTimeout = 2 ** 31 - 1;

class SystemTimer implements Timer {
  private handle: NodeJS.Timeout | undefined;

  constructor(ms: number, task: () => void) {
    this.arm(ms, task);
  }

  cancel(): void {
    clearTimeout(this.handle);
    this.handle = undefined;
  }

  private arm(ms: number, task: () => void): void {
    const step = Math.min(Math.max(ms, 0), longestTimeout);
    this.handle = setTimeout(() => (step < ms ? this.arm(ms - step, task) : task()), step);
    this.handle.unref();
  }
}

/** The clock of this computer. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      // A sleeper is somebody's unfinished work, so unlike a timer it keeps the process alive.
      const handle = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        Math.min(ms, longestTimeout),
      );
      const onAbort = (): void => {
        clearTimeout(handle);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
  after: (ms, task) => new SystemTimer(ms, task),
  every: (ms, task) => {
    const handle = setInterval(task, ms);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};
