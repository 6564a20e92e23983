import { spanOf } from '@nestjs-rocketmq/foundation';
import { decodeRecords, readProperty, StoredMessage, tagHash } from '@nestjs-rocketmq/message';
import type { MessageStore } from './message-store.js';
import { bodiesOf, draftOf, StoreFixture } from './testing/store-fixture.js';

const large = { mappedFileSizeCommitLog: 4 * 1024 * 1024, mappedFileSizeConsumeQueue: 8000 };

async function openOf(fixture: StoreFixture) {
  const store = await fixture.open();
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

describe('finding messages', () => {
  let fixture: StoreFixture;
  let store: MessageStore;

  beforeEach(async () => {
    fixture = new StoreFixture(1, large);
    store = await fixture.open();
  });
  afterEach(() => store.close());

  it('says what is wrong with an offset, and where to go on', () => {
    const queue = store.queue('orders', 0);
    expect(store.find(queue, 5, 32)).toMatchObject({ status: 'NO_MESSAGE_IN_QUEUE', next: 0 });
    for (let i = 0; i < 3; i += 1) store.append(draftOf('x'));
    fixture.endTurn();
    expect(store.find(queue, -1, 32)).toMatchObject({ status: 'OFFSET_TOO_SMALL', next: 0 });
    expect(store.find(queue, 3, 32)).toMatchObject({ status: 'OFFSET_OVERFLOW_ONE', next: 3 });
    expect(store.find(queue, 4, 32)).toMatchObject({ status: 'OFFSET_OVERFLOW_BADLY', next: 3 });
    expect(store.find(queue, 1, 32)).toMatchObject({ status: 'FOUND', count: 2, next: 3 });
  });

  it('gives at most as many messages and bytes as allowed, but always one', () => {
    for (let i = 0; i < 100; i += 1) store.append(draftOf('x'.repeat(903)));
    fixture.endTurn();
    const queue = store.queue('orders', 0);
    expect(store.find(queue, 0, 10)).toMatchObject({ count: 10, next: 10 });
    expect(store.find(queue, 0, 1000)).toMatchObject({ count: 32, next: 32 });
    expect(store.find(queue, 0, 32, { maxBytes: 5000 })).toMatchObject({ count: 5, bytes: 5000 });
    expect(store.find(queue, 0, 32, { maxBytes: 1 })).toMatchObject({ count: 1, bytes: 1000 });
    expect(store.find(queue, 0, 0)).toMatchObject({ count: 1 });
  });

  it('gives less at once of what lies further back than memory is taken to hold', async () => {
    const small = new StoreFixture(1, { ...large, accessMessageInMemoryMaxRatio: 0 });
    await using behind = await openOf(small);
    for (let i = 0; i < 20; i += 1) behind.store.append(draftOf('x'.repeat(903)));
    small.endTurn();
    const queue = behind.store.queue('orders', 0);
    expect(behind.store.find(queue, 0, 32)).toMatchObject({ count: 8, next: 8, isFarBehind: true });
    expect(behind.store.isFarBehind(queue, 0)).toBe(true);
    expect(store.find(store.queue('orders', 0), 0, 32).isFarBehind).toBe(false);
  });

  it('passes over entries that the filter does not want, up to a bound', () => {
    const wanted = tagHash('B');
    const filter = (code: number): boolean => code === wanted;
    for (let i = 0; i < 1000; i += 1) {
      store.append(draftOf(`${i}`, { tagsCode: i % 100 === 99 ? wanted : 7 }));
    }
    fixture.endTurn();
    const queue = store.queue('orders', 0);
    const found = store.find(queue, 0, 4, { filter });
    expect(found).toMatchObject({ status: 'FOUND', count: 4, next: 400 });
    const none = store.find(queue, 0, 4, { filter: () => false });
    expect(none).toMatchObject({ status: 'NO_MATCHED_MESSAGE', count: 0, next: 800 });
    expect(store.find(queue, 800, 4, { filter: () => false }).next).toBe(1000);
  });

  it('reads messages of a queue over those of others between them, near and far', () => {
    for (let i = 0; i < 60; i += 1) {
      store.append(draftOf(`mine ${i}`));
      // Gaps of 0, about 5 KiB and about 40 KiB.
      const size = [0, 5000, 40_000][i % 3] as number;
      if (size > 0) store.append(draftOf('y'.repeat(size), { queueId: 1 }));
      if (i % 7 === 0) fixture.endTurn();
    }
    fixture.endTurn();
    const expected = Array.from({ length: 60 }, (_, i) => `mine ${i}`);
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(expected);
    expect(bodiesOf(store, store.queue('orders', 0), 7)).toEqual(expected);
  });

  it('fills a place inside a larger buffer', () => {
    store.append(draftOf('a'));
    store.append(draftOf('b', { queueId: 1 }));
    store.append(draftOf('c'));
    fixture.endTurn();
    const found = store.find(store.queue('orders', 0), 0, 32);
    const bytes = new Uint8Array(found.bytes + 20).fill(0xee);
    store.read(found, spanOf(bytes, 10, 10 + found.bytes));
    expect(new StoredMessage(bytes, undefined, 10).text).toBe('a');
    expect([...bytes.subarray(0, 10), ...bytes.subarray(bytes.length - 10)]).toEqual(
      Array<number>(20).fill(0xee),
    );
  });

  it('notices a record that is not what its entry says', () => {
    for (let i = 0; i < 3; i += 1) store.append(draftOf('x'));
    fixture.endTurn();
    fixture.disk.damage('/data/store/commitlog/00000000000000000000', 98 + 3);
    const found = store.find(store.queue('orders', 0), 0, 32);
    expect(() => store.read(found, spanOf(new Uint8Array(found.bytes)))).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error,
    );
  });
});

