import { FaultyFileSystem } from './faulty-file-system.js';

const text = new TextEncoder();

function write(disk: FaultyFileSystem, path: string, content: string, at = 0): void {
  const handle = disk.open(path, 'create');
  const bytes = text.encode(content);
  handle.writeAt(bytes, 0, bytes.length, at);
  handle.close();
}

async function synced(disk: FaultyFileSystem, path: string): Promise<void> {
  await disk.open(path, 'write').sync();
}

describe('the faulty disk', () => {
  it('does what a disk does while nothing breaks', () => {
    const disk = new FaultyFileSystem(1);
    disk.makeDirectory('/a/b');
    disk.writeText('/a/b/one', 'hello');
    disk.rename('/a/b/one', '/a/b/two');
    expect(disk.list('/a')).toEqual(['b']);
    expect(disk.list('/a/b')).toEqual(['two']);
    expect(disk.readText('/a/b/two')).toBe('hello');
    expect([disk.exists('/a/b/one'), disk.isDirectory('/a/b'), disk.size('/a/b/two')]).toEqual([
      false,
      true,
      5,
    ]);
    const handle = disk.open('/a/b/two', 'write');
    handle.truncate(10_000);
    const bytes = new Uint8Array(10).fill(1);
    expect(handle.readAt(bytes, 0, 10, 9_995)).toBe(5);
    expect([...bytes]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    disk.remove('/a');
    expect(disk.exists('/a/b/two')).toBe(false);
    expect(() => disk.open('/a/b/two', 'read')).toThrow('ENOENT');
  });

  it('keeps everything when the process is killed, but none of its files open', () => {
    const disk = new FaultyFileSystem(1);
    const handle = disk.open('/f', 'create');
    handle.writeAt(text.encode('abc'), 0, 3, 0);
    const lock = disk.lock('/lock');
    expect(() => disk.lock('/lock')).toThrow('held by another');
    disk.kill();
    expect(disk.readText('/f')).toBe('abc');
    expect(() => handle.writeAt(text.encode('x'), 0, 1, 0)).toThrow('EBADF');
    const second = disk.lock('/lock');
    lock.close();
    expect(() => disk.lock('/lock')).toThrow('held by another');
    second.close();
    expect(() => disk.lock('/lock')).not.toThrow();
  });

  it('keeps what was synced when the power fails, and of the rest now this, now that', async () => {
    const left = new Set<string | undefined>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new FaultyFileSystem(seed);
      write(disk, '/f', 'old!');
      await synced(disk, '/f');
      write(disk, '/f', 'new!');
      write(disk, '/unsynced', 'x');
      disk.crash();
      left.add(disk.readText('/f'));
      left.add(disk.exists('/unsynced') ? 'made' : 'not made');
    }
    expect(left).toEqual(new Set(['old!', 'new!', 'made', 'not made']));
  });

  it('tears by sectors: a later one may be there and an earlier one not', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1) {
      const disk = new FaultyFileSystem(seed);
      write(disk, '/f', 'a'.repeat(1024));
      await synced(disk, '/f');
      write(disk, '/f', 'b'.repeat(1024));
      disk.crash();
      const content = disk.readText('/f') ?? '';
      expect(content).toMatch(/^(a{512}|b{512})(a{512}|b{512})$/);
      seen.add(`${content[0]}${content[1023]}`);
    }
    expect(seen).toEqual(new Set(['aa', 'ab', 'ba', 'bb']));
  });

  it('does not count what was written after a sync began to that sync', async () => {
    const left = new Set<string | undefined>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new FaultyFileSystem(seed);
      write(disk, '/f', 'one');
      disk.holdSyncs();
      const done = synced(disk, '/f');
      write(disk, '/f', 'two');
      disk.releaseSyncs();
      await done;
      disk.crash();
      left.add(disk.readText('/f'));
    }
    expect(left).toEqual(new Set(['one', 'two']));
  });

  it('has lost for good what a failed sync was to make durable', async () => {
    const left = new Set<string | undefined>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new FaultyFileSystem(seed);
      write(disk, '/f', 'old');
      await synced(disk, '/f');
      write(disk, '/f', 'new');
      disk.fail({ call: 'sync' });
      await expect(synced(disk, '/f')).rejects.toThrow('EIO');
      await synced(disk, '/f');
      disk.crash();
      left.add(disk.readText('/f'));
    }
    expect(left).toEqual(new Set(['old', 'new']));
  });

  it('writes a part when a write fails or the disk is full', () => {
    const disk = new FaultyFileSystem(3);
    disk.fail({ call: 'write', code: 'EIO', path: 'f' });
    write(disk, '/other', 'x');
    expect(() => write(disk, '/f', 'y'.repeat(100))).toThrow('EIO');
    expect(disk.size('/f')).toBeLessThan(100);
    disk.capacity = 3 * 4096;
    expect(() => write(disk, '/g', 'z'.repeat(10_000))).toThrow(
      expect.objectContaining({ code: 'ENOSPC' }) as Error,
    );
    expect(disk.size('/g')).toBe(4096);
    expect(disk.diskUse()).toEqual({ total: 3 * 4096, free: 0 });
  });

  it('does the same for the same seed', () => {
    const run = (): string[] => {
      const disk = new FaultyFileSystem(42);
      for (let i = 0; i < 20; i += 1) write(disk, `/f${i}`, `${i}`.repeat(600));
      disk.crash();
      return disk.list('/').map((name) => `${name} ${disk.readText(`/${name}`)}`);
    };
    expect(run()).toEqual(run());
  });
});
