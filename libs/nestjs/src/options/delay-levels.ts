import { parseDuration } from '@nestjs-rocketmq/foundation';
import type { Duration } from './duration.js';

/** Apache's `messageDelayLevel` when nobody changed it. */
export const defaultDelayLevels = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** The delays a broker knows, numbered from 1. */
export class DelayLevels {
  private readonly times: readonly number[];

  /** `table` is written as in `broker.conf`; a broken entry makes `isValid` false. */
  constructor(table: string = defaultDelayLevels) {
    const entries = table.trim().split(/\s+/);
    this.times = entries.map((entry) => parseDuration(entry) ?? Number.NaN);
  }

  get isValid(): boolean {
    return this.times.every((time) => time > 0);
  }

  get count(): number {
    return this.times.length;
  }

  /** The level of the longest delay. */
  get last(): number {
    return this.times.indexOf(this.longest) + 1;
  }

  /** The longest delay, milliseconds. */
  get longest(): number {
    return Math.max(...this.times);
  }

  /** The first level that waits at least so long; undefined when none does. */
  levelFor(delay: Duration): number | undefined {
    const wanted = parseDuration(delay);
    if (wanted === undefined || wanted < 0) return undefined;
    let best: number | undefined;
    this.times.forEach((time, at) => {
      if (time >= wanted && (best === undefined || time < (this.times[best - 1] ?? 0))) {
        best = at + 1;
      }
    });
    return best;
  }
}
