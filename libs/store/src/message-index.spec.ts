import { join } from 'node:path';
import type { Logger } from '@nestjs-rocketmq/foundation';
import { StoredMessage, SysFlag } from '@nestjs-rocketmq/message';
import type { MessageStore } from './message-store.js';
import type { StoreOptions } from './store-options.js';
import { draftOf, smallFiles, StoreFixture } from './testing/index.js';

const allTime = { begin: 0, end: Number.MAX_SAFE_INTEGER };

const options: Partial<StoreOptions> = { ...smallFiles, maxHashSlotNum: 50, maxIndexNum: 41 };

/** Appends `count` messages with a unique key `U<n>` and the keys `K<n>` and `all`. */
function fill(store: MessageStore, fixture: StoreFixture, from: number, count: number): void {
  for (let n = from; n < from + count; n += 1) {
    store.append(draftOf(`body ${n}`, { map: { UNIQ_KEY: `U${n}`, KEYS: `K${n}  all` } }));
    if (n % 7 === 0) fixture.endTurn();
  }
  fixture.endTurn();
}

function bodies(store: MessageStore, key: string, topic = 'orders', maxCount = 64): string[] {
  const { records } = store.query({ topic, key, ...allTime, maxCount, maxBytes: 1e9 });
  return records.map((record) => new StoredMessage(record).text);
}

function expectAll(store: MessageStore, count: number): void {
  for (let n = 0; n < count; n += 1) {
    expect(bodies(store, `K${n}`)).toEqual([`body ${n}`]);
    expect(bodies(store, `U${n}`)).toEqual([`body ${n}`]);
  }
}

function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const note = (line: string): void => void lines.push(line);
  const logger = { lines, debug: note, info: note, warn: note, error: note };
  return { ...logger, child: () => recordingLogger() };
}

