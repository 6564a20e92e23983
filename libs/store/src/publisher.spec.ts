import type { MessageStore } from './message-store.js';
import { bodiesOf, draftOf, StoreFixture } from './testing/store-fixture.js';

const sync = { flushDiskType: 'SYNC_FLUSH' } as const;

function gateLog(store: MessageStore): string[] {
  const log: string[] = [];
  store.gate.subscribe({
    epochClosing: () => log.push('closing'),
    epochDurable: () => log.push('durable'),
    epochFailed: (error) => log.push(`failed ${error.name}`),
    turnFailed: (error) => log.push(`turn ${error.name}`),
  });
  return log;
}

describe('SYNC_FLUSH', () => {
  it('shows nothing before it is durable, and has one sync under way at most', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open(sync);
    const log = gateLog(store);
    const queue = store.queue('orders', 0);
    expect(store.gate.waits).toBe(true);
    fixture.disk.holdSyncs();
    store.append(draftOf('one'));
    fixture.endTurn();
    store.append(draftOf('two'));
    fixture.endTurn();
    store.append(draftOf('three'));
    await fixture.settle();
    expect(log).toEqual(['closing']);
    expect(fixture.disk.waitingSyncs).toBe(1);
    expect(queue.visible).toBe(0);
    expect(store.find(queue, 0, 32).status).toBe('NO_MESSAGE_IN_QUEUE');
    fixture.disk.releaseSyncs();
    fixture.disk.holdSyncs();
    await fixture.settle();
    expect(log).toEqual(['closing', 'durable', 'closing']);
    expect(bodiesOf(store, queue)).toEqual(['one']);
    fixture.disk.releaseSyncs();
    await fixture.settle();
    expect(log).toEqual(['closing', 'durable', 'closing', 'durable']);
    expect(bodiesOf(store, queue)).toEqual(['one', 'two', 'three']);
    await store.close();
  });

  it('does not close an epoch over messages whose turn has not ended', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open(sync);
    const log = gateLog(store);
    fixture.disk.holdSyncs();
    store.append(draftOf('one'));
    fixture.endTurn();
    store.append(draftOf('two'));
    fixture.endTurn();
    store.append(draftOf('staged only'));
    fixture.disk.releaseSyncs();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    // The first sync has ended; the next epoch has to wait for the end of this turn.
    expect(log).toEqual(['closing', 'durable']);
    fixture.endTurn();
    expect(log).toEqual(['closing', 'durable', 'closing']);
    await fixture.settle();
    expect(bodiesOf(store, store.queue('orders', 0))).toHaveLength(3);
    await store.close();
  });

  it('fails everybody who waits and stops when a sync fails', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open(sync);
    const log = gateLog(store);
    const arrivals: number[] = [];
    store.onArrival((_, from) => arrivals.push(from));
    store.append(draftOf('one'));
    fixture.endTurn();
    await fixture.settle();
    fixture.disk.fail({ call: 'sync', path: 'commitlog/' });
    store.append(draftOf('two'));
    fixture.endTurn();
    await fixture.settle();
    expect(log.at(-1)).toBe('failed StoreFailedError');
    expect(arrivals).toEqual([0]);
    expect(store.queue('orders', 0).visible).toBe(1);
    expect(() => store.append(draftOf('three'))).toThrow('the store has stopped');
    await expect(store.flush()).rejects.toThrow('the store has stopped');
    await store.close();
  });

  it('loses nothing that it showed when the power fails', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const fixture = new StoreFixture(seed);
      const store = await fixture.open(sync);
      for (let i = 0; i < 30; i += 1) {
        store.append(draftOf(`m${i}`));
        if (i % 7 === 0) fixture.endTurn();
        if (i % 11 === 0) await fixture.settle();
      }
      const shown = bodiesOf(store, store.queue('orders', 0));
      fixture.disk.crash();
      const reopened = await fixture.open(sync);
      const after = bodiesOf(reopened, reopened.queue('orders', 0));
      expect(after.slice(0, shown.length)).toEqual(shown);
      await reopened.close();
    }
  });
});

describe('ASYNC_FLUSH', () => {
  it('makes bytes durable after the interval, and only then', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    expect(store.gate.waits).toBe(false);
    store.append(draftOf('one'));
    fixture.endTurn();
    await fixture.clock.advance(499);
    expect(store.figures()).toMatchObject({ written: 100, durable: 0 });
    await fixture.clock.advance(1);
    expect(store.figures().durable).toBe(100);
    await store.close();
  });

  it('does so at once after many bytes', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open({ flushCommitLogBytes: 4096 });
    store.append(draftOf('x'.repeat(5000)));
    await fixture.settle();
    const { written, durable } = store.figures();
    expect(durable).toBe(written);
    await store.close();
  });

  it('stops when a sync fails', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const log = gateLog(store);
    store.append(draftOf('one'));
    fixture.endTurn();
    fixture.disk.fail({ call: 'sync', path: 'commitlog/' });
    await fixture.clock.advance(500);
    expect(log).toEqual(['failed StoreFailedError']);
    expect(store.failed?.message).toContain('could not be made durable');
    await store.close();
  });

  it('waits for nothing but the hour to remove old files while nothing happens', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    expect(fixture.clock.waiting).toBe(1);
    store.append(draftOf('one'));
    fixture.endTurn();
    await fixture.clock.advance(120_000);
    expect(fixture.clock.waiting).toBe(1);
    await store.close();
  });
});

