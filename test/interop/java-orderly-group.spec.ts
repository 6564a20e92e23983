import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Producer } from '@nestjs-rocketmq/client';
import { systemClock } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { eventually } from '../support/eventually.js';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  startJavaServers,
  temporaryFolder,
  type ServerVersion,
} from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';
import { checkHistory, eventsOf } from './orderly-history.js';
import { JavaSeat, OurSeat, type Group, type Seat } from './orderly-members.js';

/**
 * One orderly group of Java 4.9.8, Java 5.5.0 and two processes of ours, while members join, leave and
 * are killed by seed. Locks of a killed member live on for a minute at the broker, so each kill is a
 * minute of waiting. `EVENTS=100000 CHANGES=24 KILLS=4` is the long run.
 */
const seed = seedOfRun();
const total = Number(process.env['EVENTS'] ?? 6_000);
const changes = Number(process.env['CHANGES'] ?? 6);
const kills = Number(process.env['KILLS'] ?? 1);
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const keys = 40;
const secondsPerChange = 3;
const deadline = 240_000 + total * 2;

/** The steps of three orders. */
const orders: Readonly<Record<string, readonly string[]>> = {
  '1039': ['create', 'pay', 'push', 'complete'],
  '1065': ['create', 'pay', 'complete'],
  '7235': ['create', 'pay', 'complete'],
};
/** In the order in which they are sent. */
const vector = '1039 0,1065 0,1039 1,7235 0,1065 1,7235 1,1065 2,1039 2,7235 2,1039 3'
  .split(',')
  .map((text) => {
    const [order = '', step = ''] = text.split(' ');
    return { order, step, name: orders[order]?.[Number(step)] as string };
  });

const folder = temporaryFolder('orderly');
const topic = 'Orderly';
let servers: { nameServers: string; brokerAddress: string; close(): Promise<void> };
let producer: Producer;
let javaProducer: JavaPeer;
let javaSeats: readonly JavaSeat[] = [];
let seats: readonly Seat[] = [];
let group: Group;

beforeAll(async () => {
  prepareJava();
  if (serverName === 'ours') {
    servers = await startOurServers();
  } else {
    const java = await startJavaServers(serverName as ServerVersion);
    servers = { ...java, brokerAddress: java.broker.address };
  }
  const { nameServers } = servers;
  await createTopic(servers.brokerAddress, topic, 6);
  producer = new Producer({ nameServers, group: 'g-ours', sendTimeout: '60s' });
  await producer.start();
  javaProducer = await JavaPeer.start('5.5.0');
  const words = { id: 'p', ns: nameServers, group: 'g-java', timeout: 60_000 };
  await javaProducer.run('producer', words);
  group = { nameServers, group: 'g-orderly', topic, history: join(folder, 'history') };
  writeFileSync(group.history, '');
  javaSeats = [new JavaSeat('4.9.8', group), new JavaSeat('5.5.0', group)];
  seats = [...javaSeats, new OurSeat('ours-a', group), new OurSeat('ours-b', group)];
});

afterAll(async () => {
  await Promise.all(seats.filter((one) => one.isTaken).map((one) => one.kill()));
  await Promise.all(javaSeats.map((one) => one.close()));
  await javaProducer?.program.kill();
  await producer?.close();
  await servers?.close();
  rmSync(folder, { recursive: true, force: true });
});

const history = () => readFileSync(group.history, 'utf8');

/** Steps of the three orders are sent by ours and by Java in turn; both choose the queue by the key's hash. */
async function sendStep(at: number): Promise<void> {
  const { order, step, name } = vector[at] as (typeof vector)[number];
  const body = `${order} ${step} ${name}`;
  if (at % 2 === 0) {
    await producer.send({ topic, body: Buffer.from(body) }, { hashKey: `${order}0` });
  } else {
    const words = { id: 'p', topic, body, hash: order, keysCount: 1 };
    await javaProducer.send('send', words);
  }
}

/** Sends the events of all keys, each key's in order, spread over the time of the changes. */
async function sendEvents(): Promise<void> {
  const perTick = Math.max(1, Math.ceil(total / ((changes * secondsPerChange * 1000) / 20)));
  const last: Promise<unknown>[] = Array.from({ length: keys }, () => Promise.resolve());
  for (let sent = 0; sent < total;) {
    const end = Math.min(total, sent + perTick);
    for (; sent < end; sent += 1) {
      const key = sent % keys;
      const body = Buffer.from(`k${key} ${Math.floor(sent / keys)}`);
      const send = () => producer.send({ topic, body }, { hashKey: `k${key}` });
      last[key] = (last[key] as Promise<unknown>).then(send);
    }
    await Promise.all([systemClock.sleep(20), last[(sent - 1) % keys]]);
  }
  await Promise.all(last);
}

/** What to do at each change: as many kills as asked, the rest joins and leaves as they come. */
async function change(random: SeededRandom, isKill: boolean): Promise<void> {
  const taken = seats.filter((one) => one.isTaken);
  const free = seats.filter((one) => !one.isTaken);
  if (isKill && taken.length === 1)
    return random
      .pick(free)
      .join()
      .then(() => change(random, isKill));
  if (isKill) return random.pick(taken).kill();
  const isJoin = taken.length < 2 || (free.length > 0 && random.chance(0.5));
  return isJoin ? random.pick(free).join() : random.pick(taken).leave();
}

describe(`an orderly group of Java 4.9.8, Java 5.5.0 and ours at ${serverName} (SEED=${seed})`, () => {
  it(
    `keeps the order of every key and loses nothing: ${total} events, ${changes} changes, ${kills} kills`,
    async () => {
      const random = new SeededRandom(seed);
      await Promise.all(seats.map((one) => one.join()));
      const sending = sendEvents();
      // Looked at below; until then the rest may fail as well.
      sending.catch(() => undefined);
      const killsAt = new Set<number>();
      while (killsAt.size < Math.min(kills, changes)) killsAt.add(random.below(changes));
      let sentSteps = 0;
      for (let at = 0; at < changes; at += 1) {
        const begun = systemClock.monotonic();
        const wanted = Math.ceil(((at + 1) * vector.length) / changes);
        for (; sentSteps < wanted; sentSteps += 1) await sendStep(sentSteps);
        await change(random, killsAt.has(at));
        const left = secondsPerChange * 1000 - (systemClock.monotonic() - begun);
        if (left > 0) await systemClock.sleep(left);
      }
      await sending;
      const wanted = new Map<string, number>();
      for (let key = 0; key < keys; key += 1) {
        wanted.set(`k${key}`, Math.floor((total - key + keys - 1) / keys));
      }
      for (const [order, steps] of Object.entries(orders)) wanted.set(order, steps.length);
      const missing = () => {
        const seen = eventsOf(history());
        return [...wanted].filter(([key, count]) => seen.get(key) !== count);
      };
      await eventually('every event handled', deadline, () => missing().length === 0 || undefined)
        // What is missing says more.
        .catch(() => undefined);
      const figures = checkHistory(history());
      expect(missing()).toEqual([]);
      expect(figures.handled - figures.repeated).toBe(total + vector.length);
      expect(history().match(/^! kill /gm) ?? []).toHaveLength(Math.min(kills, changes));
      process.stderr.write(`orderly group: ${JSON.stringify(figures)}\n`);
    },
    deadline + 600_000,
  );
});
