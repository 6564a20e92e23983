import { nearestName } from '@nestjs-rocketmq/foundation';
import { durationOf } from '../network/fault-rules.js';
import { TestDeadlineError } from '../testing.errors.js';
import type { Wanted } from '../kit-options.js';
import type { KitClock } from '../time/kit-clock.js';
import type { TimeKeeper } from '../time/time-keeper.js';

/** A name that a test wrote, which may be misspelt. */
export interface AskedName {
  readonly kind: 'topic' | 'group';
  readonly asked: string;
  readonly known: ReadonlySet<string>;
}

/** What is looked for, and where. */
export interface Search<T> {
  readonly clock: KitClock;
  readonly keeper: TimeKeeper;
  /** For the sentence when it is not found. */
  readonly what: string;
  readonly of: () => T[] | Promise<T[]>;
  /** The topic or group that was asked for, and those there are. */
  readonly name?: AskedName | undefined;
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
  { what, name }: Search<T>,
  { count, where }: Wanted<T>,
  within: number,
  all: readonly T[],
  found: number,
): TestDeadlineError {
  const chosen = where === undefined ? '' : ` that 'where' accepts, among ${all.length}`;
  const seen = all.slice(-5).map((one) => `\n  - ${line(one)}`);
  return new TestDeadlineError(
    `Wanted ${what}: ${count}, but ${within} ms of virtual time brought ${found}${chosen}. ` +
      `${unknownName(name) ?? "Perhaps 'within' must be longer: a first retry takes 10 s."}` +
      seen.join(''),
    { details: { wanted: count, found, within } },
  );
}

/** Why a name cannot bring anything. */
function unknownName(name: AskedName | undefined): string | undefined {
  if (name === undefined || name.known.has(name.asked)) return undefined;
  const { kind, asked, known } = name;
  const near = nearestName(asked.split(':')[0] as string, known);
  const those = [...known].toSorted().join(', ');
  const hint =
    near === undefined ? `known are ${those === '' ? 'none' : those}` : `did you mean '${near}'?`;
  return kind === 'topic'
    ? `Nothing was sent to a topic '${asked}', and no listener has it; ${hint}`
    : `No listener has the group '${asked}'; ${hint}`;
}

function line(message: unknown): string {
  const { topic, payload, outcome, attempt } = message as Record<string, unknown>;
  const text = payload instanceof Uint8Array ? `${payload.length} bytes` : JSON.stringify(payload);
  const fate = outcome === undefined ? '' : ` (try ${String(attempt)}: ${String(outcome)})`;
  return `${String(topic)}${fate}: ${String(text).slice(0, 200)}`;
}
