import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { pgStorage, type PgPoolLike } from 'nestjs-rocketmq/consistency';
import pg from 'pg';
import { openEmptyDatabase, PglitePool, putEmptyDatabase } from 'sample-order-service/testing';
import { contract } from './contract.js';
import { runKills } from './kills.js';
import { findPostgres, installPostgres, PostgresServer } from './postgres.js';
import { SeedStage } from './seeds.js';

/*
 * npm run test:consistency -- [--seeds N] [--kills N] [--seed S] [--on pglite,postgres] [--install]
 *
 * The consistency toolkit while everything fails that may: N seeds in this process, with statements
 * whose connection breaks before or after them, steps that throw, sends that are refused, verdicts
 * that are lost, check-backs that race and relays that die; then N kills of a process. On PGlite,
 * and on a PostgreSQL server, which also runs the contract of the storage. `--install` installs the
 * server from the system's packages when it is not there. Ends with `N passed, N failed`.
 */

interface Sum {
  passed: number;
  failed: number;
  skipped: number;
}

const sum: Sum = { passed: 0, failed: 0, skipped: 0 };

function note(title: string, wrong: readonly string[]): void {
  if (wrong.length === 0) sum.passed += 1;
  else {
    sum.failed += 1;
    console.log(`FAILED ${title}\n  ${wrong.slice(0, 20).join('\n  ')}`);
  }
}

async function runSeeds(where: string, pool: PgPoolLike, first: number, count: number) {
  const start = performance.now();
  const stage = await SeedStage.open(pool);
  let failed = 0;
  try {
    for (let seed = first; seed < first + count && failed < 3; seed += 1) {
      const wrong = await stage.run(seed).catch((error: unknown) => [messageOf(error)]);
      note(`seed ${seed} on ${where}`, wrong);
      if (wrong.length > 0) failed += 1;
    }
  } finally {
    await stage.close();
  }
  const counts = Object.entries(stage.counts).map(([name, times]) => `${name} ${times}`);
  console.log(
    `${where}: ${count} seeds from ${first} in ${Math.round((performance.now() - start) / 1000)} s, ` +
      `${failed} failed; what went wrong on purpose: ${counts.join(', ')}`,
  );
}

async function killed(where: string, database: string, kills: number, seed: number) {
  if (kills === 0) return;
  const start = performance.now();
  const result = await runKills(database, kills, new SeededRandom(seed));
  note(`${kills} kills on ${where}, seed ${seed}`, result.wrong);
  if (result.wrong.length === 0) sum.passed += kills - 1;
  console.log(
    `${where}: ${result.kills} kills in ${Math.round((performance.now() - start) / 1000)} s, ` +
      `${result.transfers} transfers acknowledged, ${result.wrong.length === 0 ? 'none' : 'some'} ` +
      'lost, doubled or torn',
  );
}

async function onPglite(seeds: number, kills: number, seed: number): Promise<void> {
  const { database, remove } = await openEmptyDatabase();
  const pool = new PglitePool({ database, leaseTimeoutMs: 60_000, onClosed: remove });
  await runSeeds('PGlite', pool, seed, seeds);
  await pool.end();
  const folder = mkdtempSync(join(tmpdir(), 'bank-'));
  try {
    await putEmptyDatabase(join(folder, 'database'));
    await killed('PGlite', join(folder, 'database'), kills, seed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onPostgres(seeds: number, kills: number, seed: number): Promise<void> {
  const problem =
    findPostgres() === undefined && process.argv.includes('--install')
      ? installPostgres()
      : undefined;
  const bin = findPostgres();
  if (bin === undefined) {
    const why = problem ?? 'no server is installed; --install installs it';
    console.log(`PostgreSQL: left out, ${why}.`);
    sum.skipped += 1;
    return;
  }
  const server = await PostgresServer.start(bin);
  try {
    const pool = new pg.Pool({ connectionString: await server.database(), max: 10 });
    pool.on('error', () => undefined);
    const storage = pgStorage(pool, { schema: 'contract' });
    await storage.migrate();
    for (const { title, run } of contract) {
      const failure = await run(storage).then(
        () => [],
        (error: unknown) => [messageOf(error)],
      );
      note(`the storage on PostgreSQL ${title}`, failure);
    }
    await runSeeds('PostgreSQL', pool, seed, seeds);
    await pool.end();
    await killed('PostgreSQL', await server.database(), kills, seed);
  } finally {
    await server.stop();
  }
}

function wanted(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} needs a whole number`);
  return value;
}

async function run(): Promise<void> {
  const seeds = wanted('seeds', 100);
  const kills = wanted('kills', 20);
  const seed = wanted('seed', seedOfRun());
  const at = process.argv.indexOf('--on');
  const on = at < 0 ? ['pglite', 'postgres'] : (process.argv[at + 1] ?? '').split(',');
  if (on.includes('pglite')) await onPglite(seeds, kills, seed);
  if (on.includes('postgres')) await onPostgres(seeds, kills, seed);
}

await run().catch((error: unknown) => {
  sum.failed += 1;
  console.error(messageOf(error), error);
});
console.log(
  `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`,
);
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);
