import type { ServerVersion } from '../../support/java.js';
import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { History } from './play.js';
import { downgrade, inTurn } from './plan.js';

/**
 * One store, ours and Java's in turn: `ROUNDS` says how often it changes hands (twice, with 5.5.0
 * always), `SEED` which history, `HISTORY` with which versions (`downgrade`: from 5.3.3 to 4.9.7).
 */
const seed = seedOfRun(11);
const rounds = Number(process.env['ROUNDS'] ?? 2);
const names = (process.env['HISTORY'] ?? '4.9.7,5.3.3,5.5.0,downgrade').split(',');
const plans = names.map((name) => {
  if (name === 'downgrade') return downgrade();
  return inTurn(name as ServerVersion, name === '5.5.0' ? 2 : rounds);
});

describe.each(plans.map((plan) => [plan.name, plan] as const))('a store of %s', (_, plan) => {
  const history = new History(plan, seed);
  // A story whose turn went wrong does not go on.
  let isWhole = true;

  beforeAll(() => history.begin());

  afterAll(() => history.close());

  it.each(history.ends.map((end, round) => [round, history.holderOf(round), end] as const))(
    `turn %p: %s finds everything, writes and is %s, seed ${seed}`,
    async (round) => {
      expect(isWhole).toBe(true);
      isWhole = false;
      await history.play(round);
      isWhole = true;
    },
    300_000,
  );

  it(`finds everything in the end, and there was every kind of message, seed ${seed}`, async () => {
    expect(isWhole).toBe(true);
    await history.openAndCheck(history.ends.length);
    history.tellAll();
    expect(history.kindsMissing()).toEqual([]);
  }, 300_000);
});
