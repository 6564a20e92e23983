/** What was added lately. */
export interface RecentSum {
  readonly sum: number;
  /** How often something was added. */
  readonly times: number;
  /** The time that this covers; at least one second. */
  readonly seconds: number;
}

/**
 * Sums over the time just gone, kept in steps. No timer: whoever adds or looks moves it on. Times
 * are monotonic ms.
 */
export class RecentSums {
  private readonly sums: number[];
  private readonly counts: number[];
  private step: number;
  /** When the step under way ends. */
  private stepEnd: number;
  /** Where its sums stand. */
  private at: number;

  /** Covers the step that is under way and `steps` - 1 before it, but nothing before `begin`. */
  constructor(
    private readonly stepMs: number,
    private readonly steps: number,
    private readonly begin: number,
  ) {
    this.sums = Array.from({ length: steps }, () => 0);
    this.counts = Array.from({ length: steps }, () => 0);
    this.step = Math.floor(begin / stepMs);
    this.stepEnd = (this.step + 1) * stepMs;
    this.at = this.step % steps;
  }

  add(now: number, amount: number): void {
    if (now >= this.stepEnd) this.moveTo(now);
    const { at } = this;
    this.sums[at] = (this.sums[at] ?? 0) + amount;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  look(now: number): RecentSum {
    this.moveTo(now);
    const from = Math.max(this.begin, (this.step - this.steps + 1) * this.stepMs);
    const add = (sum: number, one: number): number => sum + one;
    return {
      sum: this.sums.reduce(add, 0),
      times: this.counts.reduce(add, 0),
      seconds: Math.max(1, (now - from) / 1_000),
    };
  }

  private moveTo(now: number): void {
    const step = Math.floor(now / this.stepMs);
    if (step <= this.step) return;
    const passed = Math.min(step - this.step, this.steps);
    for (let i = 0; i < passed; i += 1) {
      const at = (step - i) % this.steps;
      this.sums[at] = 0;
      this.counts[at] = 0;
    }
    this.step = step;
    this.stepEnd = (step + 1) * this.stepMs;
    this.at = step % this.steps;
  }
}
