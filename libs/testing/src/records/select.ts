import { durationOf } from '../network/fault-rules.js';
import { TestDeadlineError } from '../testing.errors.js';
import type { Wanted } from '../kit-options.js';
import type { KitClock } from '../time/kit-clock.js';
import type { TimeKeeper } from '../time/time-keeper.js';

/** What is looked for, and where. */
export interface Search<T> {
  readonly clock: KitClock;
  readonly keeper: TimeKeeper;
  /** For the sentence when it is not found. */
  readonly what: string;
  readonly of: () => T[] | Promise<T[]>;
  /** Goes up whenever there may be more. */
  readonly changes: () => number;
}

const defaultWithin = '5s';

/** Waits until there are as many as wanted. Throws `TestDeadlineError`. */
export async function select<T>(search: Search<T>, wanted: number | Wanted<T> = {}): Promise<T[]> {
  const { clock, keeper, what, of, changes } = search;
  const how: Wanted<T> = typeof wanted === 'number' ? { count: wanted } : wanted;
  const { count = 0, where = () => true } = how;
  const within = durationOf(`'within' of ${what}`, how.within ?? defaultWithin);
  const until = clock.now() + within;
  for (;;) {
    await keeper.rest();
    const seen = changes();
    const all = await of();
    const found = all.filter((one) => where(one));
    if (found.length >= count) return found;
    if (clock.now() >= until) throw missed(search, how, within, all, found.length);
    await keeper.wait({ isDone: () => changes() !== seen, until });
  }
}

function missed<T>(
  { what }: Search<T>,
  { count, where }: Wanted<T>,
  within: number,
  all: readonly T[],
  found: number,
): TestDeadlineError {
  const chosen = where === undefined ? '' : ` that 'where' accepts, among ${all.length}`;
  const seen = all.slice(-5).map((one) => `\n  - ${line(one)}`);
  return new TestDeadlineError(
    `Wanted ${count} ${what}, but ${within} ms of virtual time brought ${found}${chosen}. ` +
      `Perhaps 'within' must be longer: a first retry takes 10 s.${seen.join('')}`,
    { details: { wanted: count, found, within } },
  );
}

function line(message: unknown): string {
  const { topic, payload, outcome, attempt } = message as Record<string, unknown>;
  const text = payload instanceof Uint8Array ? `${payload.length} bytes` : JSON.stringify(payload);
  const fate = outcome === undefined ? '' : ` (try ${String(attempt)}: ${String(outcome)})`;
  return `${String(topic)}${fate}: ${String(text).slice(0, 200)}`;
}
