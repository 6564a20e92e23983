import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/java-servers.js';

const READY_WITHIN_MS = 60_000;
/** Where the systems' packages put the programs of the server. */
const homes = ['/usr/lib/postgresql', '/usr/pgsql', '/opt/homebrew/opt', '/usr/local/opt'];

/** The folder of `initdb` and `postgres`; undefined when no server is installed. */
export function findPostgres(): string | undefined {
  const below = homes.filter(existsSync).flatMap((home) =>
    readdirSync(home)
      .filter((name) => home.endsWith('/postgresql') || name.startsWith('postgresql'))
      .map((name) => join(home, name, 'bin'))
      .toSorted()
      .toReversed(),
  );
  const path = (process.env['PATH'] ?? '').split(':');
  const has = (folder: string): boolean =>
    existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'));
  return [...below, ...path].find(has);
}

/** Installs the server from the system's packages; the reason when that cannot be done. */
export function installPostgres(): string | undefined {
  if (process.getuid?.() !== 0) return 'this user may not install packages';
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get';
  // A server of ours is wanted, none that the package starts by itself.
  const settings = '/etc/postgresql-common/createcluster.conf';
  if (!existsSync(settings)) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(settings, 'create_main_cluster = false\n');
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const keep = ['-o', 'Dpkg::Options::=--force-confold', '-o', 'Acquire::Retries=2'];
  for (const args of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...keep, 'postgresql'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, timeout: 300_000 });
    if (status !== 0) return String(stderr).trim().split('\n').at(-1) ?? 'apt-get failed';
  }
  return findPostgres() === undefined ? 'the package brought no server' : undefined;
}

/** A user for the server, which refuses to run as root; undefined: as who we are. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const of = (name: string) => lines.find((line) => line.startsWith(`${name}:`))?.split(':');
  const found = of('postgres') ?? of('nobody') ?? [];
  return { uid: Number(found[2] ?? 65_534), gid: Number(found[3] ?? 65_534) };
}

/** A PostgreSQL server of our own on a temporary folder and a free port of the loopback. */
export class PostgresServer {
  private databases = 0;

  private constructor(
    private readonly server: ChildProcess,
    private readonly ended: Promise<unknown>,
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(bin: string): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    const user = serverUser();
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
    const made = spawnSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { ...user, env, cwd: folder, timeout: 120_000 },
    );
    if (made.status !== 0) throw new Error(`initdb: ${String(made.stderr)}`);
    const port = await freePorts();
    // Clients are killed here, not the machine: nothing needs to be synced.
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'max_connections=60'];
    const args = ['-D', data, '-p', String(port), '-k', folder];
    const server = spawn(
      join(bin, 'postgres'),
      [...args, ...settings.flatMap((setting) => ['-c', setting])],
      { ...user, env, cwd: folder, stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => server.once('exit', resolve));
    const started = new PostgresServer(server, ended, folder, port);
    await eventually('PostgreSQL takes connections', READY_WITHIN_MS, () => started.answers());
    return started;
  }

  /** The URL of a new empty database. */
  async database(): Promise<string> {
    const name = `campaign_${(this.databases += 1)}`;
    const client = new pg.Client(this.url('postgres'));
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return this.url(name);
  }

  async stop(): Promise<void> {
    this.server.kill('SIGINT');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  private async answers(): Promise<true | undefined> {
    const client = new pg.Client(this.url('postgres'));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return undefined;
    }
  }
}
