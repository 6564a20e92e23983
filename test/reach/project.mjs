// Empty projects for the reach test: folders with a manifest, packed tarballs and what npm installs.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const packages = join(root, '.cache/packages');

/** Runs a program to its end; answers what it printed and its exit code. Killed after the limit. */
export function run(command, args, { cwd, limit = 180_000, env = process.env } = {}) {
  return new Promise((resolve) => {
    const program = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    const timer = setTimeout(() => {
      printed += `\n(killed after ${limit / 1000} s)`;
      program.kill('SIGKILL');
    }, limit);
    program.stdout.on('data', (chunk) => (printed += chunk));
    program.stderr.on('data', (chunk) => (printed += chunk));
    program.once('error', (error) => (printed += String(error)));
    program.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, printed: printed.trim() });
    });
  });
}

/** `name` of a tarball, or undefined: the packed packages under the names of their manifests. */
export function tarballs() {
  return Object.fromEntries(
    readdirSync(packages).map((file) => {
      const bare = file.replace(/-\d+\.\d+\.\d+.*\.tgz$/, '');
      const name = bare === 'nestjs-rocketmq' ? bare : bare.replace(/^(nestjs-rocketmq)-/, '@$1/');
      return [name, `file:${join(packages, file)}`];
    }),
  );
}

/** Makes a folder with a manifest and installs what it names, by the user's own npm configuration. */
export async function install(folder, dependencies, type = 'module') {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'empty-project', version: '1.0.0', private: true, type, dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  return run('npm', ['install', ...quiet, '--loglevel=error'], { cwd: folder, limit: 300_000 });
}

/**
 * A second folder that shares the packages of the first: for the other module system, or another
 * compiler. Its sources are those of `test/reach/app`.
 */
export function sources(folder, type, files) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type, private: true }));
  for (const file of files) cpSync(join(root, 'test/reach/app', file), join(folder, file));
}

/** Compiles the sources of a folder into `dist` of it. */
export function compile(compiler, folder, options) {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    rootDir: '.',
    outDir: 'dist',
    ...options,
  };
  const config = { compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, null, 2));
  const tsc = join(compiler, 'bin/tsc');
  return run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder });
}
