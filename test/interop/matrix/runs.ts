import { isPlayedHere, type InteropCase } from './case.js';
import type { Stand } from './stand.js';

/** Most cases wait most of the time. */
const atOnce = 10;

/** Plays the cases of one column, many at once; each result is asked for by its feature. */
export class Runs {
  private readonly results = new Map<string, Promise<void>>();

  constructor(cases: readonly InteropCase[], stand: Stand) {
    const lanes = new Map<string, InteropCase[]>();
    for (const one of cases) {
      const lane = one.sequence ?? one.feature;
      lanes.set(lane, [...(lanes.get(lane) ?? []), one]);
    }
    const gate = new Gate(atOnce);
    for (const lane of lanes.values()) {
      let before = gate.enter();
      for (const one of lane) {
        const result = before.then(() => play(one, stand));
        this.results.set(one.feature, result);
        before = result.catch(() => undefined);
      }
      void before.then(() => gate.leave());
    }
  }

  of(feature: string): Promise<void> {
    return this.results.get(feature) ?? Promise.reject(new Error(`'${feature}' was not played`));
  }
}

async function play({ how }: InteropCase, stand: Stand): Promise<void> {
  if (isPlayedHere(how)) await how.play(stand);
}

class Gate {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  enter(): Promise<void> {
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}