describe('flush', () => {
  it('resolves when all that was appended is durable, also in the middle of a turn', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    await store.flush();
    store.append(draftOf('one'));
    let isDone = false;
    const done = store.flush().then(() => (isDone = true));
    expect(isDone).toBe(false);
    await fixture.settle();
    await done;
    expect(store.figures().durable).toBe(100);
    await store.close();
  });

  it('rejects when the turn could not be written', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    store.append(draftOf('one'));
    const flushed = store.flush();
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    fixture.endTurn();
    await expect(flushed).rejects.toThrow('nothing was stored');
    await store.close();
  });
});

describe('queue entries', () => {
  it('are written when a slot of 64 is full, the rest by age', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 70; i += 1) store.append(draftOf(`${i}`));
    const queue = store.queue('orders', 0);
    fixture.endTurn();
    expect(queue).toMatchObject({ visible: 70, written: 64 });
    expect(bodiesOf(store, queue, 7)).toHaveLength(70);
    await fixture.clock.advance(999);
    expect(queue.written).toBe(64);
    await fixture.clock.advance(30);
    expect(queue.written).toBe(70);
    expect(store.figures().slotsOfUnwrittenEntries).toBe(0);
    expect(bodiesOf(store, queue)).toHaveLength(70);
    await store.close();
  });

  it('of many queues are written a few at a time', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 100; i += 1) store.append(draftOf(`${i}`, { queueId: i }));
    fixture.endTurn();
    await fixture.clock.advance(1000);
    expect(store.figures().queuesWithUnwrittenEntries).toBe(68);
    await fixture.clock.advance(60);
    expect(store.figures().queuesWithUnwrittenEntries).toBe(0);
    await store.close();
  });

  it('that cannot be written stay in memory and are written later', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    fixture.disk.fail({ call: 'write', path: 'consumequeue', times: 2 });
    for (let i = 0; i < 130; i += 1) store.append(draftOf(`${i}`));
    fixture.endTurn();
    const queue = store.queue('orders', 0);
    expect(queue.written).toBe(0);
    expect(bodiesOf(store, queue)).toHaveLength(130);
    await fixture.clock.advance(5000);
    expect(queue.written).toBe(130);
    await store.close();
  });
});

describe('a sync of queue files that fails', () => {
  it.each(['kill and crash', 'crash'])(
    'is not made good by a later one: what it was to make durable is written again, %s',
    async (how) => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const fixture = new StoreFixture(seed);
        const { disk } = fixture;
        const store = await fixture.open();
        for (let i = 0; i < 10; i += 1) store.append(draftOf(`${i}`));
        fixture.endTurn();
        disk.fail({ call: 'sync', path: 'orders' });
        // The log goes on in other files without this queue, and a recovery begins there.
        for (let i = 0; i < 400; i += 1) {
          if (i % 100 === 0) await fixture.clock.advance(10_000);
          store.append(draftOf('other', { topic: 'others' }));
          if (i % 100 === 99) fixture.endTurn();
        }
        await fixture.clock.advance(30_000);
        await fixture.settle(50);
        const [, before] = checkpointOf(fixture);
        expect(before).toBe(0);
        await fixture.clock.advance(60_000);
        await fixture.settle(50);
        const [, after] = checkpointOf(fixture);
        expect(after).toBeGreaterThan(0);
        for (let i = 0; i < 100; i += 1) store.append(draftOf('more', { topic: 'others' }));
        const flushed = store.flush();
        await fixture.settle();
        await flushed;
        if (how !== 'crash') disk.kill();
        if (how !== 'crash') await fixture.open();
        disk.crash();
        const reopened = await fixture.open();
        const bodies = bodiesOf(reopened, reopened.queue('orders', 0));
        expect(bodies).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`));
        await reopened.close();
      }
    },
  );

  it('leaves the store to be recovered when it is the last', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    store.append(draftOf('one'));
    fixture.disk.fail({ call: 'sync', path: 'consumequeue' });
    await expect(store.close()).rejects.toThrow('EIO');
    fixture.disk.crash();
    const reopened = await fixture.open();
    expect(reopened.figures().wasAborted).toBe(true);
    expect(bodiesOf(reopened, reopened.queue('orders', 0))).toEqual(['one']);
    await reopened.close();
  });
});

describe('the checkpoint', () => {
  it('moves when the entries of all messages up to its time are durable', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const time = store.turnTime;
    store.append(draftOf('one'));
    fixture.endTurn();
    expect(checkpointOf(fixture)).toEqual([0, 0]);
    await fixture.clock.advance(60_000);
    await fixture.settle();
    expect(checkpointOf(fixture)).toEqual([time, time]);
    await store.close();
  });
});

function checkpointOf(fixture: StoreFixture): number[] {
  const bytes = new Uint8Array(16);
  fixture.disk.open('/data/store/checkpoint', 'read').readAt(bytes, 0, 16, 0);
  const data = new DataView(bytes.buffer);
  return [Number(data.getBigInt64(0)), Number(data.getBigInt64(8))];
}
