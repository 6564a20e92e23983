// Memory and start-up of whole processes.
import { firstOpaque, routeFrame, sendFrame } from './frames.mjs';
import { median } from './measure.mjs';
import { askUntil } from './once.mjs';
import {
  startJava,
  startJavaNameserver,
  startOurNameserver,
  startOurs,
  startYardstick,
} from './servers.mjs';

const settleMs = 2_000;
const brokers = { C: startYardstick, ours: startOurs, J: startJava };
const nameservers = { ours: startOurNameserver, J: startJavaNameserver };
const topicNotExist = 17;

async function startOnce(start, frame, codes) {
  const began = performance.now();
  const server = await start();
  await askUntil(server.port, frame, codes);
  return { server, ms: performance.now() - began };
}

/** Milliseconds from the start of the process to the first good answer, and idle memory. */
export async function measureStarts(names, rounds) {
  const send = sendFrame({
    form: 'json',
    bodyBytes: 1024,
    topic: 'TBW102',
    queueId: 0,
    opaque: firstOpaque,
  });
  const route = routeFrame({ topic: 'nothing', opaque: firstOpaque });
  const results = { P13: {}, P14: {}, P14n: {} };
  const add = (metric, name, value) => (results[metric][name] ??= []).push(value);
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const { server, ms } = await startOnce(brokers[name], send, [0]);
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      add('P13', name, server.rssMegabytes());
      add('P14', name, ms);
      await server.stop();
      if (nameservers[name] === undefined) continue;
      // A topic that nobody registered is answered with its own code, and that is an answer.
      const ns = await startOnce(nameservers[name], route, [topicNotExist]);
      add('P14n', name, ns.ms);
      await ns.server.stop();
    }
  }
  for (const metric of Object.values(results)) {
    for (const name of Object.keys(metric)) metric[name] = median(metric[name]);
  }
  return results;
}
