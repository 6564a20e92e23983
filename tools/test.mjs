// `npm test`: builds, runs every spec that needs nothing but Node and little time, and counts them.
// Those that flood, kill or damage have commands of their own (CONTRIBUTING.md), and so have the
// slow ones and the many rounds of `npm run test:long`.
// With paths as arguments: those, one after the other, counted in the same way.
// The last line is `N passed, N failed`; the exit code is not 0 when something failed or nothing ran.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-test-'));
const report = join(folder, 'report.json');

/** What needs nothing but Node and two minutes. */
const everything = [
  'libs',
  'apps',
  'sample-order-service',
  'examples',
  'test/architecture',
  'test/property',
  'test/simulation',
  'test/integration',
  'test/interop',
];

/** What `npm run test:long` runs instead, with what no run of the specs ever takes. */
const elsewhere = [
  '/node_modules/',
  '/dist/',
  '/test/interop/java-',
  '/test/integration/npm-start',
  '/test/integration/client-faults',
  '/test/simulation/',
  '/order-chaos',
];

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

const chosen = process.argv.slice(2);
// Much of the time is waiting for sockets and processes, so two run at a time where there are two
// processors; deadlines of specs allow for that.
const workers = Math.min(4, Math.max(2, availableParallelism() - 1));
const counts =
  chosen.length > 0
    ? jest(chosen, ['--maxWorkers=1'])
    : jest(everything, [
        `--maxWorkers=${workers}`,
        ...elsewhere.map((pattern) => `--testPathIgnorePatterns=${pattern}`),
      ]);
rmSync(folder, { recursive: true, force: true });
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
