import { leastTagsCode, tagHash } from '@nestjs-rocketmq/message';
import type { MessageStore } from '../message-store.js';
import { emptyUnit, type ExtensionUnit } from '../formats/extension-unit.js';
import { bodiesOf, draftOf, smallFiles, StoreFixture } from '../testing/store-fixture.js';

const on = { ...smallFiles, enableConsumeQueueExt: true, mappedFileSizeConsumeQueueExt: 400 };
const folder = '/data/store/consumequeue_ext/orders/0';

/** Messages with the tags a, b and c in turn; every other one has a bit map. */
function fixtureOf(options: object = on): StoreFixture {
  const fixture = new StoreFixture(1, options);
  fixture.bitMapOf = (_topic, storeTime) =>
    storeTime % 2 === 0 ? Uint8Array.of(1, 2, 3, storeTime & 0xff) : undefined;
  return fixture;
}

async function fill(fixture: StoreFixture, store: MessageStore, count: number): Promise<void> {
  const before = store.queue('orders', 0).next;
  for (let i = 0; i < count; i += 1) {
    const tag = 'abc'[(before + i) % 3] as string;
    store.append(draftOf(`m${before + i}`, { tagsCode: tagHash(tag), map: { TAGS: tag } }));
    fixture.endTurn();
    await fixture.clock.advance(1);
  }
}

async function flush(fixture: StoreFixture, store: MessageStore): Promise<void> {
  const flushed = store.flush();
  await fixture.settle();
  await flushed;
}

/** Per message: how its entry finds its tags code, and what that is. */
function codesOf(store: MessageStore): (string | undefined)[] {
  const queue = store.queue('orders', 0);
  const unit = emptyUnit();
  return Array.from({ length: queue.next - queue.min }, (_, i) => {
    const entry = { position: 0, size: 0, tagsCode: 0 };
    queue.entryAt(queue.min + i, entry);
    const code = queue.tagsCodeOf(entry, unit);
    if (entry.tagsCode >= leastTagsCode) return `plain ${code}`;
    if (code === undefined) return 'lost';
    const bits = unit.bytes.subarray(unit.bitsFrom, unit.bitsTo).join(' ');
    return `${code} ${unit.storeTime % 2 === 0 ? 'even' : 'odd'} ${bits}`;
  });
}

/** Bodies of the messages with a tag, as a pull finds them. */
function tagged(store: MessageStore, tag: string, suits?: (unit: ExtensionUnit) => boolean) {
  const queue = store.queue('orders', 0);
  const wanted = tagHash(tag);
  const filter = (code: number): boolean => code === wanted || code < leastTagsCode;
  const bodies: string[] = [];
  for (let at = queue.min; at < queue.visible;) {
    const found = store.find(queue, at, 32, { filter, suits });
    for (let i = 0; i < found.count; i += 1) {
      const record = store.readRecord(found.positions[i] as number);
      bodies.push(
        Buffer.from(record ?? [])
          .toString('latin1')
          .match(/m\d+/)?.[0] ?? '',
      );
    }
    at = found.next;
  }
  return bodies;
}

const every = (count: number, step: number, first: number): string[] =>
  Array.from({ length: count }, (_, i) => `m${i}`).filter((_, i) => i % step === first);

async function end(fixture: StoreFixture, store: MessageStore, how: string): Promise<void> {
  if (how === 'closed') return store.close();
  await flush(fixture, store);
  if (how === 'killed') fixture.disk.kill();
  else fixture.disk.crash();
}

