import type { LatencySeries } from './latency-series.js';

/** Answers that have not left, as numbers in rows that are used again. */
export class LatencyList {
  private readonly series: LatencySeries[] = [];
  private readonly counts: number[] = [];
  private readonly begins: number[] = [];

  get size(): number {
    return this.series.length;
  }

  /** So many answers of requests that arrived at `began`, ms of the clock that nobody can set. */
  push(series: LatencySeries, count: number, began: number): void {
    this.series.push(series);
    this.counts.push(count);
    this.begins.push(began);
  }

  /** Takes back what was added last. */
  pop(): void {
    this.series.pop();
    this.counts.pop();
    this.begins.pop();
  }

  moveTo(other: LatencyList): void {
    const { series, counts, begins } = this;
    for (let i = 0; i < series.length; i += 1) {
      other.push(series[i] as LatencySeries, counts[i] as number, begins[i] as number);
    }
    this.clear();
  }

  /** Counts elsewhere; what has no other place is dropped. */
  replace(placeOf: (series: LatencySeries) => LatencySeries | undefined): void {
    const { series, counts } = this;
    for (let i = 0; i < series.length; i += 1) {
      const place = placeOf(series[i] as LatencySeries);
      if (place === undefined) counts[i] = 0;
      else series[i] = place;
    }
  }

  /** The answers have left at `now`: they are counted and gone. */
  settle(now: number): void {
    const { series, counts, begins } = this;
    for (let i = 0; i < series.length; i += 1) {
      const took = Math.floor(now - (begins[i] as number));
      (series[i] as LatencySeries).add(took, counts[i]);
    }
    this.clear();
  }

  private clear(): void {
    this.series.length = 0;
    this.counts.length = 0;
    this.begins.length = 0;
  }
}
