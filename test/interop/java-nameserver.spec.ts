import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deferred, silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import { startNameserver, type RunningNameserver } from '@nestjs-rocketmq/nameserver';
import { mqadmin, prepareJava, serverVersions, startJavaBroker } from '../support/java.js';

beforeAll(() => prepareJava());

/** Resolves when the nameserver says a sentence of this kind. */
class Listening {
  private readonly awaited: { kind: RegExp; heard: Deferred<void> }[] = [];
  private readonly said: string[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    info: (sentence) => this.hear(sentence),
    warn: (sentence) => this.hear(sentence),
  };

  until(kind: RegExp): Promise<void> {
    if (this.said.some((sentence) => kind.test(sentence))) return Promise.resolve();
    const heard = new Deferred<void>();
    this.awaited.push({ kind, heard });
    return heard.promise;
  }

  private hear(sentence: string): void {
    this.said.push(sentence);
    for (const { kind, heard } of this.awaited) if (kind.test(sentence)) heard.resolve();
  }
}

describe.each(serverVersions)('our nameserver and an official broker of %s', (version) => {
  let folder: string;
  let nameserver: RunningNameserver;
  let listening: Listening;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nameserver-interop-'));
    listening = new Listening();
    const { logger } = listening;
    nameserver = await startNameserver({ listenPort: 0, dir: folder, logger });
  });
  afterAll(async () => {
    await nameserver.close();
    rmSync(folder, { recursive: true });
  });

  const admin = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await mqadmin('5.3.3', nameserver.address, args);
    return `${stdout}\n${stderr}`;
  };

  it('find each other and part', async () => {
    const nameServers = nameserver.address;
    const properties = { compressedRegister: true };
    await using broker = await startJavaBroker(version, { nameServers, properties });
    await listening.until(/^A broker registered/);

    const clusters = await admin('clusterList');
    expect(clusters).toMatch(new RegExp(`DefaultCluster +broker-java +0 +${broker.address}`));
    const created = await admin('updateTopic', '-c', 'DefaultCluster', '-t', 'Interop', '-r', '3');
    expect(created).toContain(`create topic to ${broker.address} success`);
    const route = await admin('topicRoute', '-t', 'Interop');
    expect(route).toContain(`"${broker.address}"`);
    expect(route).toContain('"readQueueNums":3');
    if (version === '5.3.3') await serveTheRestOfMqadmin();

    await broker.stop();
    // 4.9.7 closes its connections before it says goodbye.
    await listening.until(/^A broker (left|is gone)/);
    expect(await admin('topicRoute', '-t', 'Interop')).toContain('No topic route info');
  });

  async function serveTheRestOfMqadmin(): Promise<void> {
    expect(await admin('topicList')).toContain('TBW102');
    expect(await admin('wipeWritePerm', '-b', 'broker-java')).toContain('OK');
    expect(await admin('topicRoute', '-t', 'Interop')).toContain('"perm":4');
    expect(await admin('addWritePerm', '-b', 'broker-java')).toContain('OK');
    expect(await admin('topicRoute', '-t', 'Interop')).toContain('"perm":6');
    const put = ['-s', 'ORDER_TOPIC_CONFIG', '-k', 'Interop', '-v', 'broker-java:3'];
    expect(await admin('updateKvConfig', ...put)).toContain('success');
    expect(await admin('updateOrderConf', '-t', 'Interop', '-m', 'get')).toContain('broker-java:3');
    expect(await admin('getNamesrvConfig')).toMatch(/listenPort += +0/);
  }
});
