/** Milliseconds between two samples. */
export const meterStep = 10_000;
/** Samples of the last ten minutes. */
const kept = 61;

interface Sample {
  readonly at: number;
  readonly value: number;
}

/** A counter that knows how fast it went in the last 10 s, 60 s and 600 s. */
export class Meter {
  total = 0;
  private readonly samples: Sample[] = [];

  constructor(now: number) {
    this.samples.push({ at: now, value: 0 });
  }

  sample(now: number): void {
    this.samples.push({ at: now, value: this.total });
    if (this.samples.length > kept) this.samples.shift();
  }

  /** Per second, over about the last `windowMillis`. */
  rate(windowMillis: number, now: number): number {
    let from = this.samples[0];
    for (const sample of this.samples) {
      if (sample.at > now - windowMillis) break;
      from = sample;
    }
    if (from === undefined || now <= from.at) return 0;
    return ((this.total - from.value) * 1000) / (now - from.at);
  }

  /** Rates over 10 s, 60 s and 600 s, as Java prints them: three numbers with blanks between. */
  rates(now: number): string {
    return [10_000, 60_000, 600_000].map((window) => this.rate(window, now).toFixed(6)).join(' ');
  }
}
