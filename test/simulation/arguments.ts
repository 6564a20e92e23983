import { parseArgs } from 'node:util';

export const help = `npm run simulate -- [--seed N] [--seeds M] [--jobs J] [--story] [--quick]

Plays stories of our broker in simulated time while disks, wires and clocks fail, and judges what
clients saw. The last line counts them: N passed, N failed.

  --seed N   the first story [1]
  --seeds M  so many stories from it on [1]
  --jobs J   in so many processes [1]
  --story    prints what happened in each
  --quick    ends with the first failure, without looking for a shorter story
  --help     prints this`;

export interface Wanted {
  readonly seed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly isLoud: boolean;
  /** Ends with the first failure, without a shorter story. */
  readonly isQuick: boolean;
}

const known = {
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '1' },
  story: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What a command line asks for. Throws when it does not understand something in it. */
export function wanted(args: readonly string[]): Wanted | 'help' {
  const { values } = parseArgs({ args: [...args], options: known, strict: true });
  if (values.help) return 'help';
  const number = (name: 'seed' | 'seeds' | 'jobs', least: number): number => {
    const value = values[name].trim() === '' ? Number.NaN : Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name} needs a whole number of ${least} or more, not '${values[name]}'`);
  };
  return {
    seed: number('seed', 0),
    seeds: number('seeds', 1),
    jobs: number('jobs', 1),
    isLoud: values.story,
    isQuick: values.quick,
  };
}