describe('finding by properties', () => {
  const wanted = new TextEncoder().encode('wanted');
  const accepts = (bytes: Uint8Array, from: number, to: number): boolean =>
    readProperty(bytes, from, to, wanted) === 'yes';
  const yes = { wanted: 'yes' };
  const no = { wanted: 'no' };

  it('finds what the test accepts, whatever lies between and however large it is', async () => {
    const fixture = new StoreFixture(1, large);
    const store = await fixture.open();
    for (let i = 0; i < 400; i += 1) {
      const isWanted = i % 100 === 0;
      const body = isWanted ? `${i}`.padEnd(i === 200 ? 200_000 : 3) : 'x'.repeat(500);
      store.append(draftOf(body, { map: isWanted ? yes : no }));
      if (i % 50 === 0) fixture.endTurn();
    }
    fixture.endTurn();
    const queue = store.queue('orders', 0);
    const found = store.find(queue, 0, 32, { accepts });
    expect([found.status, found.count, found.next]).toEqual(['FOUND', 4, 400]);
    const bytes = new Uint8Array(found.bytes);
    store.read(found, spanOf(bytes));
    const bodies = decodeRecords(bytes).map(({ text }) => text.trim());
    expect(bodies).toEqual(['0', '100', '200', '300']);
    const none = store.find(queue, 301, 32, { accepts });
    expect([none.status, none.next]).toEqual(['NO_MATCHED_MESSAGE', 400]);
    await store.close();
  });

  it('notices a record that is not what its entry says', async () => {
    const fixture = new StoreFixture(1, large);
    const store = await fixture.open();
    store.append(draftOf('x', { map: yes }));
    fixture.endTurn();
    fixture.disk.damage('/data/store/commitlog/00000000000000000000', 3);
    expect(() => store.find(store.queue('orders', 0), 0, 32, { accepts })).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT' }) as Error,
    );
    await store.close();
  });
});

describe('reading one record', () => {
  it('works at the start of a record only', async () => {
    const fixture = new StoreFixture(1, large);
    const store = await fixture.open();
    store.append(draftOf('first'));
    const { position, size } = store.append(draftOf('second'));
    expect(store.readRecord(position)).toBeUndefined();
    fixture.endTurn();
    const record = store.readRecord(position);
    expect(new StoredMessage(record as Uint8Array).text).toBe('second');
    for (const wrong of [position + 1, position + size, -1, 0.5, 2 ** 52]) {
      expect(store.readRecord(wrong)).toBeUndefined();
    }
    const queue = store.queue('orders', 0);
    expect(new StoredMessage(store.readRecordAt(queue, 1) as Uint8Array).text).toBe('second');
    expect(store.readRecordAt(queue, 2)).toBeUndefined();
    expect(store.readRecordAt(queue, -1)).toBeUndefined();
    await store.close();
  });
});

describe('finding by time', () => {
  it('answers the first message at or after a time, or the last at or before it', async () => {
    const fixture = new StoreFixture(1, large);
    const store = await fixture.open();
    const start = fixture.clock.now();
    for (let i = 0; i < 200; i += 1) {
      store.append(draftOf(`${i}`));
      fixture.endTurn();
      if (i % 2 === 1) await fixture.clock.advance(10);
    }
    const queue = store.queue('orders', 0);
    expect(store.storeTimeAt(queue, 3)).toBe(start + 10);
    expect(store.storeTimeAt(queue, 200)).toBeUndefined();
    expect(store.offsetByTime(queue, start + 50)).toBe(10);
    expect(store.offsetByTime(queue, start + 51)).toBe(12);
    expect(store.offsetByTime(queue, start - 1)).toBe(0);
    expect(store.offsetByTime(queue, start + 1e6)).toBe(200);
    expect(store.offsetByTime(queue, start + 50, 'UPPER')).toBe(11);
    expect(store.offsetByTime(queue, start + 59, 'UPPER')).toBe(11);
    expect(store.offsetByTime(queue, start - 1, 'UPPER')).toBe(0);
    expect(store.offsetByTime(queue, start + 1e6, 'UPPER')).toBe(199);
    expect(store.offsetByTime(store.queue('empty', 0), start)).toBe(0);
    await store.close();
  });
});
