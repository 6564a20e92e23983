import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { freePorts, RunningProgram, temporaryFolder } from '../support/java.js';
import { RawBroker } from '../support/raw-broker.js';
import { GetMaxOffset, SendMessageV2 } from '@nestjs-rocketmq/protocol';

const root = join(import.meta.dirname, '..', '..');
const mainOf = (app: string): string => join(root, 'apps', app, 'dist', 'main.js');

describe('the commands of the servers', () => {
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder('commands');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('work from any folder, by a link, with or without ROCKETMQ_HOME', () => {
    const bin = join(folder, 'home', 'bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(mainOf('broker'), join(bin, 'mqbroker'));
    symlinkSync(mainOf('nameserver'), join(bin, 'mqnamesrv'));
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'my.conf'), 'brokerName=mine\nlistenPort=12345\n');
    for (const home of [{}, { ROCKETMQ_HOME: join(folder, 'home') }]) {
      for (const command of ['mqbroker', 'mqnamesrv']) {
        const run = spawnSync(process.execPath, [join(bin, command), '-c', 'my.conf', '-p'], {
          cwd: elsewhere,
          env: { ...process.env, ...home },
          encoding: 'utf8',
        });
        expect(run.status).toBe(0);
        expect(run.stdout).toContain('listenPort=12345');
      }
    }
  });

  it('serve with a heap of 256 MB', async () => {
    const port = await freePorts([-2, 0, 1]);
    const file = join(folder, 'broker.conf');
    writeFileSync(
      file,
      `listenPort=${port}\nbrokerIP1=127.0.0.1\nstorePathRootDir=${join(folder, 'store')}\n`,
    );
    const broker = RunningProgram.start(
      'our broker with 256 MB',
      process.execPath,
      ['--max-old-space-size=256', mainOf('broker'), '-c', file],
      { cwd: folder },
    );
    const client = RawBroker.clientOf();
    try {
      await broker.untilLine('boot success');
      const address = `127.0.0.1:${port}`;
      const how = { body: new Uint8Array(64 * 1024), timeoutMs: 30_000 };
      const asked = {
        producerGroup: 'p',
        topic: 'smoke',
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 4,
        queueId: 0,
        sysFlag: 0,
        bornTimestamp: Date.now(),
        flag: 0,
        properties: '',
      };
      for (let i = 0; i < 200; i += 1) await client.invoke(address, SendMessageV2, asked, how);
      const max = { topic: 'smoke', queueId: 0 };
      const { header } = await client.invoke(address, GetMaxOffset, max, { timeoutMs: 30_000 });
      expect(header.offset).toBe(200);
    } finally {
      await client.close();
      await broker.stop();
    }
  });
});
