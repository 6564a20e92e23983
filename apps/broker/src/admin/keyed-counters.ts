import { Counter } from '../counter.js';

/** Statistics whose counters are kept by name and key only. */
export type KeyedStats =
  | 'QUEUE_PUT_NUMS'
  | 'QUEUE_PUT_SIZE'
  | 'QUEUE_GET_NUMS'
  | 'QUEUE_GET_SIZE'
  | 'SNDBCK_PUT_NUMS'
  | 'SNDBCK2DLQ_TIMES';

/** Counters by the name of a statistic and a key of names joined with `@`. */
export class KeyedCounters {
  private readonly tables = new Map<string, Map<string, Counter>>();

  /** The counter, made when it is not there. */
  of(name: KeyedStats, key: string): Counter {
    let table = this.tables.get(name);
    if (table === undefined) this.tables.set(name, (table = new Map()));
    let counter = table.get(key);
    if (counter === undefined) table.set(key, (counter = new Counter()));
    return counter;
  }

  find(name: string, key: string): Counter | undefined {
    return this.tables.get(name)?.get(key);
  }

  /** Everything that one statistic counts. */
  all(name: KeyedStats): [key: string, counter: Counter][] {
    return [...(this.tables.get(name) ?? [])];
  }

  *counters(): Generator<Counter> {
    for (const table of this.tables.values()) yield* table.values();
  }

  /** Drops the counters whose keys hold the name of a topic or group. */
  forget(name: string): void {
    for (const table of this.tables.values()) {
      for (const key of table.keys()) if (key.split('@').includes(name)) table.delete(key);
    }
  }
}
