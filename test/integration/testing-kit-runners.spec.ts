import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { placeAndPay } from '../runners/scenario.js';

const root = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));

function run(...args: string[]): string {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const done = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 110_000,
  });
  return `${done.stdout}${done.stderr}\nexit code ${done.status}`;
}

describe('the testing kit', () => {
  it('works under Jest', async () => {
    const { seconds, sent } = await placeAndPay();
    expect(seconds).toEqual([0, 10, 40]);
    expect(sent).toEqual([{ id: 1 }]);
  });

  it('works under node:test', () => {
    const loader = ['--import', './tools/typescript.mjs', '--test-reporter=tap'];
    const told = run(...loader, 'test/runners/under-node-test.ts');
    expect(told).toContain('# pass 1');
    expect(told).toContain('exit code 0');
  });

  it('works under Vitest', () => {
    const vitest = 'node_modules/vitest/vitest.mjs';
    const told = run(vitest, 'run', '--root', 'test/runners', '--reporter=tap');
    expect(told).toContain('ok 1');
    expect(told).not.toContain('not ok');
    expect(told).toContain('exit code 0');
  });
});
