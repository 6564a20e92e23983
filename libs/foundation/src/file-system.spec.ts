import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { readDurableJson, writeDurableJson } from './durable-json.js';
import { nodeFileSystem as disk } from './file-system.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'foundation-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('nodeFileSystem', () => {
  it('writes and reads at positions, leaving holes of zeros', async () => {
    const file = disk.open(path.join(folder, 'log'), 'create');
    file.truncate(100);
    file.writeAt(Buffer.from('xhellox'), 1, 5, 50);
    await file.sync();
    const into = new Uint8Array(8);
    expect(file.readAt(into, 1, 7, 49)).toBe(7);
    expect([...into]).toEqual([0, 0, 104, 101, 108, 108, 111, 0]);
    expect(file.size()).toBe(100);
    file.close();
  });

  it('lists an absent folder as empty and answers undefined for an absent text', () => {
    expect(disk.list(path.join(folder, 'nowhere'))).toEqual([]);
    expect(disk.readText(path.join(folder, 'nothing'))).toBeUndefined();
  });

  it('tells the disk use of a folder that does not exist yet', () => {
    const use = disk.diskUse(path.join(folder, 'a', 'b'));
    expect(use.total).toBeGreaterThan(use.free);
    expect(use.free).toBeGreaterThan(0);
  });
});

describe('a lock file', () => {
  it('is refused while this process holds it, and free again after', () => {
    const file = path.join(folder, 'lock');
    const lock = disk.lock(file);
    expect(() => disk.lock(file)).toThrow(/held by this process/);
    lock.close();
    disk.lock(file).close();
  });

  it('is refused while another living process holds it, and free when that one was killed', async () => {
    const file = path.join(folder, 'lock');
    const other = spawn('sleep', ['60']);
    await once(other, 'spawn');
    fs.writeFileSync(file, `${other.pid}\n`);
    expect(() => disk.lock(file)).toThrow(`held by process ${other.pid}`);
    other.kill('SIGKILL');
    await once(other, 'exit');
    disk.lock(file).close();
  });

  it('of a process whose number another one has now is free', () => {
    const file = path.join(folder, 'lock');
    fs.writeFileSync(file, `${process.ppid} 1\n`);
    disk.lock(file).close();
  });
});

describe('durable JSON', () => {
  const at = (): string => path.join(folder, 'config', 'topics.json');

  it('is undefined when never written and comes back when written', () => {
    expect(readDurableJson(disk, at())).toBeUndefined();
    writeDurableJson(disk, at(), '{"a":1}');
    expect(readDurableJson(disk, at())).toEqual({ a: 1 });
    expect(disk.list(path.dirname(at()))).toEqual(['topics.json']);
  });

  it('falls back to the one before when the file is torn', () => {
    writeDurableJson(disk, at(), '{"a":1}');
    writeDurableJson(disk, at(), '{"a":2}');
    fs.writeFileSync(at(), '{"a":');
    const warnings: string[] = [];
    const read = (): unknown =>
      readDurableJson(disk, at(), undefined, (sentence) => warnings.push(sentence));
    expect(read()).toEqual({ a: 1 });
    expect(warnings).toEqual([expect.stringContaining('what its .bak holds counts instead')]);
    expect(read()).toEqual({ a: 1 });
    // The torn text never becomes the one before.
    writeDurableJson(disk, at(), '{"a":3}');
    fs.writeFileSync(at(), '');
    expect(read()).toEqual({ a: 1 });
    expect(warnings).toHaveLength(2);
    expect(fs.readFileSync(`${at()}.broken`, 'utf8')).toBe('{"a":');
  });

  it('is found when a crash came after the old text had made room and before the new one came', () => {
    writeDurableJson(disk, at(), '{"a":1}');
    writeDurableJson(disk, at(), '{"a":2}');
    fs.renameSync(at(), `${at()}.bak`);
    expect(readDurableJson(disk, at())).toEqual({ a: 2 });
    writeDurableJson(disk, at(), '{"a":3}');
    expect(readDurableJson(disk, at())).toEqual({ a: 3 });
    expect(fs.readFileSync(`${at()}.bak`, 'utf8')).toBe('{"a":2}');
  });

  it.each([['{"a":'], ['']])('refuses to start empty when both are broken: %p', (torn) => {
    writeDurableJson(disk, at(), '{"a":1}');
    writeDurableJson(disk, at(), '{"a":2}');
    fs.writeFileSync(at(), torn);
    fs.writeFileSync(`${at()}.bak`, torn);
    expect(() => readDurableJson(disk, at())).toThrow(/Neither .*topics.json nor its .bak/);
  });
});
