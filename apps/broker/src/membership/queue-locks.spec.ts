import { lockLifeMillis, QueueLocks } from './queue-locks.js';

const queue = (queueId: number) => ({ topic: 'orders', brokerName: 'broker-a', queueId });

describe('QueueLocks', () => {
  it('gives a queue to one client of a group at a time', () => {
    const locks = new QueueLocks();
    expect(locks.lock('g', 'one', [queue(0), queue(1)], 0)).toEqual([queue(0), queue(1)]);
    expect(locks.lock('g', 'two', [queue(1), queue(2)], 10)).toEqual([queue(2)]);
  });

  it('keeps groups apart', () => {
    const locks = new QueueLocks();
    locks.lock('g', 'one', [queue(0)], 0);
    expect(locks.lock('h', 'two', [queue(0)], 0)).toEqual([queue(0)]);
  });

  it('hands a queue over after an unlock by its holder, and only by its holder', () => {
    const locks = new QueueLocks();
    locks.lock('g', 'one', [queue(0)], 0);
    locks.unlock('g', 'two', [queue(0)]);
    expect(locks.lock('g', 'two', [queue(0)], 1)).toEqual([]);
    locks.unlock('g', 'one', [queue(0)]);
    expect(locks.lock('g', 'two', [queue(0)], 2)).toEqual([queue(0)]);
  });

  it('lets a lock go when it was not renewed in time; a renewal keeps it', () => {
    const locks = new QueueLocks();
    locks.lock('g', 'one', [queue(0)], 0);
    locks.lock('g', 'one', [queue(0)], 50_000);
    expect(locks.lock('g', 'two', [queue(0)], 50_000 + lockLifeMillis)).toEqual([]);
    expect(locks.lock('g', 'two', [queue(0)], 50_001 + lockLifeMillis)).toEqual([queue(0)]);
  });

  it('knows whether a group holds anything, and forgets the expired', () => {
    const locks = new QueueLocks();
    expect(locks.anyHeld('g', 0)).toBe(false);
    locks.lock('g', 'one', [queue(0)], 0);
    expect(locks.anyHeld('g', lockLifeMillis)).toBe(true);
    expect(locks.anyHeld('g', lockLifeMillis + 1)).toBe(false);
    locks.sweep(lockLifeMillis + 1);
    expect(locks.anyHeld('g', 0)).toBe(false);
  });
});