describe('key index', () => {
  it('finds messages by unique key and by each key, over several files', async () => {
    const fixture = new StoreFixture(1, options);
    const store = await fixture.open();
    fill(store, fixture, 0, 100);
    expectAll(store, 100);
    expect(bodies(store, 'K1', 'others')).toEqual([]);
    expect(bodies(store, 'nobody')).toEqual([]);
    // 300 keys at 40 a file.
    expect(fixture.disk.list(join(fixture.directory, 'index'))).toHaveLength(8);
    await store.close();
  });

  it('answers the newest when there are too many, in order of the log', async () => {
    const fixture = new StoreFixture(2, options);
    const store = await fixture.open();
    fill(store, fixture, 0, 100);
    expect(bodies(store, 'all', 'orders', 3)).toEqual(['body 97', 'body 98', 'body 99']);
    expect(bodies(store, 'all')).toHaveLength(64);
    const bytes = store.query({
      topic: 'orders',
      key: 'all',
      ...allTime,
      maxCount: 9,
      maxBytes: 1,
    });
    expect(bytes.records).toHaveLength(1);
    await store.close();
  });

  it('keeps to the span of time, to the millisecond', async () => {
    const fixture = new StoreFixture(3, options);
    const store = await fixture.open();
    const start = fixture.clock.now();
    for (let n = 0; n < 20; n += 1) {
      fill(store, fixture, n, 1);
      await fixture.clock.advance(700);
    }
    const { records } = store.query({
      topic: 'orders',
      key: 'all',
      begin: start + 3 * 700,
      end: start + 6 * 700,
      maxCount: 64,
      maxBytes: 1e9,
    });
    const texts = records.map((record) => new StoredMessage(record).text);
    expect(texts).toEqual(['body 3', 'body 4', 'body 5', 'body 6']);
    await store.close();
  });

  it('indexes half and committed messages, and no rolled back ones', async () => {
    const fixture = new StoreFixture(4, options);
    const store = await fixture.open();
    for (const [name, sysFlag] of Object.entries({
      prepared: SysFlag.TRANSACTION_PREPARED,
      commit: SysFlag.TRANSACTION_COMMIT,
      rollback: SysFlag.TRANSACTION_ROLLBACK,
    })) {
      store.append(draftOf(name, { sysFlag, map: { UNIQ_KEY: 'T' } }));
    }
    fixture.endTurn();
    expect(bodies(store, 'T')).toEqual(['prepared', 'commit']);
    await store.close();
  });

  it('finds keys that are not ASCII', async () => {
    const fixture = new StoreFixture(5, options);
    const store = await fixture.open();
    store.append(draftOf('one', { map: { KEYS: 'größe 订单号-1234' } }));
    fixture.endTurn();
    expect(bodies(store, '订单号-1234')).toEqual(['one']);
    expect(bodies(store, 'größe')).toEqual(['one']);
    await store.close();
  });

  it('finds by tag through the queues', async () => {
    const fixture = new StoreFixture(6, options);
    const store = await fixture.open();
    for (let n = 0; n < 150; n += 1) {
      const tag = n % 50 === 0 ? 'paid' : 'new';
      // The hash of a tag is Java's: a message that shares it is not shown.
      const tagsCode = n % 50 === 0 || n === 7 ? 3_433_164 : 1;
      const draft = draftOf(`body ${n}`, { queueId: n % 3, tagsCode, map: { TAGS: tag } });
      store.append(draft);
    }
    fixture.endTurn();
    const wanted = { topic: 'orders', key: 'paid', isTag: true, ...allTime, maxBytes: 1e9 };
    const found = store.query({ ...wanted, maxCount: 10 });
    const texts = found.records.map((record) => new StoredMessage(record).text);
    expect(texts).toEqual(['body 0', 'body 50', 'body 100']);
    await store.close();
  });

  it('shows nothing of a turn that failed, and nothing before it is durable', async () => {
    const fixture = new StoreFixture(7, options);
    const store = await fixture.open({ flushDiskType: 'SYNC_FLUSH' });
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    store.append(draftOf('lost', { map: { KEYS: 'lost' } }));
    fixture.endTurn();
    fixture.disk.holdSyncs();
    store.append(draftOf('late', { map: { KEYS: 'late' } }));
    fixture.endTurn();
    expect(bodies(store, 'lost')).toEqual([]);
    expect(bodies(store, 'late')).toEqual([]);
    fixture.disk.releaseSyncs();
    await fixture.settle();
    expect(bodies(store, 'late')).toEqual(['late']);
    await store.close();
  });

  it('adds nothing when it is switched off, and makes up for it when it is on again', async () => {
    const fixture = new StoreFixture(8, options);
    const off = await fixture.open({ messageIndexEnable: false });
    fill(off, fixture, 0, 30);
    expect(bodies(off, 'K3')).toEqual([]);
    await off.close();
    const on = await fixture.open();
    expectAll(on, 30);
    await on.close();
  });
});

