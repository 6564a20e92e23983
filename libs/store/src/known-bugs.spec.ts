import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import type { MessageStore } from './message-store.js';
import { bodiesOf, draftOf, messagesOf, StoreFixture } from './testing/store-fixture.js';

/* Bugs that were reported of Apache RocketMQ, each by its number there; a store must not have them. */

const logFolder = '/data/store/commitlog';

function append(fixture: StoreFixture, store: MessageStore, bodies: readonly string[]): void {
  for (const body of bodies) store.append(draftOf(body));
  fixture.endTurn();
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

function queueOf(store: MessageStore): ConsumeQueue {
  return store.queue('orders', 0);
}

describe('apache/rocketmq', () => {
  it('#8239: with SYNC_FLUSH nobody sees a message that a power failure may take back', async () => {
    const fixture = new StoreFixture(8239, { flushDiskType: 'SYNC_FLUSH' });
    const store = await fixture.open();
    append(fixture, store, ['durable']);
    await fixture.settle();
    fixture.disk.holdSyncs();
    append(fixture, store, ['not yet']);
    await fixture.settle();
    const seen = bodiesOf(store, queueOf(store));
    expect(seen).toEqual(['durable']);
    fixture.disk.crash();
    const next = await fixture.open();
    append(fixture, next, ['next']);
    await fixture.settle();
    expect(bodiesOf(next, queueOf(next)).slice(0, seen.length)).toEqual(seen);
    await next.close();
  });

  it.each([
    ['#467', 'ASYNC_FLUSH'],
    ['#405', 'SYNC_FLUSH'],
    ['#1434', 'ASYNC_FLUSH'],
    ['#678', 'SYNC_FLUSH'],
  ] as const)(
    '%s: queues are whole after the power failed at any moment between log, queue and checkpoint (%s)',
    async (issue, flushDiskType) => {
      const start = Number(issue.slice(1));
      for (let seed = start; seed < start + 5; seed += 1) {
        const fixture = new StoreFixture(seed, {
          flushDiskType,
          mappedFileSizeCommitLog: 4096,
          mappedFileSizeConsumeQueue: 200,
          flushConsumeQueueThoroughInterval: 200,
          flushIntervalConsumeQueue: 50,
          flushIntervalCommitLog: 50,
        });
        const store = await fixture.open();
        const sent = names('m', 40 + (seed % 30));
        for (const body of sent) {
          append(fixture, store, [body]);
          if (seed % 3 === 0) await fixture.clock.advance(20);
          else await fixture.settle();
        }
        const promised = bodiesOf(store, queueOf(store)).length;
        const { durable } = store.figures();
        const safe = messagesOf(store, queueOf(store)).filter(
          (message) => message.logPosition + message.storeSize <= durable,
        ).length;
        fixture.disk.crash();
        const next = await fixture.open();
        const found = bodiesOf(next, queueOf(next));
        expect({ seed, found }).toEqual({ seed, found: sent.slice(0, found.length) });
        const least = flushDiskType === 'SYNC_FLUSH' ? promised : safe;
        expect({ seed, lost: Math.max(0, least - found.length) }).toEqual({ seed, lost: 0 });
        await next.close();
      }
    },
  );

  it('#5235: a failed flush moves nothing, fails who waits, and stops the store', async () => {
    const fixture = new StoreFixture(5235, { flushDiskType: 'SYNC_FLUSH' });
    const store = await fixture.open();
    const failures: string[] = [];
    store.onFailure((error) => failures.push(error.message));
    append(fixture, store, ['before']);
    await fixture.settle();
    fixture.disk.fail({ call: 'sync', path: 'commitlog/' });
    const before = store.figures().durable;
    store.append(draftOf('waits'));
    const waiting = store.flush();
    const refused = expect(waiting).rejects.toThrow();
    fixture.endTurn();
    await fixture.settle();
    await refused;
    expect(store.figures().durable).toBe(before);
    expect(queueOf(store).visible).toBe(1);
    expect(failures).toHaveLength(1);
    expect(() => store.append(draftOf('later'))).toThrow(/stopped/);
    await store.close();
  });

  it.each(['#6703', '#6704', '#6609'])(
    '%s: after ASYNC_FLUSH lost its tail, log, queues and confirmed position end together',
    async (issue) => {
      const start = Number(issue.slice(1));
      for (let seed = start; seed < start + 5; seed += 1) {
        const fixture = new StoreFixture(seed);
        const store = await fixture.open();
        append(fixture, store, names('kept', 20));
        await fixture.clock.advance(3000);
        append(fixture, store, names('perhaps', 20));
        fixture.disk.crash();
        const next = await fixture.open();
        const queue = queueOf(next);
        const last = messagesOf(next, queue).at(-1);
        const { appended, written, durable } = next.figures();
        expect((last?.logPosition ?? 0) + (last?.storeSize ?? 0)).toBe(written);
        expect([durable, appended]).toEqual([written, written]);
        expect(queue.visible).toBe(queue.next);
        append(fixture, next, ['after']);
        await next.close();
        const third = await fixture.open();
        expect(bodiesOf(third, queueOf(third)).at(-1)).toBe('after');
        await third.close();
      }
    },
  );
});

describe('what the simulator found', () => {
  it('a clock that was set back does not let recovery begin behind what queues have', async () => {
    const options = {
      mappedFileSizeCommitLog: 4096,
      flushConsumeQueueThoroughInterval: 1000,
      flushIntervalConsumeQueue: 3_600_000,
    };
    const fixture = new StoreFixture(224, options);
    const store = await fixture.open();
    append(fixture, store, names('before', 5));
    await fixture.clock.advance(5000);
    fixture.clock.jump(-3_000_000);
    const after = names('after', 150);
    for (const body of after) append(fixture, store, [body]);
    await fixture.settle();
    expect(fixture.disk.list(logFolder).length).toBeGreaterThan(3);
    const seen = bodiesOf(store, queueOf(store));
    fixture.disk.kill();
    const next = await fixture.open(options);
    expect(bodiesOf(next, queueOf(next))).toEqual(seen);
    await next.close();
  });

  it('what a failed sync did not write is written again before a later sync is believed', async () => {
    for (let seed = 291; seed < 306; seed += 1) {
      const fixture = new StoreFixture(seed, { flushDiskType: 'SYNC_FLUSH' });
      const store = await fixture.open();
      append(fixture, store, names('early', 3));
      await fixture.settle();
      fixture.disk.fail({ call: 'sync', path: 'commitlog/' });
      append(fixture, store, [`one ${'x'.repeat(3000)}`, `two ${'y'.repeat(3000)}`]);
      await fixture.settle();
      fixture.disk.kill();
      const second = await fixture.open();
      const seen = bodiesOf(second, queueOf(second));
      fixture.disk.crash();
      const third = await fixture.open();
      expect(bodiesOf(third, queueOf(third))).toEqual(seen);
      await third.close();
    }
  });

  it('a record whose properties miss a sector is torn, and cut off', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    append(fixture, store, ['whole']);
    store.append(draftOf('torn', { map: { LONG: 'k'.repeat(2000) } }));
    fixture.endTurn();
    const { written } = store.figures();
    fixture.disk.kill();
    const sector = Math.floor((written - 600) / 512) * 512;
    const handle = fixture.disk.open(`${logFolder}/00000000000000000000`, 'write');
    handle.writeAt(new Uint8Array(512), 0, 512, sector);
    handle.close();
    const next = await fixture.open();
    expect(bodiesOf(next, queueOf(next))).toEqual(['whole']);
    await next.close();
  });

  it('queue entries of a part of the log that was cut are gone, also from the files', async () => {
    const fixture = new StoreFixture(8);
    const store = await fixture.open();
    append(fixture, store, ['kept']);
    const { written } = store.figures();
    append(fixture, store, names('cut', 100));
    await fixture.clock.advance(2000);
    fixture.disk.kill();
    const handle = fixture.disk.open(`${logFolder}/00000000000000000000`, 'write');
    handle.writeAt(new Uint8Array(300), 0, 300, written);
    handle.close();
    for (const name of fixture.disk.list(logFolder).slice(1)) {
      fixture.disk.remove(`${logFolder}/${name}`);
    }
    const checkpoint = fixture.disk.open('/data/store/checkpoint', 'write');
    checkpoint.truncate(0);
    checkpoint.close();
    const next = await fixture.open();
    expect(bodiesOf(next, queueOf(next))).toEqual(['kept']);
    expect(next.append(draftOf('new')).queueOffset).toBe(1);
    fixture.endTurn();
    expect(bodiesOf(next, queueOf(next))).toEqual(['kept', 'new']);
    await next.close();
  });
});
