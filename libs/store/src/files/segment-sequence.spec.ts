import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { HandlePool } from './handle-pool.js';
import { segmentName, SegmentSequence } from './segment-sequence.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function sequenceOn(disk: FaultyFileSystem, size = 10): SegmentSequence {
  return new SegmentSequence(disk, new HandlePool(disk, 100), '/log', size);
}

function textAt(sequence: SegmentSequence, position: number, length: number): string {
  const into = new Uint8Array(length);
  const count = sequence.read(into, 0, length, position);
  return new TextDecoder().decode(into.subarray(0, count)).replaceAll('\0', '.');
}

describe('a sequence of files', () => {
  it('is read and written as if it were one', () => {
    const disk = new FaultyFileSystem(1);
    const sequence = sequenceOn(disk);
    for (const start of [0, 10, 20]) sequence.add(start);
    sequence.write(bytes('-abcdefghijklmn-'), 1, 14, 8);
    expect(textAt(sequence, 0, 30)).toBe('........abcdefghijklmn........');
    expect(textAt(sequence, 25, 100)).toBe('.....');
    expect(textAt(sequence, 30, 5)).toBe('');
    expect(disk.list('/log')).toEqual([0, 10, 20].map(segmentName));
  });

  it('is zero behind a cut, and has no files behind it', () => {
    const disk = new FaultyFileSystem(1);
    const sequence = sequenceOn(disk);
    for (const start of [0, 10, 20]) sequence.add(start);
    sequence.write(bytes('x'.repeat(30)), 0, 30, 0);
    sequence.cut(14);
    expect(sequence.end).toBe(20);
    expect(textAt(sequence, 0, 30)).toBe(`${'x'.repeat(14)}......`);
    sequence.cut(10);
    expect(sequence.end).toBe(10);
    sequence.cut(0);
    expect(textAt(sequence, 0, 30)).toBe('..........');
    expect(disk.list('/log')).toEqual([segmentName(0)]);
  });

  it('keeps a first file whose name holds the position', () => {
    const disk = new FaultyFileSystem(1);
    const sequence = sequenceOn(disk);
    sequence.add(50);
    sequence.write(bytes('y'), 0, 1, 50);
    sequence.cut(50);
    expect([sequence.start, sequence.end]).toEqual([50, 60]);
    expect(textAt(sequence, 50, 1)).toBe('.');
    sequence.cut(40);
    expect(sequence.isEmpty).toBe(true);
  });

  it('is found again, without an empty last file', () => {
    const disk = new FaultyFileSystem(1);
    const first = sequenceOn(disk);
    for (const start of [30, 40]) first.add(start);
    disk.open(`/log/${segmentName(50)}`, 'create');
    disk.writeText('/log/notes.txt', 'not ours');
    disk.makeDirectory(`/log/${segmentName(60)}`);
    const second = sequenceOn(disk);
    second.load('refuse');
    expect([second.start, second.end]).toEqual([30, 50]);
    expect(disk.exists(`/log/${segmentName(50)}`)).toBe(false);
    expect(disk.exists('/log/notes.txt')).toBe(true);
  });

  it('with a gap or a wrong size is refused, or ends before it', () => {
    const disk = new FaultyFileSystem(1);
    const first = sequenceOn(disk);
    for (const start of [0, 10, 20, 30]) first.add(start);
    disk.remove(`/log/${segmentName(20)}`);
    expect(() => sequenceOn(disk).load('refuse')).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error,
    );
    const second = sequenceOn(disk);
    second.load('remove');
    expect(second.end).toBe(20);
    expect(() => sequenceOn(disk, 7).load('refuse')).toThrow('has 10 bytes');
  });
});

describe('a sequence whose last file was cut and did not get its size back', () => {
  function cutShort(starts: readonly number[], position: number): FaultyFileSystem {
    const disk = new FaultyFileSystem(1);
    const sequence = sequenceOn(disk);
    for (const start of starts) sequence.add(start);
    sequence.write(bytes('x'.repeat(10)), 0, 10, starts.at(-1) as number);
    disk.fail({ call: 'truncate', after: 1 });
    expect(() => sequence.cut(position)).toThrow('EIO');
    return disk;
  }

  it('has it back after a crash', () => {
    const disk = cutShort([0, 10], 14);
    const sequence = sequenceOn(disk);
    sequence.load('refuse', 14);
    expect(textAt(sequence, 10, 10)).toBe('xxxx......');
    expect(disk.size(`/log/${segmentName(10)}`)).toBe(10);
  });

  it('is refused when it lacks what is needed, or was closed well', () => {
    const disk = cutShort([0, 10], 14);
    const wrong = expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error;
    expect(() => sequenceOn(disk).load('refuse', 15)).toThrow(wrong);
    expect(() => sequenceOn(disk).load('refuse')).toThrow(wrong);
  });

  it('keeps the only file, since its name holds the position', () => {
    const disk = cutShort([50], 50);
    const sequence = sequenceOn(disk);
    sequence.load('refuse', 50);
    expect([sequence.start, sequence.end]).toEqual([50, 60]);
    expect(textAt(sequence, 50, 10)).toBe('..........');
  });

  it('has no file behind it, whatever a power failure brings back', () => {
    let shorter = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const disk = new FaultyFileSystem(seed);
      const sequence = sequenceOn(disk);
      for (const start of [0, 10, 20]) disk.open(sequence.add(start).path, 'write').syncNow();
      sequence.cut(4);
      sequence.add(10);
      disk.crash();
      if (disk.size(`/log/${segmentName(0)}`) === 4) shorter += 1;
      const again = sequenceOn(disk);
      again.load('refuse', 4);
      expect(disk.list('/log')).toEqual(again.all.map(({ start }) => segmentName(start)));
    }
    expect(shorter).toBeGreaterThan(0);
  });

  it('is told from files of another size', () => {
    const disk = new FaultyFileSystem(1);
    const sequence = sequenceOn(disk);
    for (const start of [0, 10, 20]) sequence.add(start);
    expect(() => sequenceOn(disk, 20).load('refuse', 5)).toThrow('has 10 bytes');
    expect(disk.list('/log')).toHaveLength(3);
    // A single one is no reason to refuse: it becomes larger, and nothing in it moves.
    sequence.cut(5);
    const larger = sequenceOn(disk, 20);
    larger.load('refuse', 5);
    expect(larger.end).toBe(20);
  });
});

describe('open files', () => {
  it('are as many as allowed, the least used one is closed', () => {
    const disk = new FaultyFileSystem(1);
    const pool = new HandlePool(disk, 3);
    for (const name of ['/a', '/b', '/c']) pool.create(name, 10);
    pool.get('/a');
    pool.create('/d', 10);
    expect(pool.size).toBe(3);
    disk.fail({ call: 'open', path: '/a' });
    expect(() => pool.get('/a')).not.toThrow();
    disk.fail({ call: 'open', path: '/b' });
    expect(() => pool.get('/b')).toThrow('EIO');
  });

  it('are not closed below a sync', async () => {
    const disk = new FaultyFileSystem(1);
    const pool = new HandlePool(disk, 1);
    pool.create('/a', 10);
    disk.holdSyncs();
    const done = pool.sync('/a');
    pool.create('/b', 10);
    expect(pool.size).toBe(2);
    pool.drop('/a');
    disk.releaseSyncs();
    await expect(done).resolves.toBeUndefined();
    pool.close();
    expect(pool.size).toBe(0);
  });
});
