// npm run test:reach [-- --quick]: packs every package, installs the tarballs into empty projects
// through npm, and compiles and runs a small application there: Nest 11 and 12, ES modules and
// CommonJS, several versions of TypeScript and of Node; `--quick` takes one compiler for each Nest. The
// pages are followed there too, to the letter; `--pages` does that only.
// Ends with `N passed, N failed, N skipped`.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undeclaredImports } from './imports.mjs';
import { pageDependencies, pagesHold } from './pages.mjs';
import { compile, install, root, run, sources, tarballs } from './project.mjs';

const nest = {
  12: {
    common: '12.5.1',
    core: '12.5.1',
    microservices: '12.1.1',
    terminus: '12.1.0',
    testing: '12.1.1',
  },
  11: { common: '^11', core: '^11', microservices: '^11', terminus: '^11', testing: '^11' },
};
const compilers = {
  'TypeScript 5.8': '~5.8.3',
  'TypeScript 5.9': '~5.9.3',
  'TypeScript 7': '7.0.2',
};
const [newestCompiler, middleCompiler] = ['TypeScript 7', 'TypeScript 5.9'];
const isQuick = process.argv.includes('--quick');
const expected = 'sent SEND_OK, handled o1 of 30 with key o1 from orders';

const work = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-reach-'));
const counts = { passed: 0, failed: 0, skipped: 0 };
const began = performance.now();

