import type { Distribution } from './exposition.js';

/** How often values fell between bounds. Adding allocates nothing. */
export class Histogram implements Distribution {
  sum = 0;
  /** For each bound the values up to it that are above the one before; last those above all. */
  readonly counts: Float64Array;

  /** `bounds` rise. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  get count(): number {
    return this.counts.reduce((sum, one) => sum + one, 0);
  }

  /** A value, or the same value several times. */
  add(value: number, times = 1): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    counts[at] = (counts[at] as number) + times;
    this.sum += value * times;
  }
}
