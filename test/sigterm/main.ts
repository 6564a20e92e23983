import { EmbeddedRocketMQ, silentLogger } from '@nestjs-rocketmq/embedded';
import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { Database } from './database.js';
import { Story } from './story.js';

/*
 * npm run test:sigterm [-- --seeds N] [--seed S] [--jobs J]
 *
 * A Nest application under load is sent SIGTERM and started again, N seeds from S on. README.md says
 * what is judged. Ends with `N passed, N failed`.
 */

function numberOf(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} is no whole number`);
  return value;
}

const seeds = numberOf('seeds', 50);
const first = numberOf('seed', seedOfRun());
const jobs = numberOf('jobs', 2);

await using servers = await EmbeddedRocketMQ.start({
  broker: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' },
  logger: silentLogger,
});
const database = await Database.open();
const began = performance.now();
let next = 0;
let failed = 0;
let longest = 0;

async function work(): Promise<void> {
  while (next < seeds) {
    const seed = first + next;
    next += 1;
    const start = performance.now();
    const outcome = await new Story(seed, servers, database).play();
    const { problems, lives, orders, notes, repeated, longestExit } = outcome;
    longest = Math.max(longest, longestExit);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const verdict = problems.length === 0 ? 'ok' : 'FAILED';
    console.log(
      `${verdict}: seed ${seed}: ${lives} lives, ${orders} orders, ${notes} notes ` +
        `(${repeated} handled again), longest exit ${longestExit.toFixed(0)} ms, ${seconds} s`,
    );
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length > 0) failed += 1;
  }
}

await Promise.all(Array.from({ length: jobs }, work));
await database.close();
const took = ((performance.now() - began) / 1000).toFixed(0);
console.log(`${seeds} seeds from ${first} in ${took} s; longest exit ${longest.toFixed(0)} ms`);
console.log(`${seeds - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
