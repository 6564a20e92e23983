// Starts and stops what is measured: the yardstick C, our broker, the official Java broker J.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildJava, missingJava } from '../interop/build.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const ticksPerSecond = 100;
const javaVersion = '4.9.7';

export function temporaryFolder(name) {
  return mkdtempSync(join(tmpdir(), `nestjs-rocketmq-bench-${name}-`));
}

/** A port such that those at the given distances are free too; below the system's own range. */
export async function freePort(distances = [0]) {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all(distances.map((distance) => isFree(port + distance)));
    if (free.every(Boolean)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

const alive = new Set();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
// Without these, a benchmark that is stopped would leave its servers running.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** A started process with what it has used so far. */
export class Server {
  constructor(name, child, port, folder) {
    this.name = name;
    this.child = child;
    this.port = port;
    this.folder = folder;
  }

  /** CPU of the process so far, user and system, in microseconds. */
  cpuMicros() {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
  }

  /** Resident memory in MB. */
  rssMegabytes() {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'));
    return Number(line[1]) / 1024;
  }

  /** Stands still until `wake`: an idle JVM takes a fifth of a core from the one that is measured. */
  rest() {
    this.child.kill('SIGSTOP');
  }

  wake() {
    this.child.kill('SIGCONT');
  }

  /** As a crash leaves it; the folder stays. */
  async kill() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
    alive.delete(this.child);
  }

  async stop() {
    const { child } = this;
    this.wake();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const cut = setTimeout(() => child.kill('SIGKILL'), 10_000);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await gone;
    }
    clearTimeout(cut);
    alive.delete(child);
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts a program and waits until its output matches; gives back the match. */
async function started(command, args, ready, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  alive.add(child);
  let output = '';
  const match = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready within 60 s:\n${output}`)), 60_000);
    const look = (chunk) => {
      output = (output + chunk).slice(-10_000);
      const found = ready.exec(output);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output}`)));
  });
  return { child, match };
}

export async function startYardstick({ sync = false } = {}) {
  const folder = temporaryFolder('c');
  const script = join(here, 'yardstick.mjs');
  const args = [script, JSON.stringify({ dir: folder, sync })];
  const { child, match } = await started(process.execPath, args, /ready (\d+)/);
  return new Server('C', child, Number(match[1]), folder);
}

/** Where the built broker stands; undefined when it was not built. */
export function ourBroker() {
  const main = join(root, 'apps', 'broker', 'dist', 'main.js');
  return existsSync(main) ? main : undefined;
}

export function ourNameserver() {
  const main = join(root, 'apps', 'nameserver', 'dist', 'main.js');
  return existsSync(main) ? main : undefined;
}

function properties(file, values) {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function brokerProperties(folder, port, sync) {
  return {
    brokerClusterName: 'bench',
    brokerName: 'bench',
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    listenPort: port,
    haListenPort: port + 1,
    storePathRootDir: folder,
    storePathCommitLog: join(folder, 'commitlog'),
    flushDiskType: sync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    autoCreateTopicEnable: true,
    diskMaxUsedSpaceRatio: 95,
    waitTimeMillsInSendQueue: 60_000,
    osPageCacheBusyTimeOutMills: 60_000,
  };
}

export async function startOurs({
  sync = false,
  nodeArgs = [],
  folder = temporaryFolder('ours'),
  more = {},
} = {}) {
  const port = await freePort([-2, 0, 1]);
  const file = join(folder, 'broker.conf');
  const { waitTimeMillsInSendQueue, osPageCacheBusyTimeOutMills, ...own } = brokerProperties(
    folder,
    port,
    sync,
  );
  void waitTimeMillsInSendQueue;
  void osPageCacheBusyTimeOutMills;
  properties(file, { ...own, ...more });
  const args = [...nodeArgs, ourBroker(), '-c', file];
  const { child } = await started(process.execPath, args, /boot success/);
  return new Server('ours', child, port, folder);
}

export async function startOurNameserver() {
  const folder = temporaryFolder('ours-ns');
  const port = await freePort();
  const file = join(folder, 'namesrv.conf');
  properties(file, { listenPort: port });
  const { child } = await started(process.execPath, [ourNameserver(), '-c', file], /boot success/);
  return new Server('ours', child, port, folder);
}

/** Why there is no J here, or undefined. */
export function javaMissing() {
  return missingJava();
}

/** Arguments of `java` for one of our programs with the official client. */
export function javaProgram(mainClass, heapMb) {
  buildJava();
  const target = join(root, 'test', 'interop', 'java', 'client-4.9.8', 'target');
  const heap = [`-Xmx${heapMb}m`, `-Xms${heapMb}m`, '-Drocketmq.client.logLevel=ERROR'];
  return [...heap, '-cp', `${join(target, 'classes')}:${join(target, 'lib', '*')}`, mainClass];
}

function javaCommand(folder, mainClass, heapMb) {
  buildJava();
  const lib = join(root, 'test', 'interop', 'java', `server-${javaVersion}`, 'target', 'lib', '*');
  mkdirSync(join(folder, 'conf'), { recursive: true });
  for (const name of ['namesrv', 'broker', 'tools']) {
    const empty = '<configuration><root level="OFF"/></configuration>\n';
    writeFileSync(join(folder, 'conf', `logback_${name}.xml`), empty);
  }
  const heap = [`-Xmx${heapMb}m`, `-Xms${heapMb}m`, `-Duser.home=${folder}`];
  return [...heap, '-cp', lib, mainClass, '-c', join(folder, 'server.conf')];
}

export async function startJava({ sync = false, more = {} } = {}) {
  const folder = temporaryFolder('j');
  const port = await freePort([-2, 0, 1]);
  const args = javaCommand(folder, 'org.apache.rocketmq.broker.BrokerStartup', 2048);
  properties(join(folder, 'server.conf'), { ...brokerProperties(folder, port, sync), ...more });
  const env = { ...process.env, ROCKETMQ_HOME: folder };
  const { child } = await started('java', args, /boot success/, { env, cwd: folder });
  return new Server('J', child, port, folder);
}

export async function startJavaNameserver() {
  const folder = temporaryFolder('j-ns');
  const port = await freePort();
  const args = javaCommand(folder, 'org.apache.rocketmq.namesrv.NamesrvStartup', 256);
  properties(join(folder, 'server.conf'), { listenPort: port });
  const env = { ...process.env, ROCKETMQ_HOME: folder };
  const { child } = await started('java', args, /boot success/, { env, cwd: folder });
  return new Server('J', child, port, folder);
}
