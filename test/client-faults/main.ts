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

async function run(): Promise<number> {
  const seed = Number(valueOf('seed') ?? seedOfRun(20_260_105));
  const only = valueOf('only');
  const chosen = all.filter(({ name }) => only === undefined || name.includes(only));
  let passed = 0;
  let cluster = await Cluster.start();
  try {
    for (const [n, scenario] of chosen.entries()) {
      if (await played(scenario, cluster, seed + n)) passed += 1;
      else {
        // What is broken may stay broken: the next story gets servers of its own.
        await cluster.close();
        cluster = await Cluster.start();
      }
    }
  } finally {
    await cluster.close();
  }
  console.log(`seed ${seed}`);
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  return passed === chosen.length && passed > 0 ? 0 : 1;
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(messageOf(error), error);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
