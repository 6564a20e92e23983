import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBroker } from '@nestjs-rocketmq/broker';
import { FileLockedError, OptionsError, silentLogger } from '@nestjs-rocketmq/foundation';
import {
  GetAllTopicConfig,
  GetBrokerConfig,
  GetBrokerRuntimeInfo,
  GetTopicConfig,
  DeleteTopicInBroker,
  UpdateAndCreateTopic,
} from '@nestjs-rocketmq/protocol';
import { RawBroker, temporaryFolder } from '../support/raw-broker.js';

describe('a broker', () => {
  it('is refused a folder that another broker has', async () => {
    const folder = temporaryFolder();
    try {
      await using first = await RawBroker.start({}, { dir: folder.path });
      await expect(RawBroker.start({}, { dir: folder.path })).rejects.toThrow(FileLockedError);
      await first.send('orders', 'still serving');
    } finally {
      folder.remove();
    }
  });

  it('names every wrong option and leaves nothing behind', async () => {
    const folder = temporaryFolder();
    const properties = { listenPort: 'many', flushDiskType: 'NEVER' };
    const start = startBroker({ dir: folder.path, properties, logger: silentLogger });
    await expect(start).rejects.toThrow(OptionsError);
    await expect(start).rejects.toThrow(/listenPort.*flushDiskType/);
    await using later = await RawBroker.start({}, { dir: folder.path });
    await later.send('orders', 'x');
    await later.close();
    folder.remove();
  });

  it('lets go of its folder when its port is taken', async () => {
    const folder = temporaryFolder();
    await using first = await RawBroker.start();
    const listenPort = first.broker.port;
    await expect(RawBroker.start({ listenPort }, { dir: folder.path })).rejects.toThrow(
      String(listenPort),
    );
    await using second = await RawBroker.start({}, { dir: folder.path });
    await second.close();
    folder.remove();
  });

  it('answers when a message is durable with SYNC_FLUSH, and shows it then', async () => {
    await using raw = await RawBroker.start({ flushDiskType: 'SYNC_FLUSH' });
    const sends = Array.from({ length: 20 }, (_, i) => raw.send('orders', `${i}`));
    await Promise.all(sends);
    const messages = await raw.receive('orders', 20);
    expect(messages.map(({ text }) => text)).toEqual(sends.map((_, i) => `${i}`));
  });

  it('says SLAVE_NOT_AVAILABLE as SYNC_MASTER, and has stored the message', async () => {
    await using raw = await RawBroker.start({ brokerRole: 'SYNC_MASTER' });
    const sent = await raw.send('orders', 'alone');
    expect([sent.name, sent.header.queueOffset]).toEqual(['SLAVE_NOT_AVAILABLE', 0]);
    expect((await raw.receive('orders', 1))[0]?.text).toBe('alone');
  });

  it("reads the tables that Java wrote, with Java's bare keys, and keeps what it does not know", async () => {
    const folder = temporaryFolder();
    const config = join(folder.path, 'config');
    mkdirSync(config, { recursive: true });
    writeFileSync(
      join(config, 'consumerOffset.json'),
      '{\n\t"dataVersion":{"counter":3,"stateVersion":0,"timestamp":5},' +
        '"offsetTable":{"orders@g":{0:12,1:15}}}',
    );
    writeFileSync(
      join(config, 'topics.json'),
      '{"dataVersion":{"counter":9,"timestamp":5},"topicConfigTable":{"orders":' +
        '{"order":true,"perm":6,"readQueueNums":3,"topicFilterType":"SINGLE_TAG",' +
        '"topicName":"orders","topicSysFlag":0,"writeQueueNums":2}}}',
    );
    await using raw = await RawBroker.start({}, { dir: folder.path });
    const topic = await raw.client.invoke(
      raw.address,
      GetTopicConfig,
      { topic: 'orders' },
      { timeoutMs: 30_000 },
    );
    expect(topic.body).toMatchObject({ order: true, readQueueNums: 3, writeQueueNums: 2 });
    await raw.close();
    const stored = JSON.parse(readFileSync(join(config, 'topics.json'), 'utf8')) as {
      dataVersion: { counter: number };
      topicConfigTable: Record<string, unknown>;
    };
    expect(stored.dataVersion.counter).toBeGreaterThanOrEqual(9);
    expect(Object.keys(stored.topicConfigTable)).toEqual(
      expect.arrayContaining([
        'orders',
        'TBW102',
        'SCHEDULE_TOPIC_XXXX',
        'RMQ_SYS_TRANS_HALF_TOPIC',
      ]),
    );
    folder.remove();
  });

  it('creates, changes and deletes topics for an operator', async () => {
    await using raw = await RawBroker.start();
    const ask = {
      topic: 'made',
      defaultTopic: 'TBW102',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      attributes: '+message.type=FIFO',
    };
    const update = (more: object = {}) =>
      raw.client.invoke(
        raw.address,
        UpdateAndCreateTopic,
        { ...ask, ...more },
        { timeoutMs: 30_000 },
      );
    const version = async () => {
      const all = await raw.client.invoke(
        raw.address,
        GetAllTopicConfig,
        {},
        { timeoutMs: 30_000 },
      );
      return [all.body.dataVersion.counter, all.body.topicConfigTable['made']] as const;
    };
    await update();
    const [first, made] = await version();
    expect(made).toMatchObject({ readQueueNums: 2, attributes: { 'message.type': 'FIFO' } });
    await update();
    expect((await version())[0]).toBe(first);
    await update({ readQueueNums: 5 });
    expect((await version())[0]).toBe(first + 1);
    await expect(update({ topic: 'SCHEDULE_TOPIC_XXXX' })).rejects.toThrow(/INVALID_PARAMETER/);
    await raw.send('made', 'x');
    await raw.client.invoke(
      raw.address,
      DeleteTopicInBroker,
      { topic: 'made' },
      { timeoutMs: 30_000 },
    );
    expect((await version())[1]).toBeUndefined();
    expect(await raw.maxOffset('made')).toBe(0);
  });

  it('shows its settings and figures', async () => {
    await using raw = await RawBroker.start({ defaultTopicQueueNums: 3 });
    await raw.send('orders', 'x');
    const settings = await raw.client.invoke(
      raw.address,
      GetBrokerConfig,
      {},
      { timeoutMs: 30_000 },
    );
    expect(settings.body).toContain('defaultTopicQueueNums=3\n');
    expect(JSON.parse(settings.header.version)).toHaveProperty('counter');
    const info = await raw.client.invoke(
      raw.address,
      GetBrokerRuntimeInfo,
      {},
      { timeoutMs: 30_000 },
    );
    expect(info.body.table).toMatchObject({
      msgPutTotalTodayNow: '1',
      brokerVersionDesc: 'V5_3_3',
    });
    expect(info.body.table['putTps']?.split(' ')).toHaveLength(3);
  });
});

