import { messageOf } from '@nestjs-rocketmq/foundation';
import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { Cluster } from './cluster.js';
import { memberScenarios } from './scenarios-members.js';
import { serverScenarios } from './scenarios-servers.js';
import { wireScenarios } from './scenarios-wire.js';
import { type Scenario, Stage } from './stage.js';

/*
 * npm run test:client-faults [-- --full] [--strict] [--seed S] [--only TEXT]
 *
 * Our client against two name servers and two brokers, each a process, while things break. README.md
 * says what is judged. Ends with `N passed, N failed`.
 */

const all: readonly Scenario[] = [...serverScenarios, ...wireScenarios, ...memberScenarios];

function valueOf(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function played(scenario: Scenario, cluster: Cluster, seed: number): Promise<boolean> {
  const start = performance.now();
  const isFull = process.argv.includes('--full');
  const isStrict = process.argv.includes('--strict');
  const stage = new Stage(scenario, { cluster, seed, isFull, isStrict });
  let told = '';
  try {
    told = await stage.play();
  } catch (error) {
    stage.history.violation('story', messageOf(error));
  }
  const { violations } = stage.history;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const verdict = violations.length === 0 ? 'ok' : 'FAILED';
  console.log(`${verdict}: ${scenario.name} (${seconds} s): ${told}`);
  for (const line of violations.slice(0, 20)) console.log(`  ${line}`);
  if (violations.length > 20) console.log(`  and ${violations.length - 20} more`);
  return violations.length === 0;
}

/** One after the other on servers of their own; answers how many went well. */
async function playAll(scenarios: readonly Scenario[], seed: number): Promise<number> {
  if (scenarios.length === 0) return 0;
  let passed = 0;
  let cluster = await Cluster.start();
  try {
    for (const scenario of scenarios) {
      if (await played(scenario, cluster, seed + all.indexOf(scenario))) {
        passed += 1;
        continue;
      }
      // What is broken may stay broken: the next story gets servers of its own.
      await cluster.close();
      cluster = await Cluster.start();
    }
  } finally {
    await cluster.close();
  }
  return passed;
}

async function run(): Promise<number> {
  const seed = Number(valueOf('seed') ?? seedOfRun(20_260_105));
  const only = valueOf('only');
  const chosen = (of: readonly Scenario[]): Scenario[] =>
    of.filter(({ name }) => only === undefined || name.includes(only));
  const streams = [chosen(serverScenarios), chosen([...wireScenarios, ...memberScenarios])];
  // Full runs go one after the other, so that all of the load is on what is looked at.
  const isFull = process.argv.includes('--full');
  const rounds = isFull ? [streams.flat()] : streams;
  const counts = await Promise.all(rounds.map((stream) => playAll(stream, seed)));
  const passed = counts.reduce((sum, count) => sum + count, 0);
  const failed = streams.flat().length - passed;
  console.log(`seed ${seed}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(messageOf(error), error);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