describe('a store whose queues have extensions', () => {
  it('keeps the tags code, the store time and the bit map of each message', async () => {
    const fixture = fixtureOf();
    const store = await fixture.open();
    await fill(fixture, store, 100);
    const codes = codesOf(store);
    expect(codes.filter((code) => code?.includes('even 1 2 3'))).toHaveLength(50);
    expect(codes.filter((code) => code?.endsWith('odd '))).toHaveLength(50);
    expect(codes.every((code, i) => code?.startsWith(`${97 + (i % 3)} `))).toBe(true);
    expect(tagged(store, 'b')).toEqual(every(100, 3, 1));
    const evens = tagged(store, 'a', ({ storeTime }) => storeTime % 2 === 0);
    expect(evens).toHaveLength(17);
    expect(bodiesOf(store, store.queue('orders', 0))).toHaveLength(100);
    expect(store.query({ topic: 'orders', key: 'c', isTag: true, ...always }).records).toHaveLength(
      33,
    );
    await store.close();
  });

  it.each(['closed', 'killed', 'power failure'])('keeps them when it was %s', async (how) => {
    const fixture = fixtureOf();
    let store = await fixture.open();
    for (let round = 1; round <= 3; round += 1) {
      await fill(fixture, store, 50);
      const codes = codesOf(store);
      const end1 = store.queue('orders', 0).extension?.end;
      await end(fixture, store, how);
      store = await fixture.open();
      expect(codesOf(store)).toEqual(codes);
      expect(store.queue('orders', 0).extension?.end).toBe(end1);
    }
    expect(tagged(store, 'c')).toEqual(every(150, 3, 2));
    await store.close();
  });

  it('makes them again from the log, the same byte for byte', async () => {
    const fixture = fixtureOf();
    const store = await fixture.open();
    await fill(fixture, store, 60);
    await store.close();
    const before = filesOf(fixture);
    expect(before.length).toBeGreaterThan(3);
    fixture.disk.remove('/data/store/consumequeue');
    fixture.disk.remove('/data/store/consumequeue_ext');
    await (await fixture.open()).close();
    expect(filesOf(fixture)).toEqual(before);
  });

  it.each(['closed', 'killed'])(
    'loses no message when its extensions are lost (%s), nor takes one for another',
    async (how) => {
      const fixture = fixtureOf();
      let store = await fixture.open();
      await fill(fixture, store, 60);
      // What recovery follows anew is whole again; the rest is what this is about.
      await fixture.clock.advance(61_000);
      await fixture.settle();
      await end(fixture, store, how);
      fixture.disk.remove('/data/store/consumequeue_ext');
      store = await fixture.open();
      await fill(fixture, store, 60);
      const codes = codesOf(store);
      expect(codes.slice(60).every((code, i) => code?.startsWith(`${97 + (i % 3)} `))).toBe(true);
      for (const [i, tag] of ['a', 'b', 'c'].entries()) {
        const wanted = every(120, 3, i);
        expect(tagged(store, tag).filter((body) => wanted.includes(body))).toEqual(wanted);
      }
      await store.close();
      store = await fixture.open();
      expect(codesOf(store)).toEqual(codes);
      await store.close();
    },
  );

  it.each([
    ['the last file is gone', 'remove'],
    ['its last file holds zeros', 'zeros'],
  ] as const)('goes on in a new file where %s', async (_, what) => {
    const fixture = fixtureOf();
    let store = await fixture.open();
    await fill(fixture, store, 60);
    await store.close();
    const last = `${folder}/${fixture.disk.list(folder).at(-1)}`;
    if (what === 'remove') fixture.disk.remove(last);
    else fixture.disk.open(last, 'write').writeAt(new Uint8Array(400), 0, 400, 0);
    store = await fixture.open();
    await fill(fixture, store, 30);
    const codes = codesOf(store);
    expect(codes).toContain('lost');
    expect(codes.filter((code) => code !== 'lost')).toEqual(
      codes.flatMap((code, i) => (code?.startsWith(`${97 + (i % 3)} `) ? [code] : [])),
    );
    expect(codes.lastIndexOf('lost')).toBeLessThan(60);
    await store.close();
  });

  it('serves all when they are switched off, and goes on behind them when on again', async () => {
    const fixture = fixtureOf();
    let store = await fixture.open();
    await fill(fixture, store, 30);
    await store.close();
    store = await fixture.open({ enableConsumeQueueExt: false });
    await fill(fixture, store, 30);
    // What is not known passes: the client has the tags themselves.
    expect(tagged(store, 'a')).toEqual([...every(30, 1, 0), ...every(60, 3, 0).slice(10)]);
    await store.close();
    store = await fixture.open();
    await fill(fixture, store, 30);
    expect(tagged(store, 'b')).toEqual(every(90, 3, 1));
    const kinds = codesOf(store).map((code) => code?.split(' ')[0] === 'plain');
    expect(kinds).toEqual([
      ...Array(30).fill(false),
      ...Array(30).fill(true),
      ...Array(30).fill(false),
    ]);
    await store.close();
  });

  it('does not lead older entries to new units when they are switched on', async () => {
    const fixture = fixtureOf();
    let store = await fixture.open({ enableConsumeQueueExt: false });
    await fill(fixture, store, 30);
    await store.close();
    store = await fixture.open();
    await fill(fixture, store, 3);
    const [first] = fixture.disk.list(folder);
    expect(first).toBeUndefined();
    await store.close();
    expect(Number(fixture.disk.list(folder)[0])).toBeGreaterThan(30 * 32_767);
    store = await fixture.open();
    await fill(fixture, store, 3);
    expect(
      codesOf(store)
        .slice(30)
        .every((code) => /^9[789] /.test(code ?? '')),
    ).toBe(true);
    await store.close();
  });

  it('takes units back whose messages did not get into the log', async () => {
    const fixture = fixtureOf();
    const store = await fixture.open();
    await fill(fixture, store, 10);
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    for (let i = 0; i < 5; i += 1) store.append(draftOf('lost', { tagsCode: 5 }));
    fixture.endTurn();
    await fill(fixture, store, 100);
    expect(tagged(store, 'b')).toEqual(every(110, 3, 1));
    expect(codesOf(store)).toHaveLength(110);
    await store.close();
  });

  it('goes with the topic, and with what has expired', async () => {
    const fixture = fixtureOf({ ...on, fileReservedTime: 1 });
    const store = await fixture.open();
    await fill(fixture, store, 200);
    const count = fixture.disk.list(folder).length;
    await fixture.clock.advance(2 * 3_600_000);
    await fill(fixture, store, 100);
    await flush(fixture, store);
    store.removeExpired();
    for (let i = 0; i < 300; i += 1) {
      await fixture.clock.advance(100);
      await fixture.settle(1);
    }
    const queue = store.queue('orders', 0);
    expect(queue.min).toBeGreaterThan(50);
    expect(Number(fixture.disk.list(folder)[0])).toBeGreaterThan(50 * 20);
    expect(count).toBeGreaterThan(0);
    expect(codesOf(store)).not.toContain('lost');
    store.deleteTopic('orders');
    expect(fixture.disk.exists('/data/store/consumequeue_ext/orders')).toBe(false);
    await store.close();
  });

  it('writes no extension when they are off', async () => {
    const fixture = fixtureOf(smallFiles);
    const store = await fixture.open();
    await fill(fixture, store, 100);
    await store.close();
    expect(fixture.disk.exists('/data/store/consumequeue_ext')).toBe(false);
  });
});

const always = { begin: 0, end: Number.MAX_SAFE_INTEGER, maxCount: 64, maxBytes: 1_000_000 };

function filesOf(fixture: StoreFixture): [string, string][] {
  return fixture.disk.list(folder).map((name) => {
    const bytes = Buffer.alloc(400);
    fixture.disk.open(`${folder}/${name}`, 'read').readAt(bytes, 0, 400, 0);
    return [name, bytes.toString('hex')];
  });
}
