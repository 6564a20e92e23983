import * as fc from 'fast-check';
import { propertyRuns } from '@nestjs-rocketmq/foundation/testing';
import { ImaginedQueue } from '../testing/imagined-queue.js';
import type { ConsumeVerdict, PushConsumerOptions } from './consumer-options.js';

type Step = readonly [name: string, run: (on: ImaginedQueue) => unknown];

const nat = fc.nat(50);
const some = fc.integer({ min: 1, max: 8 });

const verdict: fc.Arbitrary<ConsumeVerdict> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: 'success' } as const) },
  fc.constantFrom(
    { kind: 'retry' } as const,
    { kind: 'suspend' } as const,
    { kind: 'dead-letter' } as const,
  ),
);

/** A step with a name, so that a failure can be read. */
function step<T>(
  name: string,
  values: fc.Arbitrary<T>,
  run: (on: ImaginedQueue, value: T) => unknown,
): fc.Arbitrary<Step> {
  return values.map((value) => [
    `${name} ${JSON.stringify(value)}`,
    (on: ImaginedQueue) => run(on, value),
  ]);
}

const often = [
  step('append', fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), (on, kept) =>
    on.append(kept),
  ),
  step('answer a pull', fc.tuple(nat, some), (on, [pick, count]) => on.answerPull(pick, count)),
  step('end a call', fc.tuple(nat, verdict), (on, [pick, value]) => on.endCall(pick, value)),
  step('store', fc.constant(0), (on) => on.persist()),
  step('end a send-back', fc.tuple(nat, fc.boolean()), (on, [pick, ok]) => on.endBack(pick, ok)),
  step('end a write', fc.boolean(), (on, isGood) => on.endWrite(isGood)),
];

const seldom = [
  step('fail a pull', nat, (on, pick) => on.failPull(pick)),
  step('time', fc.constantFrom(500, 5_000, 12_000), (on, ms) => on.clock.advance(ms)),
  step('share', fc.boolean(), (on, isMine) => on.share(isMine)),
  step('others consume', some, (on, count) => on.othersConsume(count)),
  step('reset', fc.nat(20), (on, offset) => on.reset(Math.min(offset, on.end))),
  step('reads fail', fc.boolean(), (on, fail) => (on.readFails = fail)),
  step('writes fail', fc.boolean(), (on, fail) => (on.writeFails = fail)),
  step('expire', fc.integer({ min: 1, max: 3 }), (on, count) => on.expire(count)),
  step('crash', fc.constant(0), (on) => on.crash()),
];

const steps = fc.array(
  fc.oneof(
    ...often.map((arbitrary) => ({ weight: 6, arbitrary })),
    ...seldom.map((arbitrary) => ({ weight: 2, arbitrary })),
  ),
  { maxLength: 40 },
);

const chosen = fc.record({
  mode: fc.constantFrom('concurrent' as const, 'orderly' as const),
  model: fc.constantFrom('clustering' as const, 'clustering' as const, 'broadcasting' as const),
  batch: fc.constantFrom(1, 3),
  batchWait: fc.constantFrom(0, 200),
  concurrency: fc.constantFrom(1, 4),
  pullThresholdForQueue: fc.constantFrom(4, 1000),
  maxReconsumeTimes: fc.constantFrom(-1, 1),
});

/** Broadcast messages that take too long are dropped, by design; so none does here. */
const options: fc.Arbitrary<Partial<PushConsumerOptions>> = chosen.map((given) => ({
  ...given,
  consumeTimeout: given.model === 'broadcasting' ? '1h' : '10s',
}));

async function play(given: Partial<PushConsumerOptions>, all: readonly Step[]): Promise<void> {
  const on = new ImaginedQueue(given);
  try {
    await on.clock.advance(0);
    for (const [, run] of all) {
      await run(on);
      await on.clock.advance(0);
      on.check();
    }
    await on.finish();
  } finally {
    on.close();
  }
}

/** Of 100,000 cases on a busy machine. */
const patience = 3_600_000;

describe('consumption of a queue, whatever happens', () => {
  const title = 'never stores an offset beyond an unfinished message, never goes back, never skips';
  const holds = fc.asyncProperty(options, steps, play);

  it(title, () => fc.assert(holds, propertyRuns(100)), patience);
});
