/** Bytes: the bounds of Apache's `message_size`. */
export const sizeBounds: readonly number[] = [
  1_024, 4_096, 524_288, 1_048_576, 2_097_152, 4_194_304,
];
/** Milliseconds: those of `topic_create_execution_time`. */
export const timeBounds: readonly number[] = [10, 100, 1_000, 3_000, 5_000];
/** Seconds: those of `finish_message_latency`. */
export const latencyBounds: readonly number[] = [5, 60, 600, 3_600, 43_200, 86_400];

/** How often values fell between bounds. Adding allocates nothing. */
export class Histogram {
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

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    counts[at] = (counts[at] as number) + 1;
    this.sum += value;
  }
}
