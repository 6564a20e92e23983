import type { Clock, Timer } from '@nestjs-rocketmq/foundation';

/** Something with a deadline; linked into the wheel without an object around it. */
export abstract class WheelEntry {
  /** Tick number at which it is due. */
  due = 0;
  before: WheelEntry | undefined;
  after: WheelEntry | undefined;
  slot = -1;

  abstract expire(): void;
}

const slots = 512;
/** Empty ticks until the timer rests. */
const restAfter = 40;

/**
 * Deadlines for many short waits with one timer. An entry expires up to one tick late, never early.
 */
export class TimerWheel {
  private readonly heads: (WheelEntry | undefined)[] = Array.from({ length: slots });
  private count = 0;
  private emptyTicks = 0;
  private timer: Timer | undefined;
  private tick: number;

  /** `tickMs`: how exact deadlines are. Default 25. */
  constructor(
    private readonly clock: Clock,
    private readonly tickMs = 25,
  ) {
    this.tick = this.nowTick();
  }

  /** How many wait. */
  get size(): number {
    return this.count;
  }

  add(entry: WheelEntry, ms: number): void {
    if (this.count === 0 && this.timer === undefined) this.tick = this.nowTick();
    const due = Math.ceil((this.clock.monotonic() + ms) / this.tickMs);
    entry.due = Math.max(due, this.tick + 1);
    const slot = entry.due % slots;
    entry.slot = slot;
    entry.before = undefined;
    const head = this.heads[slot];
    entry.after = head;
    if (head !== undefined) head.before = entry;
    this.heads[slot] = entry;
    this.count += 1;
    this.timer ??= this.clock.every(this.tickMs, () => this.advance());
  }

  remove(entry: WheelEntry): void {
    if (entry.slot < 0) return;
    if (entry.before === undefined) this.heads[entry.slot] = entry.after;
    else entry.before.after = entry.after;
    if (entry.after !== undefined) entry.after.before = entry.before;
    entry.slot = -1;
    entry.before = undefined;
    entry.after = undefined;
    this.count -= 1;
  }

  /** Stops the timer; what is left never expires. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private nowTick(): number {
    return Math.floor(this.clock.monotonic() / this.tickMs);
  }

  private advance(): void {
    const now = this.nowTick();
    // After a long pause every slot is looked at once, not every tick that was missed.
    const first = Math.max(this.tick + 1, now - slots + 1);
    this.tick = now;
    for (let tick = first; tick <= now; tick += 1) this.expireSlot(tick % slots, now);
    this.emptyTicks = this.count === 0 ? this.emptyTicks + 1 : 0;
    if (this.emptyTicks < restAfter) return;
    this.emptyTicks = 0;
    this.close();
  }

  private expireSlot(slot: number, now: number): void {
    let entry = this.heads[slot];
    const due: WheelEntry[] = [];
    for (; entry !== undefined; entry = entry.after) if (entry.due <= now) due.push(entry);
    for (const each of due) {
      if (each.slot < 0) continue;
      this.remove(each);
      each.expire();
    }
  }
}
