/** Upper ends of the classes in which Java counts how long puts took, ms. */
const classes: readonly number[] = [
  ...stepped(0, 1, 20),
  ...stepped(20, 2, 15),
  ...stepped(50, 5, 10),
  ...stepped(100, 10, 10),
  ...stepped(200, 50, 6),
  ...stepped(500, 100, 5),
  ...stepped(1000, 1000, 9),
  Number.POSITIVE_INFINITY,
];

const ranges: readonly (readonly [name: string, below: number])[] = [
  ['[<=0ms]', 1],
  ['[0~10ms]', 10],
  ['[10~50ms]', 50],
  ['[50~100ms]', 100],
  ['[100~200ms]', 200],
  ['[200~500ms]', 500],
  ['[500ms~1s]', 1000],
  ['[1~2s]', 2000],
  ['[2~3s]', 3000],
  ['[3~4s]', 4000],
  ['[4~5s]', 5000],
  ['[5~10s]', 10_000],
  ['[10s~]', Number.POSITIVE_INFINITY],
];

/** How long it took until messages were stored. Percentiles are those of the last full minute. */
export class PutTimes {
  /** The longest since the start, ms. */
  max = 0;
  private counts = new Float64Array(classes.length);
  private last = new Float64Array(classes.length);
  private shares = new Float64Array(ranges.length);
  private lastShares = new Float64Array(ranges.length);

  add(millis: number, messages: number): void {
    const whole = Math.floor(millis);
    if (whole > this.max) this.max = whole;
    let at = 0;
    while ((classes[at] as number) < whole) at += 1;
    this.counts[at] = (this.counts[at] as number) + messages;
    at = 0;
    while ((ranges[at] as readonly [string, number])[1] <= whole) at += 1;
    this.shares[at] = (this.shares[at] as number) + messages;
  }

  /** A minute is over. */
  turnOver(): void {
    [this.counts, this.last] = [this.last, this.counts];
    this.counts.fill(0);
    [this.shares, this.lastShares] = [this.lastShares, this.shares];
    this.shares.fill(0);
  }

  /** The time within which that part of the puts was done, interpolated as Java does. */
  percentile(part: number): number {
    const all = this.last.reduce((sum, count) => sum + count, 0);
    const wanted = Math.floor(all * part);
    let passed = 0;
    for (let at = 0; at < classes.length - 1; at += 1) {
      const count = this.last[at] as number;
      if (wanted <= passed + count) {
        const from = at === 0 ? 0 : (classes[at - 1] as number);
        const width = (classes[at] as number) - from;
        return from + (count === 0 ? 0 : (width * (wanted - passed)) / count);
      }
      passed += count;
    }
    return classes.at(-2) as number;
  }

  /** Java's line: how many puts of the last minute took how long. */
  distribution(): string {
    return ranges.map(([name], at) => `${name}:${this.lastShares[at]} `).join('');
  }
}

function stepped(from: number, step: number, times: number): number[] {
  return Array.from({ length: times }, (_, i) => from + step * (i + 1));
}
