// npm run test:overload [-- --connections 1000]: a broker process, and more connections than it can serve.
// Some send without end, some never read what they asked for. The memory of the broker must stay within
// bounds, and it must answer others all the while. Ends with `N passed, N failed`.
//
// The connections belong to a process of their own, so that the time that others wait is the broker's
// time and not that of a busy client.
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../performance/servers.mjs';
import { open, send } from './frames.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const at = process.argv.indexOf('--connections');
const connections = at > 0 ? Number(process.argv[at + 1]) : 100;
const seconds = 10;
/** Unsent bytes of all connections, one answer of each, and what a busy broker needs anyway. */
const mostMegabytes = 400 + Math.ceil(connections * 0.3);

/** Sends one message and waits for the answer. */
async function asked(port) {
  const socket = await open(port);
  const answer = new Promise((resolve) => socket.once('data', () => resolve(true)));
  socket.write(send(0, 7));
  const late = new Promise((resolve) => setTimeout(() => resolve(false), 120_000).unref());
  const isAnswered = await Promise.race([answer, late]);
  socket.destroy();
  return isAnswered;
}

function megabytesOf(pid) {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

async function run(name, port, pid, kind) {
  const crowd = fork(join(root, 'test/overload/crowd.mjs'), [
    kind,
    String(port),
    String(connections),
  ]);
  await new Promise((resolve) => crowd.once('message', resolve));
  let most = 0;
  let isServed = true;
  let slowest = 0;
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const began = Date.now();
    isServed = (await asked(port)) && isServed;
    slowest = Math.max(slowest, Date.now() - began);
    most = Math.max(most, megabytesOf(pid));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const gone = new Promise((resolve) => crowd.once('exit', resolve));
  crowd.kill('SIGKILL');
  await gone;
  const isBounded = most <= mostMegabytes;
  const verdict = isBounded && isServed ? 'ok' : 'FAILED';
  console.log(
    `${verdict}: ${connections} connections ${name}: at most ${most} MB (bound ${mostMegabytes} MB), ` +
      (isServed ? `others were answered within ${slowest} ms` : 'others were not answered'),
  );
  return isBounded && isServed;
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-overload-'));
const port = await freePort([-2, 0, 1]);
const file = join(folder, 'broker.conf');
writeFileSync(
  file,
  [
    `listenPort=${port}`,
    'brokerIP1=127.0.0.1',
    'bindAddress=127.0.0.1',
    `storePathRootDir=${join(folder, 'store')}`,
    'mappedFileSizeCommitLog=67108864',
    'fileReservedTime=0',
    'deleteWhen=00;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23',
    'brokerFastFailureEnable=false',
  ].join('\n'),
);
const broker = spawn(process.execPath, [join(root, 'apps/broker/dist/main.js'), '-c', file], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => broker.kill('SIGKILL'));
await new Promise((resolve) => {
  broker.stdout.on('data', (chunk) => String(chunk).includes('boot success') && resolve());
});
const results = [];
try {
  results.push(
    await run('that send faster than the disk writes', port, broker.pid, 'send'),
    await run('that send and never read the answers', port, broker.pid, 'send-deaf'),
    await run('that pull and never read the answers', port, broker.pid, 'pull-deaf'),
  );
} finally {
  broker.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
const passed = results.filter(Boolean).length;
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exit(passed === results.length ? 0 : 1);
