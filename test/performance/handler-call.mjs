// node test/performance/handler-call.mjs [--count 300000] [--rounds 7]
//
// CPU of one handler call, without servers and sockets: stored messages are handed to the listener
// that the module gave to its client, and to a bare function that reads the same JSON. Prints
// microseconds of CPU per message and bytes of heap per message; the figures hold on a busy machine
// too, because only CPU time of this process counts.
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { ROCKETMQ_CLIENT_FACTORY, RocketMQModule } from 'nestjs-rocketmq';
import { handlerClasses, variants } from './handlers.mjs';
import { storedOrder } from './handler-messages.mjs';
import { median } from './measure.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '7' },
  },
});
const count = Number(values.count);
const rounds = Number(values.rounds);

/** The listeners that the module made, by group. */
const listeners = new Map();
const silent = { start: async () => undefined, close: async () => undefined };
const factory = {
  connect: () => ({
    producer: () => silent,
    consumer: (options) => {
      listeners.set(options.group, options.listener);
      return silent;
    },
    close: async () => undefined,
  }),
};

function applicationOf(handler) {
  const module = RocketMQModule.forRoot({
    nameServers: 'localhost:1',
    consumer: { from: 'first' },
  });
  const [core, ...others] = module.imports;
  core.providers.push({ provide: ROCKETMQ_CLIENT_FACTORY, useValue: factory });
  class Root {}
  return NestFactory.createApplicationContext(
    { module: Root, imports: [{ ...module, imports: [core, ...others] }], providers: [handler] },
    { logger: ['error', 'warn'] },
  );
}

/** Deliveries in the way of the client: one message each, twenty under way at most. */
async function play(listener) {
  const context = { queue: { topic: 'bench', brokerName: 'b', queueId: 0 }, signal: undefined };
  let open = [];
  for (let n = 0; n < count; n += 1) {
    const answer = listener([storedOrder(n)], context);
    if (typeof answer?.then === 'function') open.push(answer);
    if (open.length >= 20) {
      await Promise.all(open);
      open = [];
    }
  }
  await Promise.all(open);
}

const apps = [];
const field = [];
for (const name of variants) {
  const { handler, raw } = handlerClasses({ topic: 'bench', group: name, note: () => undefined })[
    name
  ];
  if (handler !== undefined) apps.push(await applicationOf(handler));
  field.push({ name, listener: raw ?? listeners.get(name), cpu: [], heap: [] });
}
for (let round = 0; round <= rounds; round += 1) {
  for (const one of field) {
    collect();
    const heap = process.memoryUsage().heapUsed;
    const before = process.cpuUsage();
    await play(one.listener);
    const { user, system } = process.cpuUsage(before);
    collect();
    // The first round is for the compiler.
    if (round === 0) continue;
    one.cpu.push((user + system) / count);
    one.heap.push((process.memoryUsage().heapUsed - heap) / count);
  }
}
for (const { name, cpu, heap } of field) {
  console.log(
    `${name.padEnd(24)} ${median(cpu).toFixed(2).padStart(8)} us/message ` +
      `${median(heap).toFixed(2).padStart(8)} bytes of heap kept per message`,
  );
}
for (const app of apps) await app.close();