describe('the process mqbroker', () => {
  const main = join(process.cwd(), 'apps/broker/dist/main.js');

  function run(args: string[]): Promise<{ code: number | null; out: string; error: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [main, ...args]);
      let out = '';
      let error = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('boot success')) child.kill('SIGTERM');
      });
      child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
      child.on('close', (code) => resolve({ code, out, error }));
    });
  }

  it("starts from Apache's file, says so in Apache's words, and stops in order on SIGTERM", async () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'broker.conf');
    writeFileSync(
      file,
      `brokerClusterName = DefaultCluster\nbrokerName = b\nbrokerIP1=127.0.0.1\nlistenPort=0\n` +
        `deleteWhen = 04\nstorePathRootDir=${join(folder.path, 'store')}\n`,
    );
    const { code, out } = await run(['-c', file]);
    expect(out).toMatch(/The broker\[b, 127\.0\.0\.1:\d+\] boot success\. serializeType=JSON\n/);
    expect(code).toBe(0);
    folder.remove();
  });

  it('does not start with a broken value; it says key, value and range', async () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'broker.conf');
    writeFileSync(file, `listenPort=99999\nstorePathRootDir=${join(folder.path, 'store')}\n`);
    const { code, error } = await run(['-c', file]);
    expect([code, error]).toEqual([
      1,
      expect.stringContaining(`'listenPort' must be between 0 and 65535, but is "99999"`),
    ]);
    folder.remove();
  });
});
