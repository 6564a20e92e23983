import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { HandlePool } from '../files/handle-pool.js';
import { SegmentSequence } from '../files/segment-sequence.js';
import { entryBytes } from '../formats/consume-queue-entry.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { ConsumeQueue } from './consume-queue.js';
import { EntryArena } from './entry-arena.js';
import { correctMin, fillQueueTo, firstWhere, restoreQueue } from './queue-recovery.js';

function queueOn(disk: FaultyFileSystem, arena = new EntryArena()): ConsumeQueue {
  const files = new SegmentSequence(disk, new HandlePool(disk, 10), '/q', 100 * entryBytes);
  return new ConsumeQueue('t', 0, files, arena);
}

function positionsOf(queue: ConsumeQueue): number[] {
  const entry = { position: 0, size: 0, tagsCode: 0 };
  return Array.from({ length: queue.next - queue.min }, (_, i) => {
    if (!queue.entryAt(queue.min + i, entry)) throw new Error(`no entry ${queue.min + i}`);
    return entry.position;
  });
}

describe('the entries of a queue', () => {
  it('are the same wherever they are: in memory, in the file, or on their way', () => {
    const random = new SeededRandom(11);
    const arena = new EntryArena();
    const disk = new FaultyFileSystem(1);
    const queue = queueOn(disk, arena);
    const expected: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      for (let n = random.below(90); n > 0; n -= 1) {
        queue.stage(expected.length * 1000, 7, -expected.length);
        expected.push(expected.length * 1000);
      }
      if (random.chance(0.3)) {
        expected.length = queue.logged;
        queue.dropStaged();
      } else queue.logged = queue.next;
      if (random.chance(0.7))
        queue.write(queue.written + random.below(queue.logged - queue.written + 1));
      if (i % 30 === 0) expect(positionsOf(queue)).toEqual(expected);
    }
    queue.write(queue.logged);
    expect(positionsOf(queue)).toEqual(expected);
    expect(arena.slotsInUse).toBe(0);
    const again = queueOn(disk);
    again.files.load('refuse');
    restoreQueue(again, false);
    expect(positionsOf(again)).toEqual(expected);
    const entry = { position: 0, size: 0, tagsCode: 0 };
    again.entryAt(77, entry);
    expect(entry).toEqual({ position: 77_000, size: 7, tagsCode: -77 });
    expect(again.entryAt(again.next, entry)).toBe(false);
    expect(again.entryAt(-1, entry)).toBe(false);
  });

  it('of many queues share the memory and give it back', () => {
    const arena = new EntryArena();
    const queues = Array.from({ length: 500 }, () => queueOn(new FaultyFileSystem(1), arena));
    for (let round = 0; round < 100; round += 1) {
      queues.forEach((queue, i) => queue.stage(round * 1000 + i, 1, 0));
    }
    expect(arena.slotsInUse).toBe(1000);
    queues.forEach((queue, i) => {
      expect(positionsOf(queue).at(-1)).toBe(99_000 + i);
      queue.discard();
    });
    expect(arena.slotsInUse).toBe(0);
  });
});

describe('restoring a queue', () => {
  it('after a crash stops at a hole and at entries of an earlier life', () => {
    const disk = new FaultyFileSystem(1);
    const write = (queue: ConsumeQueue, positions: number[]): void => {
      for (const position of positions) queue.stage(position, 5, 0);
      queue.logged = queue.next;
      queue.write(queue.next);
    };
    const queue = queueOn(disk);
    write(queue, [10, 20, 30, 25, 40]);
    const again = queueOn(disk);
    again.files.load('remove');
    restoreQueue(again, true);
    expect(again.next).toBe(3);
    queue.files.write(new Uint8Array(entryBytes), 0, entryBytes, entryBytes);
    restoreQueue(again, true);
    expect(again.next).toBe(1);
  });

  it('starts behind fillers and behind what the log does not have any more', () => {
    const queue = queueOn(new FaultyFileSystem(1));
    fillQueueTo(queue, 130);
    expect(queue.files.start).toBe(100 * entryBytes);
    for (let i = 0; i < 20; i += 1) queue.stage(1000 + i, 5, 0);
    queue.logged = queue.next;
    queue.write(queue.next);
    const again = queueOn(new FaultyFileSystem(1));
    Object.assign(again, { files: queue.files });
    restoreQueue(again, false);
    correctMin(again, 0);
    expect([again.min, again.next]).toEqual([130, 150]);
    correctMin(again, 1015);
    expect(again.min).toBe(145);
  });

  it('halves to the first that holds', () => {
    expect(firstWhere(3, 9, (n) => n >= 7)).toBe(7);
    expect(firstWhere(3, 9, () => true)).toBe(3);
    expect(firstWhere(3, 9, () => false)).toBe(9);
  });
});
