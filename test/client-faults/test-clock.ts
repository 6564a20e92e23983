import { systemClock, type Clock, type Timer } from '@nestjs-rocketmq/foundation';

/** The clock of this computer, whose wall time can jump and which counts what waits for it. */
export class TestClock implements Clock {
  private shift = 0;
  private readonly timers = new Set<Timer>();
  private sleepers = 0;

  /** Timers that were neither cancelled nor ran out, and sleepers. */
  get waiting(): number {
    return this.timers.size + this.sleepers;
  }

  jump(ms: number): void {
    this.shift += ms;
  }

  now(): number {
    return systemClock.now() + this.shift;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleepers += 1;
    try {
      await systemClock.sleep(ms, signal);
    } finally {
      this.sleepers -= 1;
    }
  }

  after(ms: number, task: () => void): Timer {
    const inner = systemClock.after(ms, () => {
      this.timers.delete(timer);
      task();
    });
    const timer = this.counted(inner);
    return timer;
  }

  every(ms: number, task: () => void): Timer {
    return this.counted(systemClock.every(ms, task));
  }

  private counted(inner: Timer): Timer {
    const timer: Timer = {
      cancel: () => {
        this.timers.delete(timer);
        inner.cancel();
      },
    };
    this.timers.add(timer);
    return timer;
  }
}
