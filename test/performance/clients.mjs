// Whole clients against whole brokers: ours and the official ones, and each with the other's half.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createTopicFrame, firstOpaque, sendFrame } from './frames.mjs';
import { median, turnOf } from './measure.mjs';
import { askUntil, sendMany } from './once.mjs';
import { javaProgram, Server, startJava, startOurNameserver, startOurs } from './servers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const queues = 4;
const backlog = 200_000;
const senders = 64;
const rate = 20_000;
const longestMs = 180_000;
/** An open loop brings a JVM into its stride within this time; a closed one gets all it is given. */
const warmPacedMs = 10_000;

/** A client process that is told what to do. */
class Client extends Server {
  waiting = [];
  events = [];

  static async start(name, command, args) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new Client(name, child, 0, undefined);
    createInterface({ input: child.stdout }).on('line', (line) => client.hear(line));
    child.once('exit', () => client.hear('{"event":"failed","reason":"the client ended"}'));
    await client.next('ready');
    return client;
  }

  hear(line) {
    if (!line.startsWith('{"event":')) return;
    const event = JSON.parse(line);
    const waiter = this.waiting.shift();
    if (waiter === undefined) this.events.push(event);
    else waiter(event);
  }

  async next(name) {
    const event = this.events.shift() ?? (await this.heard(name));
    if (event.event !== name) throw new Error(`${this.name}: ${event.reason ?? event.event}`);
    return event;
  }

  heard(name) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name}: no ${name}`)), longestMs);
      this.waiting.push((event) => {
        clearTimeout(timer);
        resolve(event);
      });
    });
  }

  tell(verb, values = {}) {
    const pairs = Object.entries(values).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    this.child.stdin.write(`${[verb, ...pairs].join(' ')}\n`);
  }

  async open(nameServer, topic) {
    this.tell('open', { ns: nameServer, topic });
    return (await this.next('ended')).ms;
  }
}

const startOurClient = (name) =>
  Client.start(name, process.execPath, [join(here, 'client-load.mjs')]);
const startJavaClient = (name) => Client.start(name, 'java', javaProgram('interop.Load', 512));

/** Each half with each other half; `J` is the pair that ours is held against. */
const pairs = [
  { name: 'ours', client: startOurClient, broker: 'ours' },
  { name: 'J', client: startJavaClient, broker: 'J' },
  { name: 'ours at J', client: startOurClient, broker: 'J' },
  { name: 'J at ours', client: startJavaClient, broker: 'ours' },
];
const wordOf = ({ name }) => name.replaceAll(' ', '-');
/** Each pair sends to a topic of its own: what others sent would have to be consumed first. */
const sentBy = (pair) => `sent-${wordOf(pair)}`;

/** Both brokers, each with a nameserver of its own, and what clients need in them. */
class Brokers {
  all = {};
  nameServers = {};

  static async open(sync, hasBacklog) {
    const brokers = new Brokers();
    try {
      for (const [name, start] of Object.entries({ ours: startOurs, J: startJava })) {
        const nameServer = (brokers.nameServers[name] = await startOurNameserver());
        const namesrvAddr = `127.0.0.1:${nameServer.port}`;
        const broker = (brokers.all[name] = await start({ sync, more: { namesrvAddr } }));
        await brokers.prepare(broker, hasBacklog);
      }
      return brokers;
    } catch (error) {
      await brokers.close();
      throw error;
    }
  }

  async prepare({ port }, hasBacklog) {
    for (const topic of [...pairs.map(sentBy), 'backlog']) {
      await askUntil(port, createTopicFrame({ topic, queues, opaque: firstOpaque }), [0]);
    }
    if (!hasBacklog) return;
    const frames = Array.from({ length: queues }, (_, queueId) =>
      sendFrame({ form: 'json', bodyBytes: 1024, topic: 'backlog', queueId, opaque: firstOpaque }),
    );
    // A little more, since each client sends one when it opens.
    await sendMany(port, frames, backlog + 100);
  }

  async close() {
    for (const server of Object.values(this.all)) await server.stop();
    for (const server of Object.values(this.nameServers)) await server.stop();
  }
}

/** Waits for the slice that was told, with the CPU of client and broker during it. */
async function sliceOf({ client, broker }, verb, values) {
  client.tell(verb, values);
  await client.next('started');
  const before = [client.cpuMicros(), broker.cpuMicros()];
  const ended = await client.next('ended');
  const cpuMicros = [client.cpuMicros() - before[0], broker.cpuMicros() - before[1]];
  return { ...ended, cpuMicros };
}

const loads = {
  P9: { verb: 'consume', topic: 'backlog', values: () => ({ count: backlog }), figure: perSecond },
  P10: { verb: 'send', values: () => ({ senders }), figure: perSecond },
  P11c: { verb: 'pace', values: () => ({ rate }), figure: inTime },
  P11s: { verb: 'pace', values: () => ({ rate }), figure: inTime, sync: true },
  P12: { verb: 'flow', values: () => ({ rate }), figure: inTime },
};

/** None where nothing of the slice ever ended. */
function inTime({ done, p99 }) {
  return done === 0 ? Number.POSITIVE_INFINITY : p99;
}

function perSecond({ done, ms }) {
  return (done * 1000) / ms;
}

async function measureLoad(name, { rounds, warmMs, runMs, firstMs, warmJavaMs }) {
  const { verb, topic, values, figure, sync } = loads[name];
  const brokers = await Brokers.open(sync === true, topic === 'backlog');
  const fullWarmMs = values().rate === undefined ? warmJavaMs / 2 : warmPacedMs;
  const field = [];
  const results = Object.fromEntries(pairs.map((pair) => [pair.name, []]));
  let groups = 0;
  // A backlog is read from its begin each time; live messages where the last slice ended.
  const groupOf = (one) => `bench-${verb === 'consume' ? (groups += 1) : wordOf(one)}`;
  const play = (one, timing) => sliceOf(one, verb, { ...values(), ...timing, group: groupOf(one) });
  try {
    for (const pair of pairs) {
      const client = await pair.client(pair.name);
      const one = { client, broker: brokers.all[pair.broker], name: pair.name };
      field.push(one);
      const address = `127.0.0.1:${brokers.nameServers[pair.broker].port}`;
      await client.open(address, topic ?? sentBy(pair));
    }
    const all = [...field.map(({ client }) => client), ...Object.values(brokers.all)];
    const turn = (one) => {
      turnOf(one.client, all, false);
      one.broker.wake();
    };
    for (const one of field) {
      turn(one);
      // The official broker is warm when our client comes to it.
      const isJava = one.name.startsWith('J');
      const runMs = isJava ? Math.min(warmJavaMs, fullWarmMs) : firstMs;
      await play(one, { warmMs: 0, runMs });
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const one of field) {
        turn(one);
        const result = await play(one, { warmMs, runMs });
        if (result.failed > 0 && one.name === 'ours') {
          throw new Error(`${name}: ${result.failed} of our sends failed`);
        }
        results[one.name].push(result);
      }
    }
  } finally {
    for (const { client } of field) await client.stop();
    await brokers.close();
  }
  return summary(results, figure);
}

function summary(results, figure) {
  const figures = {};
  const cpu = {};
  for (const [name, list] of Object.entries(results)) {
    figures[name] = median(list.map(figure));
    const each = (i) => median(list.map(({ cpuMicros, done }) => cpuMicros[i] / Math.max(1, done)));
    cpu[name] = { client: each(0), broker: each(1) };
  }
  return { figures, cpu };
}

/** Milliseconds from making a producer to its first acknowledged send, in a process of its own. */
async function measureProducerStart({ rounds }) {
  const brokers = await Brokers.open(false, false);
  const times = Object.fromEntries(pairs.map(({ name }) => [name, []]));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, client: start, broker } of pairs) {
        const client = await start(name);
        const address = `127.0.0.1:${brokers.nameServers[broker].port}`;
        times[name].push(await client.open(address, sentBy({ name })));
        await client.stop();
      }
    }
  } finally {
    await brokers.close();
  }
  return { figures: Object.fromEntries(pairs.map(({ name }) => [name, median(times[name])])) };
}

/** Figures of one metric for all pairs, with the CPU of client and broker per message. */
export function measureClients(name, timing) {
  return name === 'Pstart' ? measureProducerStart(timing) : measureLoad(name, timing);
}