describe('the key index after a restart', () => {
  it('goes on after a good close', async () => {
    const fixture = new StoreFixture(10, options);
    for (let life = 0; life < 5; life += 1) {
      const store = await fixture.open();
      expectAll(store, life * 23);
      fill(store, fixture, life * 23, 23);
      await store.close();
    }
  });

  it.each([11, 12, 13, 14, 15])(
    'has every message that the log has after a kill or a power failure (seed %d)',
    async (seed) => {
      const fixture = new StoreFixture(seed, options);
      let count = 0;
      for (let life = 0; life < 6; life += 1) {
        const store = await fixture.open();
        const queue = store.queue('orders', 0);
        expect(queue.visible).toBeLessThanOrEqual(count);
        count = queue.visible;
        expectAll(store, count);
        const more = fixture.disk.random.below(60) + 1;
        fill(store, fixture, count, more);
        count += more;
        if (fixture.disk.random.chance(0.5)) await fixture.clock.advance(60_000);
        for (let i = fixture.disk.random.below(7); i > 0; i -= 1) await fixture.settle(1);
        fill(store, fixture, count, 5);
        count += 5;
        if (fixture.disk.random.chance(0.5)) fixture.disk.kill();
        else fixture.disk.crash();
      }
    },
  );

  it('is made again from the log where files are missing or of another size', async () => {
    const fixture = new StoreFixture(20, options);
    const first = await fixture.open();
    fill(first, fixture, 0, 60);
    await first.close();
    fixture.disk.remove(join(fixture.directory, 'index'));
    const second = await fixture.open();
    expectAll(second, 60);
    await second.close();
    const third = await fixture.open({ maxIndexNum: 77 });
    expectAll(third, 60);
    await third.close();
  });

  it('of a log that is gone does not come back with the next power failure', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const fixture = new StoreFixture(seed, options);
      const store = await fixture.open();
      fill(store, fixture, 0, 10);
      await fixture.clock.advance(61_000);
      await fixture.settle(50);
      const old = fixture.disk.list(join(fixture.directory, 'index'));
      expect(old).not.toEqual([]);
      fixture.disk.kill();
      fixture.disk.remove(join(fixture.directory, 'commitlog/00000000000000000000'));
      await fixture.open();
      fixture.disk.crash();
      expect(fixture.disk.list(join(fixture.directory, 'index'))).toEqual([]);
    }
  });

  it('is made again behind an entry that cannot be right', async () => {
    const logger = recordingLogger();
    const fixture = new StoreFixture(21, options, logger);
    const first = await fixture.open();
    fill(first, fixture, 0, 12);
    await first.close();
    const folder = join(fixture.directory, 'index');
    const name = fixture.disk.list(folder)[0] as string;
    fixture.disk.writeText(join(fixture.directory, 'abort'), '1');
    // The hash of the fifth entry.
    fixture.disk.damage(join(folder, name), 40 + 50 * 4 + 5 * 20);
    const second = await fixture.open();
    expectAll(second, 12);
    expect(logger.lines.join()).toContain('An index file is damaged');
    await second.close();
  });

  it('never answers a wrong message, whatever byte of a file is damaged', async () => {
    const fixture = new StoreFixture(22, { ...options, maxHashSlotNum: 7, maxIndexNum: 10 });
    const first = await fixture.open();
    fill(first, fixture, 0, 3);
    await first.close();
    const folder = join(fixture.directory, 'index');
    const bytes = 40 + 7 * 4 + 10 * 20;
    for (let at = 0; at < bytes; at += 1) {
      const bit = 1 << fixture.disk.random.below(8);
      fixture.disk.damage(join(folder, fixture.disk.list(folder)[0] as string), at, bit);
      const store = await fixture.open();
      for (let n = 0; n < 3; n += 1) {
        const found = bodies(store, `K${n}`);
        if (found.length > 0) expect(found).toEqual([`body ${n}`]);
      }
      await store.close();
      fixture.disk.remove(folder);
      await (await fixture.open()).close();
    }
  });

  it('does not believe a sync after one that failed, and makes up for it', async () => {
    for (let seed = 31; seed <= 50; seed += 1) {
      const logger = recordingLogger();
      const fixture = new StoreFixture(seed, options, logger);
      const first = await fixture.open();
      fill(first, fixture, 0, 30);
      fixture.disk.fail({ call: 'sync', path: '/index/' });
      await fixture.clock.advance(60_000);
      await fixture.settle(20);
      expect(logger.lines.join()).toContain('The key index cannot be written');
      fill(first, fixture, 30, 30);
      await fixture.clock.advance(60_000);
      await fixture.settle(20);
      if (seed % 2 === 0) await first.close();
      fixture.disk.crash();
      const second = await fixture.open();
      const { visible } = second.queue('orders', 0);
      expect(visible).toBe(60);
      expectAll(second, visible);
      await second.close();
    }
  });

  it('goes on storing messages when the index cannot be written, and makes up for it', async () => {
    const logger = recordingLogger();
    const fixture = new StoreFixture(23, options, logger);
    const first = await fixture.open();
    fixture.disk.fail({ call: 'open', path: '/index/', code: 'EACCES', times: 1000 });
    fill(first, fixture, 0, 500);
    expect(first.queue('orders', 0).visible).toBe(500);
    expect(logger.lines.join()).toContain('The key index cannot be written');
    fixture.disk.heal();
    await first.close();
    const second = await fixture.open();
    expectAll(second, 500);
    await second.close();
  });
});
