import type { Parameters } from 'fast-check';

/**
 * How a property is run: `count` times, or as often as `PROPERTY_RUNS` says; from `SEED` when it
 * is given. A failing property prints its seed and the smallest example it found.
 */
export function runs<T>(count: number): Parameters<T> {
  const seed = Number(process.env['SEED']);
  return {
    numRuns: Number(process.env['PROPERTY_RUNS'] ?? count),
    ...(Number.isInteger(seed) ? { seed } : {}),
  };
}
