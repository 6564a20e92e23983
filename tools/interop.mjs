// npm run test:interop: builds the Java peers and runs the suites that need them. Without Java or Maven
// it says so in one line and counts the suites as skipped. Arguments are handed to Jest; with `--config`
// among them that configuration's suites are run instead (`npm run test:history`).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildJava, missingJava } from '../test/interop/build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const given = process.argv.slice(2);
const config = given.indexOf('--config') + 1;
const ownConfig = config > 0 ? given[config] : 'test/interop/jest.config.js';
const suites = readdirSync(join(root, dirname(ownConfig))).filter((name) =>
  /\.(spec|history)\.ts$/.test(name),
);

const missing = missingJava();
if (missing) {
  console.log(`interop: skipped, ${missing}`);
  console.log(`0 passed, 0 failed, ${suites.length} skipped`);
  process.exit(0);
}

try {
  buildJava();
} catch (error) {
  console.error(`interop: ${error instanceof Error ? error.message : String(error)}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

// Processes of ours that a suite starts run what tsc built.
const compiled = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-b'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (compiled.status !== 0) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-interop-'));
const report = join(folder, 'report.json');
const run = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
    ...(config > 0 ? [] : ['--config', join(root, ownConfig)]),
    '--verbose',
    '--json',
    `--outputFile=${report}`,
    ...given,
  ],
  { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] },
);
const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
rmSync(folder, { recursive: true, force: true });

const passed = result?.numPassedTests ?? 0;
const brokenSuites = result?.numRuntimeErrorTestSuites ?? 1;
const failed = (result?.numFailedTests ?? 0) + brokenSuites;
const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(run.status === 0 && failed === 0 && passed > 0 ? 0 : 1);
