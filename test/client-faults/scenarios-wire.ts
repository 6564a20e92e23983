import { eventually } from '../support/eventually.js';
import { brokerNames } from './cluster.js';
import type { FaultRelay, Side } from './fault-relay.js';
import type { Scenario, Stage } from './stage.js';
import { CutOnce, framesOf, Scramble } from './wire-faults.js';

const waitMs = 60_000;
const hour = 3_600_000;

/** The frames that are cut at their bytes: who writes them, and the codes of the requests. */
const cutOnes: ReadonlyArray<readonly [what: string, from: Side, codes: readonly number[]]> = [
  ['send', 'client', [310]],
  ['answer to a send', 'server', [310]],
  ['pull', 'client', [11]],
  ['answer to a pull', 'server', [11]],
  ['heartbeat', 'client', [34]],
  ['answer to a heartbeat', 'server', [34]],
  ['query of members', 'client', [38]],
  ['answer to a query of members', 'server', [38]],
  ['message given back', 'client', [36]],
  ['answer to a message given back', 'server', [36]],
  ['lock', 'client', [41]],
  ['answer to a lock', 'server', [41]],
  ['offset', 'client', [15]],
];
/** Of a long frame each of these bytes at its beginning is cut, those behind them in steps. */
const eachByteTo = 400;
const stepBeyond = 997;
const comesWithinMs = 60_000;

/** The relays in front of both brokers. */
function relays(stage: Stage): Promise<FaultRelay[]> {
  return Promise.all(brokerNames.map((name) => stage.network.before(stage.cluster.address(name))));
}

const cut: Scenario = {
  name: 'connections cut inside frames',
  load: {
    troubles: 0.02,
    consumer: { pullRetryDelay: '10ms', rebalanceInterval: '500ms', lockInterval: '300ms' },
  },
  throughRelays: true,
  failsNoSend: true,
  cutsThousands: true,
  run: async (stage) => {
    const all = await relays(stage);
    let cuts = 0;
    await stage.broken('cuts', async () => {
      for (const [what, from, codes] of cutOnes) {
        cuts += await cutFrames(stage, all, { what, from, codes });
      }
    });
    stage.notes.push(`${cuts} cuts`);
  },
};

interface Frames {
  readonly what: string;
  readonly from: Side;
  readonly codes: readonly number[];
}

async function cutFrames(
  stage: Stage,
  all: readonly FaultRelay[],
  frames: Frames,
): Promise<number> {
  const { what, from, codes } = frames;
  const isFull = stage.span(0, 1) === 1;
  let cuts = 0;
  let length = Number.POSITIVE_INFINITY;
  let at = isFull ? 0 : stage.random.below(80);
  while (at < length) {
    const fault = new CutOnce(framesOf(from, codes), at, stage.random.pick(['end', 'reset']));
    for (const relay of all) relay.fault = fault;
    const came = await Promise.race([fault.done.then(() => true), stage.sleep(comesWithinMs)]);
    if (came !== true) {
      stage.history.violation('story', `no frame came that is: ${what}`);
      break;
    }
    cuts += 1;
    length = fault.length;
    at += isFull ? (at < eachByteTo ? 1 : stepBeyond) : 60 + stage.random.below(200);
    await stage.acknowledged(1);
  }
  for (const relay of all) relay.fault = undefined;
  return cuts;
}

const halfOpen: Scenario = {
  name: 'half-open sockets',
  // Whoever waits this long for nothing at all looks for another connection.
  load: { producer: { sendTimeout: '2500ms' } },
  throughRelays: true,
  failsNoSend: false,
  run: async (stage) => {
    const all = await relays(stage);
    await stage.broken('half-open', async () => {
      for (const relay of all) {
        for (const pair of relay.open) pair.freeze();
      }
    });
    const before = all.map(({ connections }) => connections);
    await eventually('new connections to both', waitMs, () =>
      all.every(({ connections }, n) => connections > (before[n] as number)) ? true : undefined,
    );
  },
};

const scrambled: Scenario = {
  name: 'answers doubled, reordered and of nothing',
  throughRelays: true,
  failsNoSend: true,
  run: async (stage) => {
    const all = await relays(stage);
    const faults = all.map((relay) => (relay.fault = new Scramble(stage.random)));
    // Nothing of this may make anybody repeat anything, so it counts as calm.
    await stage.acknowledged(stage.span(2_000, 100_000));
    for (const relay of all) relay.fault = undefined;
    const sum = (of: (one: Scramble) => number): number => faults.reduce((n, f) => n + of(f), 0);
    stage.notes.push(
      `${sum((one) => one.doubled)} doubled, ${sum((one) => one.reordered)} reordered, ` +
        `${sum((one) => one.misled)} of nothing`,
    );
  },
};

const slow: Scenario = {
  name: 'slow readers',
  throughRelays: true,
  failsNoSend: true,
  run: async (stage) => {
    const all = await relays(stage);
    for (const relay of all) for (const pair of relay.open) pair.slow(20);
    await stage.sleep(stage.span(3_000, 30_000));
    for (const relay of all) for (const pair of relay.open) pair.slow(0);
  },
};

const jumping: Scenario = {
  name: 'the clock jumps',
  throughRelays: true,
  failsNoSend: true,
  run: async (stage) => {
    for (const jump of [hour, -2 * hour, 3 * hour, -2 * hour]) {
      stage.clock.jump(jump);
      await stage.acknowledged(stage.span(500, 10_000));
    }
  },
};

export const wireScenarios: readonly Scenario[] = [cut, halfOpen, scrambled, slow, jumping];
