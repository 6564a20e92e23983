// Decorated handlers against a listener of the client that reads the same JSON (P17), at our broker.
// The variants take turns; each reads the whole backlog with a group of its own.
//
// node test/performance/handler-rates.mjs [--count 200000] [--rounds 7]   prints every variant
import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { Producer, PushConsumer } from '@nestjs-rocketmq/client';
import { RocketMQModule } from 'nestjs-rocketmq';
import { createTopicFrame, firstOpaque } from './frames.mjs';
import { orderJson } from './handler-messages.mjs';
import { handlerClasses, variants } from './handlers.mjs';
import { median } from './measure.mjs';
import { askUntil } from './once.mjs';
import { startOurNameserver, startOurs } from './servers.mjs';

const topic = 'orders';
const inBatch = 200;

async function fill(nameServers, count) {
  const producer = new Producer({ nameServers, group: 'bench-producer' });
  await producer.start();
  const body = Buffer.from(orderJson());
  const message = { topic, body, properties: { contentType: 'application/json' } };
  const batch = Array.from({ length: inBatch }, () => message);
  for (let sent = 0; sent < count; sent += inBatch) await producer.sendBatch(batch);
  await producer.close();
}

/** Starts what consumes the backlog; gives back how to end it. */
async function startConsuming({ nameServers, group, name, note }) {
  const { raw, handler } = handlerClasses({ topic, group, note })[name];
  if (raw !== undefined) {
    const subscriptions = [{ topic }];
    const options = { nameServers, group, subscriptions, from: 'first', listener: raw };
    const consumer = new PushConsumer(options);
    await consumer.start();
    return () => consumer.close();
  }
  class Root {}
  const module = RocketMQModule.forRoot({ nameServers, consumer: { from: 'first' } });
  const root = { module: Root, imports: [module], providers: [handler] };
  const app = await NestFactory.createApplicationContext(root, { logger: ['error', 'warn'] });
  return () => app.close();
}

/** Milliseconds from the first message to the last, and the CPU of this process meanwhile. */
async function consume(given, count) {
  let seen = 0;
  let began;
  let isDone;
  const done = new Promise((resolve) => (isDone = resolve));
  const note = () => {
    if (seen === 0) began = { at: performance.now(), cpu: process.cpuUsage() };
    seen += 1;
    if (seen !== count) return;
    const { user, system } = process.cpuUsage(began.cpu);
    isDone({ ms: performance.now() - began.at, cpuMicros: (user + system) / count });
  };
  const end = await startConsuming({ ...given, note });
  const result = await done;
  await end();
  return result;
}

/** For each variant: messages a second, CPU per message, and heap that it kept per message. */
export async function measureHandlers({ rounds, count = 200_000, names = variants }) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const nameServer = await startOurNameserver();
  const nameServers = `127.0.0.1:${nameServer.port}`;
  const broker = await startOurs({ sync: false, more: { namesrvAddr: nameServers } });
  const results = Object.fromEntries(names.map((name) => [name, []]));
  try {
    const frame = createTopicFrame({ topic, queues: 4, opaque: firstOpaque });
    await askUntil(broker.port, frame, [0]);
    await fill(nameServers, count);
    for (let round = 0; round <= rounds; round += 1) {
      for (const name of names) {
        collect();
        const before = process.memoryUsage().heapUsed;
        const result = await consume({ nameServers, name, group: `g-${name}-${round}` }, count);
        collect();
        const heap = (process.memoryUsage().heapUsed - before) / count;
        // The first round is for the compiler.
        if (round > 0) results[name].push({ ...result, heap });
      }
    }
  } finally {
    await broker.stop();
    await nameServer.stop();
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, list]) => [
      name,
      {
        rate: median(list.map(({ ms }) => (count * 1000) / ms)),
        cpuMicros: median(list.map(({ cpuMicros }) => cpuMicros)),
        heapBytes: median(list.map(({ heap }) => heap)),
        messages: count * list.length,
      },
    ]),
  );
}

/** What each row of the bench runs; a count that keeps it well under a minute. */
const rows = {
  P17: { names: ['rawJson', 'json'], count: 100_000 },
  P17g: { names: ['rawJson', 'guard'], count: 50_000 },
  P17v: { names: ['rawJson', 'validation'], count: 10_000 },
};

/** A row of the bench: the decorated handler, and as its base the listener of the same run. */
export async function measureHandlerRow(row, { rounds }) {
  const { names, count } = rows[row];
  const results = await measureHandlers({ rounds, count, names });
  const [base, ours] = names.map((name) => results[name]);
  const cpu = { ours: ours.cpuMicros };
  if (row === 'P17') return { figures: { ours: ours.rate, base: base.rate }, cpu };
  return { figures: { ours: ours.cpuMicros, base: base.cpuMicros }, cpu };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200000' },
      rounds: { type: 'string', default: '7' },
    },
  });
  const timing = { count: Number(values.count), rounds: Number(values.rounds) };
  const results = await measureHandlers(timing);
  const { rate: base } = results.rawJson;
  for (const [name, { rate, cpuMicros, heapBytes, messages }] of Object.entries(results)) {
    console.log(
      `${name.padEnd(12)} ${rate.toFixed(0).padStart(8)} msg/s  ${(rate / base).toFixed(2)} of rawJson ` +
        `${cpuMicros.toFixed(1).padStart(7)} us CPU  ${heapBytes.toFixed(2).padStart(7)} bytes kept ` +
        `per message (${messages} messages)`,
    );
  }
}