function check(title, isRight, printed = '') {
  counts[isRight ? 'passed' : 'failed'] += 1;
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${isRight ? 'ok     ' : 'FAILED '} ${String(seconds).padStart(4)} s  ${title}`);
  if (!isRight) console.log(printed.replace(/^/gm, '        ').slice(0, 6000));
}

function skip(title, reason) {
  counts.skipped += 1;
  console.log(`skipped ${title}: ${reason}`);
}

/** What every project has; the optional peers only where they are wanted. */
function dependencies(version, withOptionalPeers) {
  const { common, core, microservices, terminus, testing } = nest[version];
  return {
    ...tarballs(),
    '@nestjs/common': common,
    '@nestjs/core': core,
    '@nestjs/testing': testing,
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
    '@types/node': '20.19.0',
    ...(withOptionalPeers && {
      '@nestjs/microservices': microservices,
      '@nestjs/terminus': terminus,
      '@opentelemetry/api': '1.9.0',
      'prom-client': '15.1.3',
      typeorm: version === 12 ? '1.1.1' : '^0.3.20',
      pg: '8.23.1',
      '@types/pg': '8.23.1',
    }),
  };
}

/** Compiles the application with one compiler in one module system, both ways, and runs it. */
async function applicationRuns(project, title, compiler, type, more = {}) {
  const folder = join(project, `${type}-${title.replaceAll(/\W+/g, '-')}`);
  sources(folder, type, ['application.ts']);
  // What compiles without it compiles with it; one way to have it is enough for each compiler.
  for (const skipLibCheck of type === 'module' ? [false] : [false, true]) {
    const built = await compile(compiler, folder, { skipLibCheck, ...more });
    const how = `${title} compiles, skipLibCheck ${skipLibCheck}`;
    check(how, built.code === 0, built.printed);
    if (built.code !== 0) return undefined;
  }
  const main = join(folder, 'dist/application.js');
  const { code, printed } = await run(process.execPath, [main], { cwd: folder });
  check(`${title} runs`, code === 0 && printed === expected, printed);
  return main;
}

/** Loading the package loads none of its optional peers, nor any package it does not declare. */
async function loadsNoOptionalPeer(project) {
  const { peerDependenciesMeta } = JSON.parse(
    readFileSync(join(root, 'libs/nestjs/package.json'), 'utf8'),
  );
  const hooks = join(project, 'hooks.mjs');
  writeFileSync(
    hooks,
    `import { register } from 'node:module';
import { writeSync } from 'node:fs';
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  if (/nestjs-rocketmq/.test(context.parentURL ?? '')) writeSync(1, 'asked for ' + specifier + '\\n');
  return found;
}
if (!process.env.IS_HOOK) { process.env.IS_HOOK = '1'; register(import.meta.url); }
`,
  );
  const main = join(project, 'import-main.mjs');
  writeFileSync(main, "await import('nestjs-rocketmq');\n");
  const { code, printed } = await run(process.execPath, ['--import', hooks, main], {
    cwd: project,
  });
  const asked = [...printed.matchAll(/^asked for (.*)$/gm)].map((found) => found[1]);
  const optional = Object.keys(peerDependenciesMeta);
  const wrong = asked.filter((one) =>
    optional.some((peer) => one === peer || one.startsWith(`${peer}/`)),
  );
  const isRight = code === 0 && asked.includes('@nestjs/core') && wrong.length === 0;
  check('importing nestjs-rocketmq loads no optional peer', isRight, wrong.join('\n') || printed);
}

/** Every package by its name, and nothing but itself and what it declares. */
async function everyPackageLoads(project) {
  const names = Object.keys(tarballs());
  for (const name of names) {
    const load = `const face = await import('${name}'); if (Object.keys(face).length === 0) process.exit(3)`;
    const args = ['--input-type=module', '--eval', load];
    const { code, printed } = await run(process.execPath, args, { cwd: project });
    check(`${name} loads`, code === 0, printed || 'it hands out nothing');
    const undeclared = undeclaredImports(join(project, 'node_modules', name));
    check(`${name} imports what it declares`, undeclared.length === 0, undeclared.join('\n'));
  }
  for (const binary of ['mqnamesrv', 'mqbroker']) {
    const { code, printed } = await run(join(project, 'node_modules/.bin', binary), ['-h'], {
      cwd: project,
    });
    check(`the command ${binary} is installed`, code === 0 && printed.includes('-n'), printed);
  }
}

/** What a sub-path says when its peers are missing: it works, or names the package to install. */
async function missingPeersAreNamed(project) {
  for (const path of ['nestjs-rocketmq/consistency', 'nestjs-rocketmq/microservices']) {
    const args = ['--input-type=module', '--eval', `await import('${path}')`];
    const { code, printed } = await run(process.execPath, args, { cwd: project });
    const isNamed = /@nestjs\/microservices|typeorm|'pg'/.test(printed);
    check(`${path} loads, or names the peer that is missing`, code === 0 || isNamed, printed);
  }
}

async function subPathsLoad(project, title) {
  const compiler = join(work, 'compilers/node_modules/5.9');
  const old = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '5.0' };
  for (const [how, type, options] of [
    ['ES modules', 'module', {}],
    ['CommonJS', 'commonjs', {}],
    ['CommonJS with the resolution of old projects', 'commonjs', old],
  ]) {
    const folder = join(project, `sub-paths-${how.replaceAll(/\W+/g, '-')}`);
    sources(folder, type, ['sub-paths.ts']);
    const built = await compile(compiler, folder, { skipLibCheck: false, ...options });
    check(`${title}, sub-paths from ${how}, compile`, built.code === 0, built.printed);
    const { code, printed } = await run(process.execPath, [join(folder, 'dist/sub-paths.js')]);
    const isRight = code === 0 && printed.match(/loaded/g)?.length === 3;
    check(`${title}, sub-paths from ${how}, run`, isRight, printed);
  }
}

async function otherNodes(mains) {
  for (const version of ['22', '24']) {
    const folder = join(work, `node-${version}`);
    const { printed } = await install(folder, { [`node-linux-${process.arch}`]: version });
    const binary = join(folder, `node_modules/node-linux-${process.arch}/bin/node`);
    for (const [title, main] of Object.entries(mains)) {
      const what = `Node ${version}: ${title} runs`;
      if (!existsSync(binary)) {
        skip(what, `npm has no binary of it for this machine (${printed.split('\n')[0]})`);
        continue;
      }
      const ended = await run(binary, [main]);
      check(what, ended.code === 0 && ended.printed === expected, ended.printed);
    }
  }
}

/** The oldest compiler that knows `require` of ES modules is tried with the newest Nest only. */
function compilersFor(version) {
  const all = Object.entries(compilers);
  if (isQuick)
    return all.filter(([title]) => title === (version === 12 ? newestCompiler : middleCompiler));
  return all.slice(version === 12 ? 0 : 1);
}

async function main() {
  const packed = await run(process.execPath, [join(root, 'tools/pack.mjs')], { cwd: root });
  check('every package is packed', packed.code === 0, packed.printed);
  const found = await install(
    join(work, 'compilers'),
    Object.fromEntries(
      Object.values(compilers).map((range) => [
        range.match(/\d+(\.[1-9]\d*)?/)[0],
        `npm:typescript@${range}`,
      ]),
    ),
  );
  check('the compilers are installed', found.code === 0, found.printed);
  const newcomer = join(work, 'newcomer');
  const begun = await install(newcomer, pageDependencies());
  check('what the pages install installs', begun.code === 0, begun.printed);
  await pagesHold(newcomer, check);
  if (process.argv.includes('--pages')) return;
  const mains = {};
  for (const version of [12, 11]) {
    const project = join(work, `nest-${version}`);
    const installed = await install(project, dependencies(version, false));
    check(`the tarballs install beside Nest ${version}`, installed.code === 0, installed.printed);
    for (const [title, range] of compilersFor(version)) {
      const compiler = join(work, 'compilers/node_modules', range.match(/\d+(\.[1-9]\d*)?/)[0]);
      for (const type of ['module', 'commonjs']) {
        const what = `Nest ${version}, ${type}, ${title}`;
        mains[what] = await applicationRuns(project, what, compiler, type);
      }
    }
    // Projects made years ago resolve by `main` and `types`, and know no `exports`.
    const old = { module: 'commonjs', moduleResolution: 'node10' };
    const compiler = join(work, 'compilers/node_modules/5.9');
    await applicationRuns(
      project,
      `Nest ${version}, resolution of old projects`,
      compiler,
      'commonjs',
      old,
    );
    await missingPeersAreNamed(project);
    if (version === 12) await everyPackageLoads(project);
    const full = join(work, `nest-${version}-peers`);
    const peers = await install(full, dependencies(version, true));
    check(`all optional peers install beside Nest ${version}`, peers.code === 0, peers.printed);
    await loadsNoOptionalPeer(full);
    await subPathsLoad(full, `Nest ${version}`);
  }
  const newest = Object.entries(mains).filter(
    ([title, file]) => /12.*7|11.*5\.9/.test(title) && file,
  );
  await otherNodes(Object.fromEntries(newest));
}

try {
  await main();
} catch (error) {
  check('the test itself', false, String(error?.stack));
} finally {
  if (counts.failed === 0) rmSync(work, { recursive: true, force: true });
  else console.log(`The projects stay in ${work}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
