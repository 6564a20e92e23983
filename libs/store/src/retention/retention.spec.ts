import { join } from 'node:path';
import type { MessageStore } from '../message-store.js';
import type { StoreOptions } from '../store-options.js';
import { bodiesOf, draftOf, StoreFixture } from '../testing/index.js';
import { planRetention, type RetentionSettings, usedPart } from './retention-plan.js';

const hour = 3_600_000;
const settings: RetentionSettings = {
  deleteWhen: '04;16',
  reservedTime: 72 * hour,
  diskMaxUsedSpaceRatio: 75,
  diskSpaceWarningLevelRatio: 90,
  diskSpaceCleanForciblyRatio: 85,
  cleanFileForciblyEnable: true,
  deleteFileBatchMax: 10,
};
const now = 1000 * hour;
const quiet = { now, hour: 12, logUse: 0.5, queueUse: 0.5, isAsked: false };
/** Three files that have expired, and one that has not. */
const files = [
  { end: 100, youngerThan: now - 90 * hour },
  { end: 200, youngerThan: now - 80 * hour },
  { end: 300, youngerThan: now - 72 * hour },
  { end: 400, youngerThan: now - 71 * hour },
];

describe('what is to be removed', () => {
  it('is nothing outside the hours', () => {
    const plan = planRetention(settings, { ...quiet, files });
    expect(plan).toEqual({ isFull: false, reason: undefined, newStart: undefined, count: 0 });
  });

  it.each([4, 16])('is what has expired, at hour %d', (at) => {
    const plan = planRetention(settings, { ...quiet, hour: at, files });
    expect(plan).toEqual({ isFull: false, reason: 'hour', newStart: 300, count: 3 });
  });

  it('is what has expired, at any hour, when asked or when the disk is used above the limit', () => {
    expect(planRetention(settings, { ...quiet, isAsked: true, files })).toMatchObject({
      reason: 'asked',
      newStart: 300,
    });
    for (const use of [{ logUse: 0.76 }, { queueUse: 0.76 }]) {
      const plan = planRetention(settings, { ...quiet, ...use, files });
      expect(plan).toEqual({ isFull: false, reason: 'disk', newStart: 300, count: 3 });
    }
  });

  it('is the oldest whatever its age above the second level, and messages go on', () => {
    const plan = planRetention(settings, { ...quiet, logUse: 0.86, files });
    expect(plan).toMatchObject({ isFull: false, newStart: 400, count: 4 });
    const batch = { ...settings, deleteFileBatchMax: 2 };
    expect(planRetention(batch, { ...quiet, logUse: 0.86, files })).toMatchObject({ count: 2 });
  });

  it('is only what has expired above the second level when the others are spared', () => {
    const spared = { ...settings, cleanFileForciblyEnable: false };
    const plan = planRetention(spared, { ...quiet, logUse: 0.95, files });
    expect(plan).toEqual({ isFull: true, reason: 'disk', newStart: 300, count: 3 });
  });

  it('stops messages above the third level', () => {
    expect(planRetention(settings, { ...quiet, logUse: 0.9, files }).isFull).toBe(false);
    expect(planRetention(settings, { ...quiet, logUse: 0.91, files }).isFull).toBe(true);
    expect(planRetention(settings, { ...quiet, queueUse: 0.91, files }).isFull).toBe(true);
  });

  it('keeps the levels within the bounds that Java has', () => {
    const wild = {
      ...settings,
      diskSpaceWarningLevelRatio: 99,
      diskSpaceCleanForciblyRatio: 1,
      diskMaxUsedSpaceRatio: 1,
    };
    const at = (logUse: number) => planRetention(wild, { ...quiet, logUse, queueUse: 0, files });
    expect(at(0.91).isFull).toBe(true);
    expect(at(0.31).reason).toBe('disk, whatever the age');
    expect(at(0.3).reason).toBe('disk');
    expect(at(0.1).reason).toBeUndefined();
  });

  it('ends at the first file that stays, and at one whose age is not known', () => {
    const mixed = [files[0], files[3], files[1]].filter((file) => file !== undefined);
    expect(planRetention(settings, { ...quiet, hour: 4, files: mixed })).toMatchObject({
      count: 1,
    });
    const unknown = [{ end: 100, youngerThan: undefined }, ...files];
    expect(planRetention(settings, { ...quiet, hour: 4, files: unknown }).count).toBe(0);
  });

  it('counts the use of a disk in whole percents, rounded up', () => {
    expect(usedPart({ total: 1000, free: 249 })).toBe(0.76);
    expect(usedPart({ total: 1000, free: 250 })).toBe(0.75);
    expect(usedPart({ total: 0, free: 0 })).toBe(0);
  });
});

