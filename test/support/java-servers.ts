import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startJava, temporaryFolder, type JavaRun, type ServerVersion } from './java-programs.js';
import { untilRegistered } from './registration.js';
import type { RunningProgram } from './java-process.js';

const BOOT_DEADLINE_MS = 60_000;
const portsOfWorker = 2500;
const firstPort = 11_000 + (Number(process.env['JEST_WORKER_ID'] ?? 0) % 8) * portsOfWorker;
let nextPort = (process.pid * 61) % portsOfWorker;

/**
 * A free port such that the ports at the given distances are free too. A broker listens on its port,
 * on port - 2 and, for replication, on port + 1. Below the range from which the system hands out ports,
 * and never the same ones for two workers of a run, nor twice for one.
 */
export async function freePorts(distances: readonly number[] = [0]): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    nextPort = (nextPort + 5) % portsOfWorker;
    const port = firstPort + nextPort;
    const free = await Promise.all(distances.map((distance) => isFree(port + distance)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`no free port with its neighbours ${distances.join(', ')} from ${firstPort} on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)));
  });
}

/** An official nameserver process. */
export class JavaNameserver {
  constructor(
    readonly version: ServerVersion,
    readonly address: string,
    readonly program: RunningProgram,
    private readonly home: string,
  ) {}

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.program.kill();
    rmSync(this.home, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export async function startJavaNameserver(
  version: ServerVersion,
  run: JavaRun & { port?: number; properties?: Record<string, string | number | boolean> } = {},
): Promise<JavaNameserver> {
  const home = run.home ?? temporaryFolder(`namesrv-${version}`);
  mkdirSync(home, { recursive: true });
  const port = run.port ?? (await freePorts());
  const file = join(home, 'namesrv.conf');
  writeProperties(file, { listenPort: port, ...run.properties });
  const program = startJava(version, 'org.apache.rocketmq.namesrv.NamesrvStartup', ['-c', file], {
    heapMb: 128,
    ...run,
    home,
  });
  await program.untilLine('boot success', BOOT_DEADLINE_MS);
  return new JavaNameserver(version, `127.0.0.1:${port}`, program, home);
}

export interface JavaBrokerOptions extends JavaRun {
  nameServers: string;
  /** Where to look whether it has registered; `nameServers` when not given. */
  registeredAt?: string;
  /** The store; kept on stop when given, a temporary folder removed on stop otherwise. */
  storeDir?: string;
  port?: number;
  /** Further lines of broker.conf; they win over those of this file. */
  properties?: Record<string, string | number | boolean>;
}

/** An official broker process. */
export class JavaBroker {
  constructor(
    readonly version: ServerVersion,
    readonly address: string,
    readonly port: number,
    readonly name: string,
    readonly cluster: string,
    readonly storeDir: string,
    readonly program: RunningProgram,
    private readonly home: string,
  ) {}

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** SIGKILL, as a crash; the store stays as it is when it was given. */
  async kill(): Promise<void> {
    await this.program.kill();
    rmSync(this.home, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export async function startJavaBroker(
  version: ServerVersion,
  options: JavaBrokerOptions,
): Promise<JavaBroker> {
  const home = options.home ?? temporaryFolder(`broker-${version}`);
  mkdirSync(home, { recursive: true });
  const port = options.port ?? (await freePorts([-2, 0, 1]));
  const storeDir = options.storeDir ?? join(home, 'store');
  const properties: Record<string, string | number | boolean> = {
    brokerClusterName: 'DefaultCluster',
    brokerName: 'broker-java',
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    listenPort: port,
    haListenPort: port + 1,
    namesrvAddr: options.nameServers,
    storePathRootDir: storeDir,
    storePathCommitLog: join(storeDir, 'commitlog'),
    mappedFileSizeCommitLog: 64 * 1024 * 1024,
    // Slow shared disks make the broker answer busy; that is not what these suites ask.
    osPageCacheBusyTimeOutMills: 60_000,
    waitTimeMillsInSendQueue: 60_000,
    diskMaxUsedSpaceRatio: 95,
    ...options.properties,
  };
  const file = join(home, 'broker.conf');
  writeProperties(file, properties);
  const program = startJava(version, 'org.apache.rocketmq.broker.BrokerStartup', ['-c', file], {
    heapMb: 512,
    ...options,
    home,
  });
  const address = `${properties['brokerIP1']}:${port}`;
  await program.untilLine('boot success', BOOT_DEADLINE_MS);
  for (const nameServer of (options.registeredAt ?? options.nameServers).split(';')) {
    await untilRegistered(nameServer, address);
  }
  return new JavaBroker(
    version,
    address,
    port,
    String(properties['brokerName']),
    String(properties['brokerClusterName']),
    storeDir,
    program,
    home,
  );
}

export interface JavaServers {
  readonly nameserver: JavaNameserver;
  readonly broker: JavaBroker;
  readonly nameServers: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A nameserver and one broker of a version. */
export async function startJavaServers(
  version: ServerVersion,
  options: Omit<JavaBrokerOptions, 'nameServers'> = {},
): Promise<JavaServers> {
  const nameserver = await startJavaNameserver(version);
  const broker = await startJavaBroker(version, {
    ...options,
    nameServers: nameserver.address,
  }).catch(async (error: unknown) => {
    await nameserver.stop();
    throw error;
  });
  // A store that nobody looks at any more need not be closed well; that takes 5.x ten seconds.
  const close = async () => {
    await (options.storeDir === undefined ? broker.kill() : broker.stop());
    await nameserver.kill();
  };
  return {
    nameserver,
    broker,
    nameServers: nameserver.address,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function writeProperties(file: string, values: Record<string, string | number | boolean>): void {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
}
