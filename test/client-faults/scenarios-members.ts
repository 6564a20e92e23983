import { eventually } from '../support/eventually.js';
import { MemberProcess } from './member-process.js';
import type { Scenario, Stage } from './stage.js';

const patienceMs = 60_000;
/**
 * The broker keeps the locks of the dead for a minute, and members look for locks every 20 s; ten more,
 * since machines are slow.
 */
const locksGoneMs = 90_000;
/** A second has so many comings and goings. */
const perSecond = 10;
/** Further members that come and go. */
const others = 10;

async function killOne(stage: Stage, group: string, mode: 'concurrent' | 'orderly', n: number) {
  const { cluster, history, topic } = stage;
  const order = { nameServers: cluster.nameServers, topic, group, mode };
  const member = MemberProcess.start(order, `process-${n}`, history);
  stage.processes.push(member);
  await member.joined();
  let handled = 0;
  const wanted = 1 + stage.random.below(200);
  const look = (): true | undefined => {
    handled += member.gather();
    return handled >= wanted ? true : undefined;
  };
  try {
    await eventually(`${wanted} messages at ${group}`, patienceMs, look);
  } finally {
    await member.kill();
  }
  await stage.acknowledged(100);
}

/** They handle messages whose offsets nobody was told yet. */
const killed: Scenario = {
  name: 'consumers killed between handling and commit',
  load: { lanes: 8, free: 8 },
  failsNoSend: true,
  run: async (stage) => {
    const { load } = stage;
    const kills = stage.span(2, 30);
    await stage.broken('members killed', async () => {
      for (let n = 0; n < kills; n += 1)
        await killOne(stage, load.concurrentGroup, 'concurrent', n);
      if (!stage.options.isFull) return;
      await killOne(stage, load.orderlyGroup, 'orderly', kills);
      await stage.sleep(locksGoneMs);
    });
  },
};

const storm: Scenario = {
  name: 'ten consumers joining and leaving each second',
  load: { lanes: 8, free: 8 },
  failsNoSend: true,
  run: async (stage) => {
    const { load, random } = stage;
    const rounds = perSecond * stage.span(3, 60);
    const underWay: Promise<void>[] = [];
    await stage.broken('comings and goings', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const group = random.pick([load.concurrentGroup, load.orderlyGroup]);
        underWay.push(load.create(group).start());
        // The first four stay, so that no group is ever without a member.
        const movable = load.consumers.slice(4);
        if (movable.length > others) underWay.push(load.leave(random.pick(movable), 5_000));
        await stage.sleep(1000 / perSecond);
      }
      await Promise.all(underWay);
      await Promise.all(load.consumers.slice(4).map((one) => load.leave(one, 5_000)));
    });
    stage.notes.push(`${rounds} joined and left`);
  },
};

const closing: Scenario = {
  name: 'rebalance while closing',
  load: { lanes: 8, free: 8 },
  failsNoSend: true,
  run: async (stage) => {
    const { load, random } = stage;
    const rounds = stage.span(8, 100);
    await stage.broken('closing while queues are shared out', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const group = random.pick([load.concurrentGroup, load.orderlyGroup]);
        const [one, other] = [load.create(group), load.create(group)];
        const starts = [one.start(), other.start()];
        await stage.sleep(random.below(120));
        // One leaves while it joins, and while the other makes everybody share out anew.
        await Promise.all([load.leave(one, 2_000), ...starts]);
        await stage.sleep(random.below(60));
        await load.leave(other, 2_000);
      }
    });
    stage.notes.push(`${rounds * 2} closed`);
  },
};

export const memberScenarios: readonly Scenario[] = [killed, storm, closing];
