// The pages as a newcomer takes them: the quick start's commands, tsconfig and program word for word, and
// what the other pages show, put together, with the newest compiler and types of Node.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, tarballs } from './project.mjs';

const folder = join(root, 'docs/nest');
/** What npm gives to who names no version; the workspace itself is on older types of Node. */
const newest = { typescript: '7.0.2', '@types/node': '26.6.6' };

function pageOf(name) {
  return readFileSync(join(folder, `${name}.md`), 'utf8');
}

function blockOf(page, language) {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page);
  if (found === null) throw new Error(`the page has no block of ${language}`);
  return found[1];
}

/** The first block of JavaScript behind the place where a file is named. */
function blockAfter(page, file) {
  return blockOf(page.slice(page.lastIndexOf(`\`${file}\`:`)), 'js');
}

/** Packages that commands or remarks of a text install. */
function installed(text) {
  const commands = text.matchAll(/^(?:\/\/ )?npm install (.*)$/gm);
  return [...commands].flatMap(([, names]) =>
    names.split(' ').filter((one) => !one.startsWith('-')),
  );
}

function packagesImportedBy(code) {
  const names = [...code.matchAll(/(?:from|^import) '([^'.][^']*)'/gm)].map(([, name]) => name);
  return names
    .filter((name) => !name.startsWith('node:'))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
}

const quickStartPage = pageOf('quick-start');
const quickStart = {
  packages: installed(blockOf(quickStartPage, 'sh')),
  tsconfig: blockOf(quickStartPage, 'json'),
  program: blockOf(quickStartPage, 'ts'),
  prints: blockOf(quickStartPage, 'text').trim(),
};

/**
 * The code that a page shows of each program, as who copies it has it: the imports, then every piece once.
 * `{ page, program, code }`, for every page but the quick start.
 */
function shownPrograms() {
  const names = readdirSync(folder).map((file) => file.replace(/\.md$/, ''));
  return names.filter((name) => name !== 'quick-start').flatMap(programsOf);
}

function programsOf(page) {
  const marked =
    /^<!-- (example|imports): (\S+)\/main\.ts(?:#(\S+))? -->\n+```ts\n([\s\S]*?)^```$/gm;
  const programs = new Map();
  for (const [, kind, program, region, code] of pageOf(page).matchAll(marked)) {
    const shown = programs.get(program) ?? { imports: undefined, pieces: new Map() };
    if (kind === 'imports') shown.imports = code;
    else shown.pieces.set(region, code);
    programs.set(program, shown);
  }
  return [...programs]
    .filter(([, { imports }]) => imports !== undefined)
    .map(([program, { imports, pieces }]) => {
      const text = readFileSync(join(root, 'examples/src', program, 'main.ts'), 'utf8');
      // A page may show the module first; who writes it down puts classes before it.
      const place = (region) => text.indexOf(`// #region ${region}\n`);
      const code = [...pieces].toSorted(([a], [b]) => place(a) - place(b)).map(([, one]) => one);
      return { page, program, imports, pieces, code: [imports, ...code].join('\n') };
    });
}

/** What the quick start left in the reader's hands, and a reader knows how to get. */
const around = `import type { INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import type { RocketMQTemplate } from 'nestjs-rocketmq';

declare global {
  const servers: EmbeddedRocketMQ;
  const app: INestApplicationContext;
  const template: RocketMQTemplate;
}
`;

/** The dependencies of a project in which everything of the pages works. */
export function pageDependencies() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const ours = tarballs();
  const names = [...quickStart.packages, ...shownPrograms().flatMap(({ code }) => installed(code))];
  const versions = names.map((name) => {
    const version = ours[name] ?? newest[name] ?? devDependencies[name];
    if (version === undefined) throw new Error(`a page installs ${name}, which no test knows`);
    return [name, version];
  });
  return { ...ours, ...Object.fromEntries(versions) };
}

