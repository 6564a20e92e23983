// `npm run check`: types (sources and specs), lint, format, architecture.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules/.bin', name);
const steps = [
  ['types', bin('tsc'), ['-b']],
  ['types of specs', bin('tsc'), ['-p', 'tsconfig.test.json']],
  ['lint', bin('oxlint'), ['--quiet', '.']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['architecture', process.execPath, ['tools/jest.mjs', 'test/architecture']],
];
const failed = [];
for (const [name, command, args] of steps) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status !== 0) failed.push(name);
}
process.exit(failed.length === 0 ? 0 : 1);
