// `npm run test:mutants [-- 03 17]`: plants each defect of this folder in a copy of the tree and looks whether
// the simulator or a spec notices. A patch whose text is not there exactly once fails, and so does
// one that breaks the build of the tests. The same looks at the tree without a defect must find
// nothing: that counts as one more. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const jobs = Math.min(2, availableParallelism());
const longestTryMs = 600_000;

function readMutant(file) {
  const text = readFileSync(join(here, file), 'utf8');
  const [head, rest = ''] = text.split('--- find\n');
  const [find = '', replace = ''] = rest.split('--- replace\n');
  const field = (name) =>
    head
      .split('\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2));
  const trim = (part) => part.replace(/\n$/, '');
  return {
    number: file.slice(0, 2),
    title: field('title')[0],
    file: field('file')[0],
    tries: field('try'),
    find: trim(find),
    replace: trim(replace),
  };
}

/** Sources and links to installed packages; workspace packages lead into the copy. */
function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
  const filter = (path) => !['dist', 'node_modules'].includes(basename(path));
  for (const name of ['libs', 'apps', 'test', 'tools', 'package.json', 'jest.config.js']) {
    cpSync(join(root, name), join(copy, name), { recursive: true, filter });
  }
  for (const name of readdirSync(root)) {
    if (/^tsconfig.*\.json$/.test(name)) cpSync(join(root, name), join(copy, name));
  }
  // Jest wants its roots to be there.
  for (const name of ['sample-order-service', 'examples']) mkdirSync(join(copy, name));
  linkModules(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const group of ['libs', 'apps']) {
    for (const name of readdirSync(join(root, group))) {
      const inner = join(root, group, name, 'node_modules');
      if (existsSync(inner)) symlinkSync(inner, join(copy, group, name, 'node_modules'));
    }
  }
  return copy;
}

function linkModules(from, to) {
  mkdirSync(to);
  const copy = dirname(to);
  const scope = '@nestjs-rocketmq';
  for (const name of readdirSync(from)) {
    if (name !== scope && name !== 'nestjs-rocketmq') symlinkSync(join(from, name), join(to, name));
  }
  mkdirSync(join(to, scope));
  for (const group of ['libs', 'apps']) {
    for (const name of readdirSync(join(root, group))) {
      const manifest = join(root, group, name, 'package.json');
      if (!existsSync(manifest)) continue;
      const { name: full } = JSON.parse(readFileSync(manifest, 'utf8'));
      symlinkSync(join(copy, group, name), join(to, full));
    }
  }
}

function run(cwd, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk) => (output = (output + chunk).slice(-200_000));
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer = setTimeout(() => child.kill('SIGKILL'), longestTryMs);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** Who noticed, or undefined; throws when the patch is no working program. */
async function attempt(copy, line) {
  const [kind, ...words] = line.split(' ');
  if (kind === 'simulate') {
    const [seed, seeds] = words;
    const args = ['--import', './tools/typescript.mjs', 'test/simulation/main.ts', '--quick'];
    const { output } = await run(copy, [...args, '--seed', seed, '--seeds', seeds]);
    if (!/^\d+ passed, \d+ failed$/m.test(output)) throw new Error(output.slice(-600));
    return /^(seed \d+: I\d+.*)$/m.exec(output)?.[1];
  }
  const { output } = await run(copy, ['tools/jest.mjs', ...words]);
  if (output.includes('Test suite failed to run')) throw new Error(output.slice(-600));
  // Silence counts only where tests ran.
  if (!/^Tests: /m.test(output)) throw new Error(`no test ran: ${output.slice(-600)}`);
  return /^ {2}● (.*)$/m.exec(output)?.[1];
}

async function judge(copy, mutant) {
  const path = join(copy, mutant.file);
  const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const count = source.split(mutant.find).length - 1;
  if (mutant.find === '' || count !== 1) {
    return { isCaught: false, by: `the patch does not apply: its text is there ${count} times` };
  }
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  try {
    for (const line of mutant.tries) {
      const by = await attempt(copy, line);
      if (by !== undefined) return { isCaught: true, by };
    }
    return { isCaught: false, by: `nobody noticed (${mutant.tries.join('; ')})` };
  } catch (error) {
    return { isCaught: false, by: `the patch is no working program: ${error.message}` };
  } finally {
    writeFileSync(path, source);
  }
}

/** What would notice the defects must be silent without them, or it proves nothing. */
async function control(copy, all) {
  const tries = new Set(all.flatMap(({ tries }) => tries));
  const simulated = [...tries].filter((line) => line.startsWith('simulate 1 '));
  const most = Math.max(0, ...simulated.map((line) => Number(line.split(' ')[2])));
  for (const line of simulated) tries.delete(line);
  if (most > 0) tries.add(`simulate 1 ${most}`);
  for (const line of tries) {
    const by = await attempt(copy, line);
    if (by !== undefined) return `${line}: ${by}`;
  }
  return undefined;
}

const chosen = process.argv.slice(2).map((number) => number.padStart(2, '0'));
const mutants = readdirSync(here)
  .filter((name) => name.endsWith('.mutant'))
  .filter((name) => chosen.length === 0 || chosen.includes(name.slice(0, 2)))
  .sort()
  .map(readMutant);
const unknown = chosen.filter((number) => !mutants.some((mutant) => mutant.number === number));
if (unknown.length > 0) {
  console.error(
    `No defect here has the number ${unknown.join(', ')}; each file is named for its own.`,
  );
  process.exit(1);
}
const waiting = [...mutants];
let passed = 0;
let failed = 0;

async function workWithout() {
  const copy = copyTree();
  try {
    const noise = await control(copy, mutants);
    if (noise === undefined) passed += 1;
    else failed += 1;
    console.log(
      noise === undefined ? 'silent without a defect' : `NOISE without a defect: ${noise}`,
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function work() {
  const copy = copyTree();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const start = performance.now();
      const { isCaught, by } = await judge(copy, mutant);
      if (isCaught) passed += 1;
      else failed += 1;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const word = isCaught ? 'caught' : 'MISSED';
      console.log(`${word} (${mutant.number}) ${mutant.title}, ${seconds} s: ${by}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
await Promise.all([workWithout().then(work), ...Array.from({ length: jobs - 1 }, work)]);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
