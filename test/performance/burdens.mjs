// Figures of our broker under a burden, beside the same figure without it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstOpaque, sendFrame } from './frames.mjs';
import { median, prepare, slice, turnOf } from './measure.mjs';
import { metrics } from './metrics.mjs';
import { askUntil } from './once.mjs';
import { startOurs, temporaryFolder } from './servers.mjs';

const settleMs = 2_000;
const longestMs = 600_000;
const gibibyteOfMessages = 830_000;
const backlogMessages = 4_000_000;
const manyTopics = 10_000;
const scanScript = join(dirname(fileURLToPath(import.meta.url)), 'scan.mjs');
const pipelined = metrics.find(({ name }) => name === 'P1').load;
const settle = () => new Promise((resolve) => setTimeout(resolve, settleMs));

async function withBroker(work, folder = undefined) {
  const server = await startOurs({ folder });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Memory while a thousand connections are open that have sent a million messages. */
function memory() {
  return withBroker(async (server) => {
    const load = { ...pipelined, connections: 1000, depth: 1, staysOpen: true };
    await prepare(server, { load });
    await settle();
    const base = server.rssMegabytes();
    let ours = 0;
    const look = async () => {
      await settle();
      ours = server.rssMegabytes();
    };
    await slice(server, { ...load, messages: 1_000_000 }, 0, 0, { look });
    return { ours, base };
  });
}

const firstSend = sendFrame({
  form: 'json',
  bodyBytes: 1024,
  topic: 'bench0',
  queueId: 0,
  opaque: firstOpaque,
});

/** From the start of the process to the first accepted send, with 1 GiB of log to look through. */
async function recovery({ rounds }) {
  const folder = temporaryFolder('recovered');
  const times = [];
  const bases = [];
  let server = await startOurs({ folder });
  try {
    await prepare(server, { load: pipelined });
    await slice(server, { ...pipelined, messages: gibibyteOfMessages }, 0, 0);
    for (let round = 0; round < rounds; round += 1) {
      await server.kill();
      spawnSync('sync');
      const scanned = performance.now();
      const { stdout, status } = spawnSync(process.execPath, [
        scanScript,
        join(folder, 'commitlog'),
      ]);
      bases.push(performance.now() - scanned);
      const records = Number(String(stdout).split(' ')[0]);
      if (status !== 0 || records < gibibyteOfMessages) throw new Error(`scanned ${stdout}`);
      const began = performance.now();
      server = await startOurs({ folder });
      await askUntil(server.port, firstSend, [0]);
      times.push(performance.now() - began);
    }
    return { ours: median(times), base: median(bases) };
  } finally {
    await server.stop();
  }
}

/** A store folder that knows topics already: to create them one by one would take minutes. */
function folderWithTopics() {
  const folder = temporaryFolder('topics');
  const topicConfigTable = {};
  for (let i = 0; i < manyTopics; i += 1) {
    const topicName = `many${i}`;
    topicConfigTable[topicName] = { topicName, readQueueNums: 8, writeQueueNums: 8, perm: 6 };
  }
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config', 'topics.json'), JSON.stringify({ topicConfigTable }));
  return folder;
}

/** The tail of sends to ten thousand topics in turn, and to one. */
function topics({ rounds, firstMs, warmMs, runMs }) {
  return withBroker(async (server) => {
    const open = { ...pipelined, connections: 8, depth: 1, rate: 10_000 };
    const one = { ...open, topics: 1 };
    const many = { ...open, topic: 'many', topics: manyTopics };
    await prepare(server, { load: one });
    const tails = new Map([one, many].map((load) => [load, []]));
    for (const load of [one, many]) await slice(server, load, firstMs, 100);
    for (let round = 0; round < rounds; round += 1) {
      for (const load of [one, many]) {
        turnOf(server, [server], true);
        tails.get(load).push((await slice(server, load, warmMs, runMs)).p99);
      }
    }
    return { ours: median(tails.get(many)), base: median(tails.get(one)) };
  }, folderWithTopics());
}

/** The rate of sends before and behind 5 GB that nobody has read, and while somebody reads them. */
function backlog({ rounds, firstMs, warmMs, runMs }) {
  return withBroker(async (server) => {
    await prepare(server, { load: pipelined });
    await slice(server, pipelined, 50, firstMs);
    const rate = async () => {
      const rates = [];
      for (let round = 0; round < rounds; round += 1) {
        turnOf(server, [server], true);
        const { done, ms } = await slice(server, pipelined, warmMs, runMs);
        rates.push((done * 1000) / ms);
      }
      return median(rates);
    };
    const base = await rate();
    await slice(server, { ...pipelined, messages: backlogMessages }, 0, 0);
    const ours = await rate();
    // 32 messages about each 3 ms, from the oldest on.
    const reader = { ...pipelined, kind: 'pull', connections: 1, depth: 1, pauseMs: 2 };
    let over;
    const stop = new Promise((resolve) => (over = resolve));
    const reading = slice(server, { ...reader, prefilled: 100_000 }, 0, longestMs, { stop });
    const read = await rate();
    over();
    const { wrong, done } = await reading;
    if (wrong > 0 || done === 0) throw new Error(`${wrong} of ${done} pulls were refused`);
    return { backlog: { ours, base }, backlogRead: { ours: read, base } };
  });
}

/** Measures what is asked for; gives back pairs of `ours` and `base` by name. */
export async function measureBurdens(names, timing) {
  const results = {};
  if (names.includes('P13m')) results.P13m = await memory();
  if (names.includes('P15')) results.P15 = await recovery(timing);
  if (names.includes('topics')) results.topics = await topics(timing);
  if (names.includes('backlog') || names.includes('backlogRead')) {
    Object.assign(results, await backlog(timing));
  }
  return results;
}
