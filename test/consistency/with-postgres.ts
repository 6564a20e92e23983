import { spawn } from 'node:child_process';
import { findPostgres, installPostgres, PostgresServer } from './postgres.js';

/*
 * node --import ./tools/typescript.mjs test/consistency/with-postgres.ts [--install] -- COMMAND
 *
 * Runs a command with DATABASE_URL naming an empty database of a PostgreSQL server that is started
 * for it, and ends with its status. Without a server it says so and counts one skipped.
 */

const cut = process.argv.indexOf('--');
const [program = '', ...args] = cut < 0 ? [] : process.argv.slice(cut + 1);
if (program === '') throw new Error('which command? write it after --');
const mayInstall = process.argv.slice(0, cut).includes('--install');
const problem = findPostgres() === undefined && mayInstall ? installPostgres() : undefined;
const bin = findPostgres();
if (bin === undefined) {
  const why = problem ?? 'no server is installed; --install installs it';
  console.log(`PostgreSQL: left out, ${why}.\n0 passed, 0 failed, 1 skipped`);
  process.exit(0);
}
const server = await PostgresServer.start(bin);
try {
  const env = { ...process.env, DATABASE_URL: await server.database() };
  const child = spawn(program, args, { env, stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
} finally {
  await server.stop();
}
