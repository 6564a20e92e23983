/** A seed by chance, from 1 on. */
export function chanceSeed(): number {
  return 1 + Math.floor(Math.random() * 2 ** 30);
}

/**
 * The seed of a run. `SEED` says it: a number, or `random` for one by chance. Without `SEED` every run
 * is the same: a test that only fails now and then tells nobody what to mend. Who draws from it prints
 * it when something fails.
 */
export function seedOfRun(otherwise = 1): number {
  const wanted = process.env['SEED'] ?? '';
  if (wanted === '') return otherwise;
  if (wanted === 'random') return chanceSeed();
  const seed = Number(wanted);
  if (!Number.isInteger(seed) || seed < 1 || seed >= 2 ** 31) {
    throw new RangeError(`SEED must be "random" or a whole number below 2^31, but is "${wanted}"`);
  }
  return seed;
}

/**
 * How a property is run: `count` times, or as often as `PROPERTY_RUNS` says; from the seed of the
 * run. A failing property prints its seed and the smallest example it found.
 */
export function propertyRuns(count: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: Number(process.env['PROPERTY_RUNS'] ?? count), seed: seedOfRun() };
}
