import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedRocketMQ, nodeFileSystem, silentLogger } from './index.js';

describe('embedded servers', () => {
  it('give an address each, and take their temporary folder with them', async () => {
    const embedded = await EmbeddedRocketMQ.start({ logger: silentLogger });
    expect(embedded.nameServers).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(embedded.brokerAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(nodeFileSystem.exists(join(embedded.dir, 'store'))).toBe(true);
    await embedded.close();
    await embedded.close();
    expect(nodeFileSystem.exists(embedded.dir)).toBe(false);
  });

  it('keep a folder that they were given, and can be started on it again', async () => {
    const dir = join(tmpdir(), `embedded-${randomUUID()}`);
    try {
      for (const round of [1, 2]) {
        await using embedded = await EmbeddedRocketMQ.start({ dir, logger: silentLogger });
        expect([round, embedded.dir]).toEqual([round, dir]);
      }
      expect(nodeFileSystem.exists(join(dir, 'store', 'commitlog'))).toBe(true);
    } finally {
      nodeFileSystem.remove(dir);
    }
  });

  it('live side by side in one process', async () => {
    await using first = await EmbeddedRocketMQ.start({ logger: silentLogger });
    await using second = await EmbeddedRocketMQ.start({ logger: silentLogger });
    expect(first.nameServers).not.toBe(second.nameServers);
    expect(first.dir).not.toBe(second.dir);
  });

  it('refuse wrong options by name and leave nothing open', async () => {
    const dir = join(tmpdir(), `embedded-${randomUUID()}`);
    try {
      const wrong = { dir, broker: { listenPort: 'many' }, logger: silentLogger };
      await expect(EmbeddedRocketMQ.start(wrong)).rejects.toThrow("'listenPort'");
      // The folder is free again: nothing holds its lock.
      await using embedded = await EmbeddedRocketMQ.start({ dir, logger: silentLogger });
      expect(embedded.dir).toBe(dir);
    } finally {
      nodeFileSystem.remove(dir);
    }
  });

  it('refuse a misspelt folder instead of using one that is removed', async () => {
    const misspelt = { dri: '/somewhere' } as object;
    await expect(EmbeddedRocketMQ.start(misspelt)).rejects.toThrow("did you mean 'dir'?");
  });

  it('run on a clock of the caller', async () => {
    const clock = new ManualClock(1_700_000_000_000);
    const embedded = await EmbeddedRocketMQ.start({ clock, logger: silentLogger });
    const closing = embedded.close();
    await clock.advance(10_000);
    await closing;
    expect(nodeFileSystem.exists(embedded.dir)).toBe(false);
  });
});
