// `npm test`: builds, runs every suite that needs nothing but Node, and counts them all. The suites
// that flood and kill real processes are left to `npm run test:fault`: they take their time.
// With paths as arguments: those, one after the other, counted in the same way.
// The last line is `N passed, N failed`; the exit code is not 0 when something failed or nothing ran.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-test-'));
const report = join(folder, 'report.json');

/** Runs Jest on some paths and answers the counts of its report. */
function jest(paths, more = []) {
  const args = ['tools/jest.mjs', ...paths, '--json', `--outputFile=${report}`, ...more];
  // Jest prints its JSON on stdout too when asked for it; only stderr is for people.
  const run = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const told = JSON.parse(readFileSync(report, 'utf8'));
    const crashed = told.testResults.filter(
      (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
    ).length;
    return {
      passed: told.numPassedTests,
      failed: told.numFailedTests + crashed + (run.status !== 0 && told.success ? 1 : 0),
      skipped: told.numPendingTests + told.numTodoTests,
    };
  } catch (error) {
    console.error(`No report of the tests: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(report, { force: true });
  }
}

const build = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-b'], {
  cwd: root,
  stdio: 'inherit',
});
if (build.status !== 0) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const chosen = process.argv.slice(2);
// Suites that listen on sockets and start processes run after the others and one at a time, so that
// they do not compete for the processor with each other's deadlines.
const runs =
  chosen.length > 0
    ? [[chosen, ['--maxWorkers=1']]]
    : [
        [
          [
            'libs',
            'apps',
            'sample-order-service',
            'test/architecture',
            'test/property',
            'test/simulation',
          ],
          [],
        ],
        [
          ['test/integration', 'test/interop'],
          ['--maxWorkers=1', '--passWithNoTests'],
        ],
      ];
for (const [paths, more] of runs) {
  const counts = jest(paths, more);
  for (const key of Object.keys(total)) total[key] += counts[key];
}
rmSync(folder, { recursive: true, force: true });
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
