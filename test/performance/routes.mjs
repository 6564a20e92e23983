// Route queries against nameservers that know ten brokers with a hundred topics.
import { firstOpaque, registerFrame } from './frames.mjs';
import { median, slice, turnOf } from './measure.mjs';
import { Line } from './once.mjs';
import { startJavaNameserver, startOurNameserver } from './servers.mjs';

const brokers = 10;
const topics = Array.from({ length: 100 }, (_, i) => `route${i}`);
const load = { kind: 'route', topic: 'route', topics: 100, queues: 1, connections: 16, depth: 32 };
const starters = { ours: startOurNameserver, J: startJavaNameserver };

/** Brokers are forgotten when their connection closes, so the lines stay open. */
async function register(lines, version) {
  for (const [i, line] of lines.entries()) {
    const name = `broker${i}`;
    const address = `127.0.0.1:${20_000 + i * 10}`;
    await line.ask(registerFrame({ name, address, topics, version, opaque: firstOpaque }));
  }
}

async function open(name) {
  const server = await starters[name]();
  server.name = name;
  const lines = [];
  for (let i = 0; i < brokers; i += 1) lines.push(await Line.open(server.port));
  return { server, lines };
}

/** Medians of rate and p99 for each nameserver there is. */
export async function measureRoutes(names, { rounds, firstMs, warmMs, runMs, warmJavaMs }) {
  const field = [];
  const results = { P16: {}, P16p: {} };
  const cpu = {};
  try {
    for (const name of names) if (starters[name] !== undefined) field.push(await open(name));
    const servers = field.map(({ server }) => server);
    for (const { server, lines } of field) {
      turnOf(server, servers, false);
      await register(lines, 1);
      await slice(server, load, 50, server.name === 'J' ? warmJavaMs : firstMs);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { server, lines } of field) {
        turnOf(server, servers, false);
        await register(lines, 1);
        const result = await slice(server, load, warmMs, runMs);
        if (result.wrong > 0) throw new Error(`${server.name} refused ${result.wrong} queries`);
        (results.P16[server.name] ??= []).push((result.done * 1000) / result.ms);
        (results.P16p[server.name] ??= []).push(result.p99);
        (cpu[server.name] ??= []).push(result.cpuMicros / Math.max(1, result.done));
      }
    }
  } finally {
    for (const { server, lines } of field) {
      for (const line of lines) line.close();
      await server.stop();
    }
  }
  const medians = (values) =>
    Object.fromEntries(Object.entries(values).map(([name, list]) => [name, median(list)]));
  return { P16: medians(results.P16), P16p: medians(results.P16p), cpu: medians(cpu) };
}
