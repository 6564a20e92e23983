// A nameserver and a broker in one process, for specs that look at its memory from outside.
// Prints `ready NAMESERVERS`; answers each line `memory` with `memory BYTES` after a collection.
// Run with --expose-gc on built packages.
import { createInterface } from 'node:readline';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';

const servers = await EmbeddedRocketMQ.start();
console.log(`ready ${servers.nameServers}`);

function collected() {
  for (let round = 0; round < 4; round += 1) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (line === 'memory') console.log(`memory ${collected()}`);
});
lines.on('close', () => void servers.close().then(() => process.exit(0)));
process.on('SIGTERM', () => void servers.close().then(() => process.exit(0)));
