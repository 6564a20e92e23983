import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import {
  FileOffsetStore,
  OffsetTable,
  type OffsetStore,
  type QueueOffset,
} from './offset-store.js';

const queue: MessageQueue = { topic: 't', brokerName: 'b', queueId: 1 };
const other: MessageQueue = { topic: 't', brokerName: 'b', queueId: 2 };

class RememberingStore implements OffsetStore {
  readonly writes: (readonly QueueOffset[])[] = [];
  failure: Error | undefined;
  read = (): Promise<number | undefined> => Promise.resolve(undefined);
  async write(offsets: readonly QueueOffset[]): Promise<void> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    this.writes.push(offsets);
  }
}

describe('OffsetTable', () => {
  it('only moves forward by advance, and anywhere by set', () => {
    const table = new OffsetTable(new RememberingStore());
    table.advance(queue, 5);
    table.advance(queue, 3);
    expect(table.known(queue)).toBe(5);
    table.set(queue, 1);
    expect(table.known(queue)).toBe(1);
  });

  it('gives the store only what changed since the last time', async () => {
    const store = new RememberingStore();
    const table = new OffsetTable(store);
    table.advance(queue, 5);
    table.advance(other, 6);
    await table.persist();
    table.advance(other, 7);
    await table.persist();
    await table.persist();
    expect(store.writes.map((write) => write.map((one) => one.offset))).toEqual([[5, 6], [7]]);
  });

  it('gives it again after a failure', async () => {
    const store = new RememberingStore();
    const table = new OffsetTable(store);
    table.advance(queue, 5);
    store.failure = new Error('broker away');
    await expect(table.persist()).rejects.toThrow('broker away');
    store.failure = undefined;
    await table.persist();
    expect(store.writes).toEqual([[{ queue, offset: 5 }]]);
  });

  it('does not take an offset for written that moved while the store was writing', async () => {
    const store = new RememberingStore();
    const table = new OffsetTable(store);
    table.advance(queue, 5);
    const writing = table.persist();
    await Promise.resolve();
    table.advance(queue, 8);
    await writing;
    await table.persist();
    expect(store.writes.map((write) => write[0]?.offset)).toEqual([5, 8]);
  });
});

describe('FileOffsetStore', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'offsets-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps offsets of earlier runs and of other queues', async () => {
    const path = join(folder, 'group', 'default.json');
    await new FileOffsetStore(nodeFileSystem, path).write([{ queue, offset: 5 }]);
    await new FileOffsetStore(nodeFileSystem, path).write([{ queue: other, offset: 9 }]);
    const store = new FileOffsetStore(nodeFileSystem, path);
    expect([await store.read(queue), await store.read(other)]).toEqual([5, 9]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      version: 1,
      offsets: { 't@b@1': 5, 't@b@2': 9 },
    });
  });

  it('answers undefined for what it never saw', async () => {
    const store = new FileOffsetStore(nodeFileSystem, join(folder, 'none.json'));
    expect(await store.read(queue)).toBeUndefined();
  });

  it('refuses a file that holds something else instead of starting from nothing', async () => {
    const path = join(folder, 'broken.json');
    writeFileSync(path, '{"offsetTable": {}}');
    await expect(new FileOffsetStore(nodeFileSystem, path).read(queue)).rejects.toMatchObject({
      code: 'CLIENT_OFFSET_UNREADABLE',
    });
  });
});
