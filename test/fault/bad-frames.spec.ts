import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import {
  decodeFrame,
  encodeRequest,
  FrameDecoder,
  GetBrokerClusterInfo,
  readAnswerBody,
} from '@nestjs-rocketmq/protocol';
import { brokenFrame, wellFormedRequest } from '../support/bad-frames.js';
import { RunningProgram } from '../support/java-process.js';

const seed = seedOfRun();
const framesPerServer = Number(process.env['FRAMES'] ?? 50_000);
let servers: RunningProgram;
const addresses: Record<'nameserver' | 'broker', { host: string; port: number }> = {
  nameserver: { host: '127.0.0.1', port: 0 },
  broker: { host: '127.0.0.1', port: 0 },
};

async function open(address: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ ...address, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends requests over one connection; gives the frames answered, by their opaque numbers. */
async function ask(
  address: { host: string; port: number },
  requests: ReadonlyMap<number, Uint8Array>,
): Promise<Map<number, Uint8Array>> {
  const socket = await open(address);
  const decoder = new FrameDecoder();
  const answers = new Map<number, Uint8Array>();
  const all = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      decoder.push(chunk, (frame) => {
        const copy = frame.slice();
        const { opaque, flag } = decodeFrame(copy);
        if ((flag & 1) === 1) answers.set(opaque, copy);
      });
      if (answers.size === requests.size) resolve();
    });
    const deadline = setTimeout(() => resolve(), 60_000);
    socket.on('close', () => clearTimeout(deadline));
  });
  for (const request of requests.values()) socket.write(request);
  await all;
  socket.destroy();
  return answers;
}

async function memory(): Promise<number> {
  const before = servers.lines.length;
  servers.tellProgram('memory');
  return servers.until('memory', 60_000, () => {
    const line = servers.lines.slice(before).find((text) => text.startsWith('memory '));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  });
}

/** Sends broken frames over as many connections as the server's refusals make needed. */
async function bombard(
  address: { host: string; port: number },
  random: SeededRandom,
  count: number,
): Promise<number> {
  let connections = 0;
  for (let sent = 0; sent < count;) {
    const socket = await open(address);
    connections += 1;
    socket.resume();
    const closed = new Promise((resolve) => socket.on('close', resolve));
    for (let burst = 0; burst < 20 && sent < count; burst += 1) {
      if (socket.destroyed) break;
      socket.write(brokenFrame(random, sent));
      sent += 1;
    }
    // Half a frame may be left waiting for its rest: we end, and the server has to let go.
    socket.end();
    await closed;
  }
  return connections;
}

beforeAll(async () => {
  servers = RunningProgram.start(
    'servers under test',
    process.execPath,
    ['--expose-gc', 'test/support/programs/embedded-servers.mjs'],
    { cwd: process.cwd() },
  );
  const line = await servers.untilLine('ready ');
  addresses.nameserver.port = Number(line.split(':').at(-1));
  const request = encodeRequest(GetBrokerClusterInfo, {}, { opaque: 1, form: 'json' });
  const answers = await ask(addresses.nameserver, new Map([[1, request]]));
  const info = readAnswerBody(GetBrokerClusterInfo, decodeFrame(answers.get(1) as Uint8Array));
  const [broker] = Object.values(info.brokerAddrTable ?? {});
  addresses.broker.port = Number(Object.values(broker?.brokerAddrs ?? {})[0]?.split(':')[1]);
}, 240_000);

afterAll(() => servers.stop());

describe.each(['nameserver', 'broker'] as const)('%s, seed ' + seed, (victim) => {
  it(`lives through ${framesPerServer} broken frames with its memory unchanged`, async () => {
    const random = new SeededRandom(seed);
    await bombard(addresses[victim], random, Math.min(5000, framesPerServer));
    const base = await memory();
    const connections = await bombard(addresses[victim], random, framesPerServer);
    expect(connections).toBeGreaterThan(100);
    const after = await memory();
    expect(servers.ended).toBe(false);
    expect(after / base).toBeLessThan(1.2);
  }, 600_000);

  it.each(['json', 'binary'] as const)(
    'answers every well-formed request (%s)',
    async (form) => {
      const random = new SeededRandom(seed);
      for (let round = 0; round < 10; round += 1) {
        const requests = new Map<number, Uint8Array>();
        for (let n = 0; n < 200; n += 1) {
          requests.set(n, wellFormedRequest(random, n, form));
        }
        const answers = await ask(addresses[victim], requests);
        const silent = [...requests]
          .filter(([opaque]) => !answers.has(opaque))
          .map(([, request]) => decodeFrame(request));
        expect(silent.map(({ code, extFields }) => ({ code, ...extFields }))).toEqual([]);
      }
    },
    600_000,
  );
});