const options: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: 8192,
  mappedFileSizeConsumeQueue: 200,
  maxHashSlotNum: 50,
  maxIndexNum: 21,
  deleteWhen: '',
  fileReservedTime: 24,
};

/** Appends messages of about 1 KiB, 20 in an hour, until `hours` are over. */
async function fill(store: MessageStore, fixture: StoreFixture, hours: number): Promise<void> {
  for (let n = 0; n < hours; n += 1) {
    for (let i = 0; i < 20; i += 1) {
      const map = { UNIQ_KEY: `U${fixture.clock.now()}-${i}` };
      store.append(draftOf('x'.repeat(900), { queueId: i % 3, map }));
      fixture.endTurn();
    }
    await fixture.clock.advance(hour);
    await fixture.settle();
  }
}

function use(fixture: StoreFixture, percent: number): void {
  fixture.disk.diskUse = () => ({ total: 100, free: 100 - percent });
}

/** Lets the rounds and their pauses happen. */
async function rounds(fixture: StoreFixture, count = 3): Promise<void> {
  for (let i = 0; i < count * 100; i += 1) {
    await fixture.clock.advance(100);
    await fixture.settle(1);
  }
}

function logFiles(fixture: StoreFixture): string[] {
  return fixture.disk.list(join(fixture.directory, 'commitlog'));
}

