import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem, type FileSystem } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { FileOffsetStore } from './file-offset-store.js';
import { OffsetTable, type OffsetStore, type QueueOffset } from './offset-store.js';

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

  it('says once that another member writes the same file', async () => {
    const path = join(folder, 'shared.json');
    const told: string[] = [];
    const tell = (sentence: string): void => void told.push(sentence);
    const stores = [1, 2].map(() => new FileOffsetStore(nodeFileSystem, path, tell));
    for (let offset = 0; offset < 6; offset += 1) {
      await stores[offset % 2]?.write([{ queue, offset }]);
    }
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('give each its own offsetKey');
  });

  describe('whose file is broken', () => {
    let path: string;
    let told: string[];
    let store: FileOffsetStore;

    beforeEach(async () => {
      path = join(folder, 'default.json');
      told = [];
      store = new FileOffsetStore(nodeFileSystem, path, (sentence) => void told.push(sentence));
      await new FileOffsetStore(nodeFileSystem, path).write([{ queue, offset: 5 }]);
      await new FileOffsetStore(nodeFileSystem, path).write([{ queue, offset: 9 }]);
    });

    it.each([
      ['torn', '{"version": 1, "offsets": {"t@b@1": 9'],
      ['empty', ''],
      ['something else', '{"offsetTable": {}}'],
      ['of wrong offsets', '{"version": 1, "offsets": {"t@b@1": -3}}'],
    ])('goes on with the .bak, and says so: %s', async (_, text) => {
      writeFileSync(path, text);
      expect(await store.read(queue)).toBe(5);
      expect(told).toEqual([expect.stringContaining('what its .bak holds counts instead')]);
      await store.write([{ queue, offset: 7 }]);
      expect(await new FileOffsetStore(nodeFileSystem, path).read(queue)).toBe(7);
    });

    it('goes on with the .bak when a crash came between the two renames', async () => {
      renameSync(path, `${path}.gone`);
      expect(await store.read(queue)).toBe(5);
      expect(told).toEqual([]);
    });

    it('begins anew when the .bak is broken as well, keeps both aside, and says so', async () => {
      writeFileSync(path, '{');
      writeFileSync(`${path}.bak`, 'nonsense');
      expect(await store.read(queue)).toBeUndefined();
      expect(told).toEqual([expect.stringContaining('the group begins anew')]);
      expect(readFileSync(`${path}.broken`, 'utf8')).toBe('{');
      expect(readFileSync(`${path}.bak.broken`, 'utf8')).toBe('nonsense');
      await store.write([{ queue, offset: 1 }]);
      expect(await new FileOffsetStore(nodeFileSystem, path).read(queue)).toBe(1);
    });

    it('does not begin anew when the file only cannot be read now', async () => {
      const fileSystem: FileSystem = Object.create(nodeFileSystem) as FileSystem;
      let isLocked = true;
      fileSystem.readText = (name) => {
        if (isLocked) throw new Error('EACCES');
        return nodeFileSystem.readText(name);
      };
      store = new FileOffsetStore(fileSystem, path);
      await expect(store.read(queue)).rejects.toThrow('EACCES');
      isLocked = false;
      expect(await store.read(queue)).toBe(9);
    });
  });
});
