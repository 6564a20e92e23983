import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';

/** How a broker of one cycle ends. */
export type Death =
  | { readonly at: 'any time'; readonly afterMs: number }
  | { readonly at: 'start'; readonly afterMs: number }
  | { readonly at: 'point'; readonly point: string; readonly hits: number };

/** Named points, and the most times that they are passed before one is the last. */
const points: Readonly<Record<string, number>> = {
  'turn.before': 200,
  'turn.after': 200,
  'log.beforeWrite': 200,
  'log.midWrite': 200,
  'log.afterWrite': 200,
  'log.beforeSync': 20,
  'log.afterSync': 20,
  'queue.beforeWrite': 60,
  'queue.midWrite': 60,
  'queue.afterWrite': 60,
  'roll.before': 2,
  'roll.after': 2,
  'log.afterTruncate': 3,
  'checkpoint.beforeWrite': 6,
  'checkpoint.afterWrite': 6,
  'checkpoint.beforeSync': 3,
  'checkpoint.afterSync': 3,
  'config.beforeText': 4,
  'config.midText': 4,
  'config.afterText': 4,
  'config.beforeRename': 3,
  'config.afterRename': 3,
};

export function chooseDeath(random: SeededRandom): Death {
  const dice = random.next();
  if (dice < 0.1) return { at: 'start', afterMs: random.below(600) };
  if (dice < 0.4) return { at: 'any time', afterMs: 20 + random.below(500) };
  const point = random.pick(Object.keys(points));
  return { at: 'point', point, hits: 1 + random.below(points[point] as number) };
}
