import { help, wanted } from './arguments.js';

describe('arguments of the simulator', () => {
  it('have defaults', () => {
    const usual = { seed: 1, seeds: 1, jobs: 1, isLoud: false, isQuick: false };
    expect(wanted([])).toEqual(usual);
    expect(wanted(['--seed', '7', '--seeds=3', '--story'])).toEqual({
      ...usual,
      seed: 7,
      seeds: 3,
      isLoud: true,
    });
  });

  it.each([[['--seeed', '7']], [['7']], [['--seeds', 'many']], [['--seeds', '0']], [['--seed']]])(
    'are refused when they are %j',
    (args) => {
      expect(() => wanted(args)).toThrow(/--seeed|'7'|'many'|'0'|--seed/);
    },
  );

  it('may ask for help, which names each of them', () => {
    expect(wanted(['--help'])).toBe('help');
    for (const name of ['--seed ', '--seeds', '--jobs', '--story', '--quick']) {
      expect(help).toContain(name);
    }
  });
});
