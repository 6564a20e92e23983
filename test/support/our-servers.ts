import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, RunningProgram, temporaryFolder } from './java.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const BOOT_DEADLINE_MS = 60_000;
type Properties = Record<string, string | number | boolean>;

/** Our nameserver and broker as an operator starts them: processes of their `main` files. */
export interface OurServers {
  readonly nameServers: string;
  readonly brokerAddress: string;
  readonly brokerName: string;
  readonly broker: RunningProgram;
  readonly nameserver: RunningProgram;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startOurNameserver(
  wishedPort?: number,
): Promise<{ program: RunningProgram; address: string }> {
  const home = temporaryFolder('our-namesrv');
  const port = wishedPort ?? (await freePorts());
  const file = join(home, 'namesrv.conf');
  writeFileSync(file, `listenPort=${port}\n`);
  const program = startMain('nameserver', ['-c', file], home);
  await program.untilLine('boot success', BOOT_DEADLINE_MS);
  return { program, address: `127.0.0.1:${port}` };
}

export interface OurBrokerOptions {
  nameServers: string;
  storeDir: string;
  port?: number;
  properties?: Properties;
}

export async function startOurBroker(
  options: OurBrokerOptions,
): Promise<{ program: RunningProgram; address: string; name: string }> {
  const home = temporaryFolder('our-broker');
  const port = options.port ?? (await freePorts([-2, 0, 1]));
  const properties: Properties = {
    brokerClusterName: 'DefaultCluster',
    brokerName: 'broker-ours',
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    listenPort: port,
    namesrvAddr: options.nameServers,
    storePathRootDir: options.storeDir,
    storePathCommitLog: join(options.storeDir, 'commitlog'),
    mappedFileSizeCommitLog: 64 * 1024 * 1024,
    // A slow disk of the machine that runs the suites is not what they ask about.
    brokerFastFailureEnable: false,
    ...options.properties,
  };
  const file = join(home, 'broker.conf');
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const program = startMain('broker', ['-c', file], home);
  await program.untilLine('boot success', BOOT_DEADLINE_MS);
  return { program, address: `127.0.0.1:${port}`, name: String(properties['brokerName']) };
}

export async function startOurServers(
  options: Partial<Omit<OurBrokerOptions, 'nameServers'>> = {},
): Promise<OurServers> {
  const nameserver = await startOurNameserver();
  const storeDir = options.storeDir ?? temporaryFolder('our-store');
  const broker = await startOurBroker({
    ...options,
    storeDir,
    nameServers: nameserver.address,
  }).catch(async (error: unknown) => {
    await nameserver.program.stop();
    throw error;
  });
  const close = async () => {
    await broker.program.stop();
    await nameserver.program.stop();
    if (options.storeDir === undefined) rmSync(storeDir, { recursive: true, force: true });
  };
  return {
    nameServers: nameserver.address,
    brokerAddress: broker.address,
    brokerName: broker.name,
    broker: broker.program,
    nameserver: nameserver.program,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function startMain(app: 'nameserver' | 'broker', args: string[], home: string): RunningProgram {
  const main = join(root, 'apps', app, 'dist', 'main.js');
  if (!existsSync(main)) throw new Error(`${main} is not built: run "npm run build"`);
  const program = RunningProgram.start(`our ${app}`, process.execPath, [main, ...args], {
    cwd: home,
  });
  void program.exited.then(() => rmSync(home, { recursive: true, force: true }));
  return program;
}
