import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { settleBooks } from './books.js';
import { Buyers } from './buyers.js';
import { ShopProcesses } from './shop-processes.js';

/** Kills of a run; `.ci/run` asks for 20. */
const kills = Number(process.env['KILLS'] ?? 3);
const REACHED_WITHIN_MS = 120_000;
const BUYERS = 8;

const failpoints = [
  'order.afterHalf',
  'order.beforeEnd',
  'payment.afterHalf',
  'payment.beforeEnd',
  'order.beforeEvent',
  'order.beforeAck',
  'payment.beforeAck',
  'inventory.beforeAck',
  'points.beforeCommit',
] as const;

type Kill = (typeof failpoints)[number] | 'broker' | 'sample';

/** The points that matter most come first, so that a short run has them; the rest by the seed. */
function plan(random: SeededRandom): Kill[] {
  const first: Kill[] = [
    'order.beforeEnd',
    'broker',
    'payment.beforeEnd',
    'inventory.beforeAck',
    'order.afterHalf',
    'payment.afterHalf',
  ];
  const all: readonly Kill[] = [...failpoints, 'broker', 'broker', 'sample'];
  const rest = Array.from({ length: Math.max(0, kills - first.length) }, () => random.pick(all));
  return [...first, ...rest].slice(0, kills);
}

/** Where the service shall kill itself next, one of the first times it comes there. */
function nextFailpoint(plan: readonly Kill[], random: SeededRandom): string | undefined {
  const next = plan.find((kill) => kill !== 'broker');
  return next === undefined || next === 'sample' ? undefined : `${next}:${1 + random.below(10)}`;
}

async function killBroker(shop: ShopProcesses, random: SeededRandom): Promise<void> {
  await pause(300 + random.below(1200));
  await shop.killBroker();
  await pause(random.below(500));
  await shop.startBroker();
}

/** The service dies, by its failpoint or at any moment, and is started with the next failpoint. */
async function killSample(
  shop: ShopProcesses,
  kill: Kill,
  rest: readonly Kill[],
  random: SeededRandom,
): Promise<void> {
  if (kill === 'sample') {
    await pause(300 + random.below(1200));
    await shop.killSample();
  } else {
    const ended = shop.sampleEnded.then(() => 'ended');
    const outcome = await Promise.race([ended, pause(REACHED_WITHIN_MS, 'late', { ref: false })]);
    if (outcome === 'late') throw new Error(`${kill} was not reached\n${shop.output()}`);
  }
  await shop.startSample(nextFailpoint(rest, random));
}

describe('the order service under kill -9', () => {
  const seed = seedOfRun();

  it(
    `keeps orders, stock, points and money in agreement over ${kills} kills (SEED=${seed})`,
    async () => {
      const random = new SeededRandom(seed);
      const planned = plan(random);
      const shop = await ShopProcesses.start(nextFailpoint(planned, random));
      const buyers = new Buyers(shop.url, new SeededRandom(seed + 1));
      try {
        buyers.start(BUYERS);
        const done: Kill[] = [];
        const [...rest] = planned;
        for (let kill = rest.shift(); kill !== undefined; kill = rest.shift()) {
          if (kill === 'broker') await killBroker(shop, random);
          else await killSample(shop, kill, rest, random);
          done.push(kill);
        }
        await buyers.finish();
        const wrong = await settleBooks(buyers);
        const intents = new Set(buyers.journal.map((entry) => entry.intent));
        process.stderr.write(
          `  SEED=${seed}: ${buyers.journal.length} orders, killed at ${done.join(', ')}\n`,
        );
        if (wrong.length > 0) process.stderr.write(`${shop.output()}\n`);
        expect(wrong).toEqual([]);
        expect(buyers.journal.length).toBeGreaterThanOrEqual(2 * BUYERS);
        expect([...intents].sort()).toEqual(['cancel', 'leave', 'pay', 'pay-late', 'pay-unheard']);
      } finally {
        await buyers.abandon();
        await shop.close();
      }
    },
    600_000 + kills * 60_000,
  );
});