/** Runs a program until it prints a line, then ends it by Ctrl-C; answers all it printed. */
function runUntil(line, file, cwd) {
  return new Promise((resolve) => {
    const program = spawn(process.execPath, [file], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    const limit = setTimeout(() => program.kill('SIGKILL'), 120_000);
    const read = (chunk) => {
      printed += chunk;
      if (printed.includes(line)) program.kill('SIGINT');
    };
    program.stdout.on('data', read);
    program.stderr.on('data', read);
    program.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ printed, code, signal });
    });
  });
}

async function quickStartRuns(project, check) {
  const missing = packagesImportedBy(quickStart.program).filter(
    (name) => !quickStart.packages.includes(name),
  );
  check('the quick start installs what it imports', missing.length === 0, missing.join('\n'));
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'tsconfig.json'), quickStart.tsconfig);
  writeFileSync(join(project, 'src/main.ts'), quickStart.program);
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const built = await run(process.execPath, [tsc, '--pretty', 'false'], { cwd: project });
  check('the quick start compiles', built.code === 0, built.printed);
  if (built.code !== 0) return;
  const { printed, signal, code } = await runUntil(quickStart.prints, 'dist/main.js', project);
  check('the quick start handles its first message', printed.includes(quickStart.prints), printed);
  const isOrderly = (signal === 'SIGINT' || code === 130) && !printed.includes('ERROR');
  check('the quick start ends by Ctrl-C', isOrderly, `${signal} ${code}\n${printed}`);
}

async function pagesCompile(project, check) {
  const shown = shownPrograms();
  const sources = join(project, 'src');
  writeFileSync(join(sources, 'around.d.ts'), around);
  // The one file that a page tells to copy.
  cpSync(join(root, 'examples/src/consistency/pool.ts'), join(sources, 'pool.ts'));
  for (const { page, program, code } of shown) {
    writeFileSync(join(sources, `${page}-${program}.ts`), `${code}\nexport {};\n`);
  }
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '--pretty', 'false', '--noEmit'];
  const { printed } = await run(process.execPath, args, { cwd: project });
  for (const { page, program } of shown) {
    const file = `src/${page}-${program}.ts(`;
    const errors = printed.split('\n').filter((line) => line.startsWith(file));
    const title = `what the page '${page}' shows of '${program}' compiles by itself`;
    check(title, errors.length === 0, errors.join('\n'));
  }
  // Types of other packages are theirs to mend.
  const others = printed
    .split('\n')
    .filter((line) => /^(src\/(pool|around|main)\b|node_modules\/@?nestjs-rocketmq\/)/.test(line));
  check(
    'our types hold with everything that pages install',
    others.length === 0,
    others.join('\n'),
  );
}

/** The page on testing under Jest, with the configuration that it shows. */
async function testingPageRuns(check) {
  // Inside the repository, which has Jest and swc: they would take longer to install than all else.
  const project = join(root, '.cache', `reach-jest-${process.pid}`);
  const { imports, pieces } = programsOf('testing')[0];
  const { application, ...steps } = Object.fromEntries(pieces);
  const spec = `${imports}
${application}
it('does what the page says', async () => {
${Object.values(steps).join('')}
await app.close();
await mq.close();
}, 120_000);
`;
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  writeFileSync(join(project, 'jest.config.js'), blockAfter(pageOf('testing'), 'jest.config.js'));
  writeFileSync(join(project, 'src/page.spec.ts'), spec);
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const { NODE_OPTIONS: _, ...env } = process.env;
  const ended = await run(process.execPath, ['--experimental-vm-modules', jest], {
    cwd: project,
    env,
  });
  rmSync(project, { recursive: true, force: true });
  check('the page on testing does what it says, under Jest', ended.code === 0, ended.printed);
}

/** `project` has what `pageDependencies` names. */
export async function pagesHold(project, check) {
  await quickStartRuns(project, check);
  await pagesCompile(project, check);
  await testingPageRuns(check);
}
