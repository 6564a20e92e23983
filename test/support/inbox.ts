import { systemClock } from '@nestjs-rocketmq/foundation';

/** Collects what handlers saw; specs wait for it instead of sleeping. */
export class Inbox<T> {
  readonly all: T[] = [];
  private taken = 0;
  private wake: () => void = () => undefined;

  put(item: T): void {
    this.all.push(item);
    this.wake();
  }

  /** The next `count` items; rejects when they do not come within `withinMs`. */
  async take(count = 1, withinMs = 60_000): Promise<T[]> {
    let isLate = false;
    const timer = systemClock.after(withinMs, () => {
      isLate = true;
      this.wake();
    });
    while (this.all.length < this.taken + count && !isLate) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    timer.cancel();
    const items = this.all.slice(this.taken, this.taken + count);
    if (items.length < count) {
      throw new Error(`only ${items.length} of ${count} came: ${JSON.stringify(items)}`);
    }
    this.taken += count;
    return items;
  }

  async next(withinMs?: number): Promise<T> {
    const [item] = await this.take(1, withinMs);
    return item as T;
  }
}
