// One slice of load against one server, and medians over slices of servers that take turns.
import { fork, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTopicFrame, firstOpaque, sendFrame } from './frames.mjs';
import { askUntil, sendMany } from './once.mjs';
import { startJava, startOurs, startYardstick } from './servers.mjs';

const loaderScript = join(dirname(fileURLToPath(import.meta.url)), 'loader.mjs');
/** Messages that a pull load reads round and round. */
const prefilled = 20_000;

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Gives one server the machine: the others stand still, and what they wrote is on the disk, so that
 * nobody is measured while the system writes back the pages of another.
 *
 * With `recycle` the pages of what was written leave the page cache, to be taken again at once. A
 * virtual machine gives its free memory back to the host, and then every page that is taken costs a
 * trap into the host: up to 3.5 us per KiB written instead of 0.3, which would measure the machine
 * and drown the servers. Brokers that run for long live on recycled pages anyway.
 */
export function turnOf(server, servers, recycle) {
  for (const other of servers) if (other !== server) other.rest();
  spawnSync('sync');
  if (recycle) for (const { folder } of servers) dropCache(folder);
  server.wake();
}

const largeFileBytes = 1024 * 1024;
const blockBytes = 512;

/** Asks the system to forget the pages of large files. */
export function dropCache(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // Files may be mostly holes.
    if (!entry.isFile() || statSync(path).blocks * blockBytes < largeFileBytes) continue;
    spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

/**
 * Runs one slice; the loader is a process of its own, new for each. `look` runs at the end, while its
 * connections are still open if the load says so; `stop` ends the slice before its time.
 */
export function slice(server, load, warmMs, runMs, { look, stop } = {}) {
  return new Promise((resolve, reject) => {
    const loader = fork(loaderScript, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    void stop?.then(() => loader.send({ event: 'stop' }));
    let cpu = 0;
    const end = (finish) => {
      loader.kill('SIGKILL');
      finish();
    };
    loader.once('error', reject);
    loader.on('message', (message) => {
      if (message.event === 'started') cpu = server.cpuMicros();
      else if (message.event === 'failed') end(() => reject(new Error(message.reason)));
      else {
        const cpuMicros = server.cpuMicros() - cpu;
        const finish = () => end(() => resolve({ ...message, cpuMicros }));
        if (look === undefined) finish();
        else look().then(finish, (error) => end(() => reject(error)));
      }
    });
    loader.send({ prefilled, ...load, port: server.port, warmMs, runMs });
  });
}

/** Topics exist and, for pulls, are filled, so that a load meets no first times. */
export async function prepare(server, { load }) {
  if (server.name !== 'C') {
    for (let i = 0; i < load.topics; i += 1) {
      const topic = `${load.topic}${i}`;
      const frame = createTopicFrame({ topic, queues: load.queues, opaque: firstOpaque });
      await askUntil(server.port, frame, [0]);
    }
  }
  if (load.kind !== 'pull') return;
  const frames = Array.from({ length: load.queues }, (_, queueId) =>
    sendFrame({
      form: 'json',
      bodyBytes: 1024,
      topic: `${load.topic}0`,
      queueId,
      opaque: firstOpaque,
    }),
  );
  await sendMany(server.port, frames, prefilled * load.queues);
}

const starters = { C: startYardstick, ours: startOurs, J: startJava };

/** Servers with one way of flushing, for one metric or for several. */
export class Field {
  servers = [];

  static async open(names, sync = false) {
    const field = new Field();
    try {
      for (const name of names) field.servers.push(await starters[name]({ sync }));
      return field;
    } catch (error) {
      await field.close();
      throw error;
    }
  }

  async close() {
    for (const server of this.servers) await server.stop();
  }
}

function figureOf(metric, result) {
  if (metric.figure !== undefined) return result[metric.figure];
  return (result.done * (metric.perAnswer ?? 1) * 1000) / result.ms;
}

/**
 * Measures one metric on all servers of a field, taking turns; medians of `rounds`. `warmJavaMs` of
 * load go to J first, `firstMs` to the others, and `warmMs` to everybody before each slice.
 */
export async function measure(metric, field, timing) {
  const { rounds, firstMs, warmMs, runMs, warmJavaMs } = timing;
  const servers = field.servers.filter(({ name }) => name !== metric.without);
  const names = servers.map(({ name }) => name);
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  const cpu = Object.fromEntries(names.map((name) => [name, []]));
  const recycles = metric.load.kind !== 'pull';
  for (const server of servers) {
    turnOf(server, servers, recycles);
    await prepare(server, metric);
    await slice(server, metric.load, 50, server.name === 'J' ? warmJavaMs : firstMs);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const server of servers) {
      turnOf(server, servers, recycles);
      const result = await slice(server, metric.load, warmMs, runMs);
      if (result.wrong > 0) {
        throw new Error(
          `${metric.name}: ${server.name} answered ${result.wrong} requests with other codes ` +
            `than 0, the first with ${result.firstWrong}`,
        );
      }
      figures[server.name].push(figureOf(metric, result));
      cpu[server.name].push(result.cpuMicros / Math.max(1, result.done));
    }
  }
  for (const server of servers) server.wake();
  const all = (from) => Object.fromEntries(names.map((name) => [name, median(from[name])]));
  return { figures: all(figures), cpu: all(cpu) };
}
