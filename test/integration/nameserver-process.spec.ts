import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { GetRouteinfoByTopic } from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';

const main = fileURLToPath(new URL('../../apps/nameserver/dist/main.js', import.meta.url));
const bootLine = /^The Name Server boot success\. serializeType=JSON, address 127\.0\.0\.1:(\d+)$/m;

function once(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 });
}

/** Resolves with the port once the process says that it is ready; rejects when it ends before. */
function ready(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const found = bootLine.exec(printed);
      if (found !== null) resolve(Number(found[1]));
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${printed}`)));
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

describe('mqnamesrv as a process', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mqnamesrv-'));
    file = join(folder, 'namesrv.properties');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (...lines: string[]): void =>
    writeFileSync(file, [`kvConfigPath=${folder}/kv.json`, ...lines].join('\n'));

  it.each(['SIGTERM', 'SIGINT'] as const)(
    "prints Apache's line when it is ready, answers, and leaves on %s",
    async (signal) => {
      write('listenPort = 0', 'bindAddress=127.0.0.1', 'defaultThreadPoolNums=16');
      const child = spawn(process.execPath, [main, '-c', file], { stdio: 'pipe' });
      try {
        const port = await ready(child);
        const client = new RemotingClient({ clock: systemClock, logger: silentLogger });
        const asked = { topic: 'T' };
        const options = { timeoutMs: 30_000 };
        const answer = await client.invoke(
          `127.0.0.1:${port}`,
          GetRouteinfoByTopic,
          asked,
          options,
        );
        expect(answer.name).toBe('TOPIC_NOT_EXIST');
        await client.close();
        const end = ended(child);
        child.kill(signal);
        expect(await end).toBe(0);
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  it('names every broken value of its file and starts nothing', () => {
    write('listenPort=99999', 'enableTopicList=maybe');
    const { status, stderr, stdout } = once('-c', file);
    expect(status).toBe(1);
    expect(stderr).toContain('\'listenPort\' must be between 0 and 65535, but is "99999"');
    expect(stderr).toContain('\'enableTopicList\' must be true or false, but is "maybe"');
    expect(stdout).not.toContain('boot success');
  });

  it('says so when its file is not there or its arguments make no sense', () => {
    const missing = once('-c', join(folder, 'nothing.conf'));
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('nothing.conf')]);
    const odd = once('--prot', '9876');
    expect([odd.status, odd.stderr]).toEqual([1, expect.stringContaining('usage: mqnamesrv')]);
  });

  it('prints its options and leaves', () => {
    write('listenPort=1234', 'listenPrt=1');
    const { status, stdout, stderr } = once('-c', file, '-p');
    expect(status).toBe(0);
    expect(stdout).toContain('listenPort=1234\n');
    expect(stdout).toContain(`configStorePath=${file}\n`);
    expect(stderr).toContain("'listenPrt' is not a known option; did you mean 'listenPort'?");
    expect(once('-m').stdout).toMatch(/^listenPort=9876\nbindAddress=/);
    expect(once('-h').stdout).toContain('usage: mqnamesrv');
  });
});