describe('removal of old files', () => {
  it('takes log files, and the files of queues and index that lead to them', async () => {
    const fixture = new StoreFixture(1, options);
    const store = await fixture.open();
    await fill(store, fixture, 30);
    const before = logFiles(fixture);
    const filesOf = (id: number) =>
      fixture.disk.list(join(fixture.directory, 'consumequeue/orders', String(id))).length;
    const indexFiles = () => fixture.disk.list(join(fixture.directory, 'index')).length;
    const [queueBefore, indexBefore] = [filesOf(1), indexFiles()];
    const queue = store.queue('orders', 1);
    expect(queue.min).toBe(0);
    store.removeExpired();
    await rounds(fixture);
    const { minPosition } = store.figures();
    expect(minPosition).toBeGreaterThan(0);
    expect(logFiles(fixture).length).toBeLessThan(before.length);
    expect(queue.min).toBeGreaterThan(0);
    expect(filesOf(1)).toBeLessThan(queueBefore);
    expect(indexFiles()).toBeLessThan(indexBefore);
    // What is younger than a day is all there, and nothing is half there.
    expect(store.storeTimeAt(queue, queue.min)).toBeLessThanOrEqual(
      fixture.clock.now() - 20 * hour,
    );
    expect(bodiesOf(store, queue)).toHaveLength(queue.visible - queue.min);
    expect(store.find(queue, 0, 32)).toMatchObject({ status: 'OFFSET_TOO_SMALL', next: queue.min });
    await store.close();
  });

  it.each(['closed', 'killed', 'power failure'])(
    'keeps the first offset over a restart (%s)',
    async (how) => {
      const fixture = new StoreFixture(2, options);
      const store = await fixture.open();
      await fill(store, fixture, 30);
      store.removeExpired();
      await rounds(fixture);
      const offsets = store.queuesOf('orders').map((queue) => [queue.min, queue.visible]);
      if (how === 'closed') await store.close();
      else if (how === 'killed') fixture.disk.kill();
      else {
        await store.flush();
        fixture.disk.crash();
      }
      const again = await fixture.open();
      const found = again.queuesOf('orders').map((queue) => [queue.min, queue.visible]);
      expect(found).toEqual(offsets);
      for (const queue of again.queuesOf('orders')) {
        expect(bodiesOf(again, queue)).toHaveLength(queue.visible - queue.min);
      }
      await again.close();
    },
  );

  it('begins a minute after the start, at the hours that are set', async () => {
    const fixture = new StoreFixture(3, options);
    const first = await fixture.open();
    await fill(first, fixture, 30);
    await first.close();
    const count = logFiles(fixture).length;
    const at = String(new Date(fixture.clock.now()).getHours());
    const store = await fixture.open({ deleteWhen: at });
    await fixture.clock.advance(59_000);
    await fixture.settle();
    expect(logFiles(fixture)).toHaveLength(count);
    await fixture.clock.advance(1000);
    await rounds(fixture);
    expect(logFiles(fixture).length).toBeLessThan(count);
    await store.close();
  });

  it('never takes the newest file, and queues without messages keep their offsets', async () => {
    const fixture = new StoreFixture(4, options);
    const store = await fixture.open();
    store.append(draftOf('only', { queueId: 7 }));
    await fill(store, fixture, 10);
    use(fixture, 88);
    await fixture.clock.advance(60_000);
    await rounds(fixture, 20);
    expect(logFiles(fixture).length).toBeLessThanOrEqual(2);
    expect(logFiles(fixture).length).toBeGreaterThan(0);
    const empty = store.queue('orders', 7);
    expect([empty.min, empty.visible]).toEqual([1, 1]);
    expect(store.find(empty, 0, 1)).toMatchObject({ status: 'OFFSET_TOO_SMALL', next: 1 });
    expect(store.append(draftOf('next', { queueId: 7 })).queueOffset).toBe(1);
    fixture.endTurn();
    expect(bodiesOf(store, empty)).toEqual(['next']);
    await store.close();
    const again = await fixture.open();
    expect(bodiesOf(again, again.queue('orders', 7))).toEqual(['next']);
    expect(again.queue('orders', 7).min).toBe(1);
    await again.close();
  });

  it('takes nothing before the queues are durable, so that no power failure forgets an offset', async () => {
    const fixture = new StoreFixture(9, { ...options, flushConsumeQueueThoroughInterval: 1e9 });
    let store = await fixture.open();
    const queueId = 7;
    store.append(draftOf('only', { queueId }));
    for (let i = 0; i < 30; i += 1) {
      store.append(draftOf('x'.repeat(900)));
      fixture.endTurn();
    }
    await fixture.clock.advance(25 * hour);
    await fixture.settle();
    fixture.disk.fail({ call: 'sync', path: 'consumequeue' });
    store.removeExpired();
    await rounds(fixture, 1);
    const untouched = store.queue('orders', queueId);
    expect([logFiles(fixture)[0], untouched.min]).toEqual(['00000000000000000000', 0]);

    await rounds(fixture);
    expect(store.queue('orders', queueId).min).toBe(1);
    expect(logFiles(fixture)[0]).not.toBe('00000000000000000000');
    fixture.disk.crash();
    store = await fixture.open();
    const { min, visible } = store.queue('orders', queueId);
    expect([min, visible]).toEqual([1, 1]);
    await store.close();
  });

  it('refuses messages above the warning level, and takes them again below', async () => {
    const fixture = new StoreFixture(5, { ...options, cleanFileForciblyEnable: false });
    const store = await fixture.open();
    store.append(draftOf('before'));
    fixture.endTurn();
    use(fixture, 91);
    await fixture.clock.advance(60_000);
    expect(() => store.append(draftOf('refused'))).toThrow('disk of the store is full');
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['before']);
    use(fixture, 90);
    await fixture.clock.advance(10_000);
    store.append(draftOf('after'));
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['before', 'after']);
    await store.close();
  });

  it('goes on when a file cannot be removed', async () => {
    const fixture = new StoreFixture(6, options);
    const store = await fixture.open();
    await fill(store, fixture, 30);
    const count = logFiles(fixture).length;
    fixture.disk.fail({ call: 'remove', path: 'commitlog' });
    store.removeExpired();
    await fixture.settle();
    expect(logFiles(fixture)).toHaveLength(count);
    await rounds(fixture);
    expect(logFiles(fixture).length).toBeLessThan(count);
    await store.close();
  });

  it('removes queues without messages where nobody uses them', async () => {
    const fixture = new StoreFixture(7, options);
    const store = await fixture.open();
    store.append(draftOf('a', { queueId: 7 }));
    store.append(draftOf('b', { queueId: 8 }));
    await fill(store, fixture, 30);
    store.removeExpired();
    await rounds(fixture);
    expect(store.removeEmptyQueues((queue) => queue.queueId === 7)).toBe(1);
    const folder = join(fixture.directory, 'consumequeue/orders');
    expect(fixture.disk.list(folder)).toEqual(['0', '1', '2', '7']);
    await store.close();
  });
});
