import { defineOptions, option, parseDuration } from './config.js';
import { OptionsError } from './foundation.errors.js';
import type { Logger } from './logger.js';
import { silentLogger } from './logger.js';
import { nearestName } from './nearest-name.js';

const options = defineOptions('broker.conf', {
  listenPort: option.integer({ meaning: 'The port.', default: 10911, min: 0, max: 65535 }),
  brokerName: option.text({ meaning: 'The name of the broker.', required: true }),
  flushDiskType: option.choice(['ASYNC_FLUSH', 'SYNC_FLUSH'], {
    meaning: 'When a send is answered.',
    default: 'ASYNC_FLUSH',
  }),
  longPollingEnable: option.boolean({ meaning: 'Pulls may wait.', default: true }),
  checkInterval: option.duration({ meaning: 'Between two checks.', default: 30_000, min: 1 }),
  namesrvAddr: option.list({ meaning: 'Name servers.', default: [] }),
  secretKey: option.text({ meaning: 'A key.', secret: true }),
});

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof OptionsError) return error.problems;
    throw error;
  }
  return [];
}

describe('OptionSet', () => {
  it('reads texts as a file has them and fills in the defaults', () => {
    const loaded = options.load({
      brokerName: 'a',
      listenPort: ' 0 ',
      longPollingEnable: 'FALSE',
      checkInterval: '2s',
      namesrvAddr: 'one:1; two:2;',
    });
    expect(loaded).toEqual({
      brokerName: 'a',
      listenPort: 0,
      flushDiskType: 'ASYNC_FLUSH',
      longPollingEnable: false,
      checkInterval: 2000,
      namesrvAddr: ['one:1', 'two:2'],
      secretKey: undefined,
    });
  });

  it('reports every problem together, with the key, the value and what it must be', () => {
    const problems = problemsOf(() =>
      options.load({ listenPort: '70000', flushDiskType: 'SYNC', longPollingEnable: 1 }),
    );
    expect(problems).toEqual([
      `'listenPort' must be between 0 and 65535, but is "70000"`,
      `'brokerName' is missing: The name of the broker.`,
      `'flushDiskType' must be one of ASYNC_FLUSH, SYNC_FLUSH, but is "SYNC"`,
      `'longPollingEnable' must be true or false, but is 1`,
    ]);
  });

  it('refuses names that every JavaScript object answers to', () => {
    for (const name of ['constructor', 'toString', '__proto__']) {
      const source = Object.fromEntries([
        ['brokerName', 'a'],
        [name, 1],
      ]);
      expect(problemsOf(() => options.load(source))[0]).toContain(
        `'${name}' is not a known option`,
      );
    }
  });

  it('refuses an unknown name with the nearest known one', () => {
    const problems = problemsOf(() => options.load({ brokerName: 'a', listnePort: 1 }));
    expect(problems).toEqual([`'listnePort' is not a known option; did you mean 'listenPort'?`]);
  });

  it('warns of an unknown name where told to', () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (sentence) => void warnings.push(sentence) };
    options.load({ brokerName: 'a', colour: 'red' }, { unknown: 'warn', logger });
    expect(warnings).toEqual([`broker.conf: 'colour' is not a known option`]);
  });

  it('never prints a secret', () => {
    const problems = problemsOf(() => options.load({ brokerName: 'a', secretKey: 12345 }));
    expect(problems).toEqual([`'secretKey' must be a text, but is ***`]);
  });

  it.each(['', 'abc', '1.5', '1e400', Number.NaN, null, {}])(
    'refuses %p as a whole number',
    (v) => {
      expect(problemsOf(() => options.load({ brokerName: 'a', listenPort: v }))).toHaveLength(1);
    },
  );
});

describe('parseDuration', () => {
  it.each([
    [250, 250],
    ['250', 250],
    ['250ms', 250],
    ['1.5s', 1500],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['soon', undefined],
    ['1 fortnight', undefined],
    [Number.NaN, undefined],
  ])('reads %p as %p', (given, expected) => {
    expect(parseDuration(given)).toBe(expected);
  });
});

describe('nearestName', () => {
  it('finds a swapped, a missing and a wrongly capitalised letter, but nothing far', () => {
    const names = ['mappedFileSizeCommitLog', 'brokerName', 'brokerId'];
    expect(nearestName('mapedFileSizeCommitLog', names)).toBe('mappedFileSizeCommitLog');
    expect(nearestName('borkerName', names)).toBe('brokerName');
    expect(nearestName('BROKERID', names)).toBe('brokerId');
    expect(nearestName('somethingElse', names)).toBeUndefined();
  });
});
