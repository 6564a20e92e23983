import * as fc from 'fast-check';
import { propertyRuns } from '@nestjs-rocketmq/foundation/testing';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { ProcessQueue, type Held } from './process-queue.js';

/** Only what the queue looks at. */
const message = (queueOffset: number, storeSize: number): StoredMessage =>
  ({ queueOffset, storeSize, reconsumeTimes: 0 }) as StoredMessage;

/** Cheaper than `expect`, of which there would be millions. */
function same(what: string, seen: unknown, wanted: unknown): void {
  if (Object.is(seen, wanted)) return;
  const [one, other] = [JSON.stringify(seen), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

const offsetsOf = (held: readonly Held[]): number[] => held.map((one) => one.offset);

/** One step: an answer of the broker, or something that listeners did. */
type Step =
  /** `kept`: which offsets from the pull position on come; the others were filtered out. */
  | { readonly kind: 'put'; readonly back: number; readonly kept: readonly boolean[] }
  | { readonly kind: 'finish'; readonly picks: readonly number[] }
  | { readonly kind: 'take'; readonly most: number }
  | { readonly kind: 'putBack'; readonly pick: number | undefined };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    // Answers that are late or stale speak of offsets that were seen before.
    back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(20)),
    kept: fc.array(fc.boolean(), { maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('finish' as const), picks: fc.array(fc.nat(), { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('take' as const), most: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    kind: fc.constant('putBack' as const),
    pick: fc.option(fc.nat(), { nil: undefined }),
  }),
);

interface Known {
  readonly held: Held;
  readonly size: number;
  isDone: boolean;
  isTaken: boolean;
}

/** The same queue, said in the plainest way, beside the real one. */
class Model {
  readonly real: ProcessQueue;
  private readonly all: Known[] = [];
  private last = -1;
  private hasAnswer = false;

  constructor(private next: number) {
    this.real = new ProcessQueue(next);
  }

  play(one: Step): void {
    switch (one.kind) {
      case 'put':
        return this.put(one.back, one.kept);
      case 'finish':
        return this.finish(one.picks);
      case 'take':
        return this.take(one.most);
      case 'putBack':
        return this.putBack(one.pick);
    }
  }

  check(): void {
    const { real } = this;
    const open = this.open();
    const [first] = open;
    same('count', real.count, open.length);
    same(
      'bytes',
      real.bytes,
      open.reduce((bytes, { size }) => bytes + size, 0),
    );
    same('pull offset', real.pullOffset, this.next);
    const commit = real.commitOffset;
    const expected = first?.held.offset ?? (this.hasAnswer ? this.next : undefined);
    same('commit', commit, expected);
    same('commit goes back', (commit ?? -1) < this.last, false);
    this.last = commit ?? -1;
    const highest = this.all.at(-1)?.held.offset ?? 0;
    same('span', real.span, first === undefined ? 0 : highest - first.held.offset);
  }

  finishAll(): void {
    this.finish(this.open().map(() => 0));
    this.check();
    if (this.hasAnswer) same('commit at the end', this.real.commitOffset, this.next);
  }

  private open(): Known[] {
    return this.all.filter((one) => !one.isDone);
  }

  private put(back: number, kept: readonly boolean[]): void {
    const from = Math.max(0, this.next - back);
    const offsets = kept.flatMap((isKept, at) => (isKept ? [from + at] : []));
    const fresh = this.real.put(
      offsets.map((offset) => message(offset, 1 + (offset % 7))),
      from + kept.length,
    );
    same(
      'fresh',
      offsetsOf(fresh),
      offsets.filter((one) => one >= this.next),
    );
    for (const held of fresh) {
      this.all.push({ held, size: 1 + (held.offset % 7), isDone: false, isTaken: false });
    }
    this.next = Math.max(this.next, from + kept.length);
    this.hasAnswer = true;
  }

  private finish(picks: readonly number[]): void {
    const done = picks.flatMap((pick) => {
      const open = this.open();
      const one = open[pick % open.length];
      if (one === undefined) return [];
      one.isDone = true;
      return [one.held];
    });
    this.real.finish(done);
    // Once more does nothing.
    this.real.finish(done.slice(0, 1));
  }

  private take(most: number): void {
    const expected = this.open().filter((one) => !one.isTaken);
    const taken = this.real.take(most);
    same(
      'taken',
      offsetsOf(taken),
      expected.slice(0, most).map((one) => one.held.offset),
    );
    const last = taken.at(-1)?.offset ?? (expected.length === 0 ? Number.POSITIVE_INFINITY : -1);
    for (const one of this.all) if (one.held.offset <= last) one.isTaken = true;
    const inHand = this.open().filter((one) => one.isTaken);
    same(
      'in hand',
      offsetsOf(this.real.takenNow()),
      inHand.map((one) => one.held.offset),
    );
  }

  private putBack(pick: number | undefined): void {
    const taken = this.open().filter((one) => one.isTaken);
    const from = pick === undefined ? taken[0] : taken[pick % Math.max(taken.length, 1)];
    if (pick !== undefined && from === undefined) return;
    this.real.putBack(pick === undefined ? undefined : from?.held);
    for (const one of this.all) {
      if (from !== undefined && one.held.offset >= from.held.offset) one.isTaken = false;
    }
  }
}

describe('the process queue, whatever happens to it', () => {
  it('commits up to the first unfinished message, never back, hands out in order, counts right', () => {
    const steps = fc.array(step, { maxLength: 40 });
    const holds = (start: number, all: readonly Step[]): void => {
      const model = new Model(start);
      for (const one of all) {
        model.play(one);
        model.check();
      }
      model.finishAll();
    };
    fc.assert(fc.property(fc.nat(1_000), steps, holds), propertyRuns(500));
  });
});
