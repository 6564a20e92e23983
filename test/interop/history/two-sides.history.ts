import type { ServerVersion } from '../../support/java.js';
import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { History } from './play.js';

/**
 * One store, ours and Java's in turn: `ROUNDS` says how often it changes hands (twice, with 5.5.0
 * always), `SEED` which history, `HISTORY` with which versions.
 */
const seed = seedOfRun(11);
const rounds = Number(process.env['ROUNDS'] ?? 2);
const versions = (process.env['HISTORY'] ?? '4.9.7,5.3.3,5.5.0').split(',') as ServerVersion[];

describe.each(versions)('a history in one store, ours and Java %s in turn', (version) => {
  const history = new History({ version, seed, rounds: version === '5.5.0' ? 2 : rounds });
  // A story whose turn went wrong does not go on.
  let isWhole = true;

  beforeAll(() => history.begin());

  afterAll(() => history.close());

  it.each(history.ends.map((end, round) => [round, history.sideOf(round), end] as const))(
    `turn %p: %s finds everything, writes and is %s, seed ${seed}`,
    async (round) => {
      expect(isWhole).toBe(true);
      isWhole = false;
      await history.play(round);
      isWhole = true;
    },
    300_000,
  );

  it(`finds everything in the end, seed ${seed}`, async () => {
    expect(isWhole).toBe(true);
    await history.openAndCheck(history.ends.length);
    history.tellAll();
  }, 300_000);
});
