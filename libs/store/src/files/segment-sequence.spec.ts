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
