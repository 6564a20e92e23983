import { spanOf } from '@nestjs-rocketmq/foundation';
import { StoredMessage, SysFlag } from '@nestjs-rocketmq/message';
import { bodiesOf, draftOf, messagesOf, StoreFixture } from './testing/store-fixture.js';

describe('appending to a store', () => {
  it('shows messages at the end of the turn and tells who waits for them', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const arrivals: string[] = [];
    store.onArrival((queue, from, to) => {
      arrivals.push(`${queue.topic}/${queue.queueId} ${from}-${to}`);
    });
    const placed = { ...store.append(draftOf('a')) };
    expect(placed).toMatchObject({ position: 0, queueOffset: 0, size: 98 });
    expect(store.append(draftOf('b'))).toMatchObject({ position: 98, queueOffset: 1 });
    store.append(draftOf('c', { queueId: 3 }));
    const queue = store.queue('orders', 0);
    expect(queue.visible).toBe(0);
    expect(arrivals).toEqual([]);
    fixture.endTurn();
    expect(queue.visible).toBe(2);
    expect(arrivals).toEqual(['orders/0 0-2', 'orders/3 0-1']);
    expect(bodiesOf(store, queue)).toEqual(['a', 'b']);
    await store.close();
  });

  it('writes the log once a turn', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 20; i += 1) store.append(draftOf(`m${i}`, { queueId: i % 3 }));
    // A second write would meet no fault and bring half of the turn to the disk.
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    fixture.endTurn();
    expect(store.figures().written).toBe(0);
    await store.close();
  });

  it('keeps every field, and gives all messages of a turn one store time', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const time = store.turnTime;
    store.append(draftOf('x', { map: { TAGS: 't' }, flag: 5, reconsumeTimes: 2 }));
    await fixture.clock.advance(10);
    store.append(draftOf('y'));
    fixture.endTurn();
    const [x, y] = messagesOf(store, store.queue('orders', 0));
    expect(x).toMatchObject({ tags: 't', flag: 5, reconsumeTimes: 2, storeTimestamp: time });
    expect(y?.storeTimestamp).toBe(time);
    expect(x?.isIntact()).toBe(true);
    await store.close();
  });

  it('puts prepared and rolled back messages into no queue', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const states = [SysFlag.TRANSACTION_PREPARED, SysFlag.TRANSACTION_ROLLBACK];
    for (const sysFlag of states) store.append(draftOf('hidden', { sysFlag }));
    const placed = store.append(draftOf('shown', { sysFlag: SysFlag.TRANSACTION_COMMIT }));
    expect(placed.queueOffset).toBe(0);
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['shown']);
    await store.close();
  });

  it('rolls to the next file, closing the old one with a blank', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 40; i += 1) store.append(draftOf(`${i} ${'x'.repeat(500)}`));
    fixture.endTurn();
    const queue = store.queue('orders', 0);
    expect(bodiesOf(store, queue).map((body) => parseInt(body, 10))).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
    const placed = store.append(draftOf('next'));
    expect(placed.position).toBeGreaterThan(2 * 8192);
    fixture.endTurn();
    const log = fixture.disk.open('/data/store/commitlog/00000000000000000000', 'read');
    const message = new StoredMessage(store.readRecordAt(queue, 12) as Uint8Array);
    const end = message.logPosition + message.storeSize;
    const blank = new Uint8Array(8);
    log.readAt(blank, 0, 8, end);
    expect([...blank]).toEqual([
      0,
      0,
      (8192 - end) >> 8,
      (8192 - end) & 255,
      0xcb,
      0xd4,
      0x31,
      0x94,
    ]);
    await store.close();
  });

  it('with enabledAppendPropCRC carries a checksum of itself, never that of another', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open({ enabledAppendPropCRC: true });
    const map = { '__CRC32#': '1234567890', TAGS: 'a' };
    const { size } = store.append(draftOf('one', { map }));
    fixture.endTurn();
    const [message] = messagesOf(store, store.queue('orders', 0));
    expect(message?.storeSize).toBe(size);
    expect(message?.properties).toEqual({
      TAGS: 'a',
      '__CRC32#': expect.stringMatching(/^\d{10}$/) as string,
    });
    expect(message?.properties['__CRC32#']).not.toBe('1234567890');
    fixture.disk.kill();
    const again = await fixture.open({ forceVerifyPropCRC: true });
    expect(bodiesOf(again, again.queue('orders', 0))).toEqual(['one']);
    await again.close();
  });

  it('refuses what cannot be a record', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    const illegal = expect.objectContaining({ code: 'STORE_MESSAGE_ILLEGAL' }) as Error;
    expect(() => store.append(draftOf('x'.repeat(8192)))).toThrow(illegal);
    expect(() => store.append(draftOf('x', { topic: '../up' }))).toThrow(illegal);
    expect(() => store.append(draftOf('x', { queueId: -1 }))).toThrow(illegal);
    const properties = spanOf(new Uint8Array(33_000));
    expect(() => store.append(draftOf('x', { properties }))).toThrow(illegal);
    store.append(draftOf('good'));
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['good']);
    await store.close();
  });

  it('refuses everything once it is closed', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    await store.close();
    await store.close();
    expect(() => store.append(draftOf('late'))).toThrow(
      expect.objectContaining({ code: 'STORE_CLOSED' }) as Error,
    );
  });

  it('writes messages that arrive while others are shown, with the next turn', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    store.onArrival((queue, from) => {
      if (from < 2) store.append(draftOf(`after ${from}`));
    });
    store.append(draftOf('first'));
    await fixture.settle();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['first', 'after 0', 'after 1']);
    await store.close();
  });
});

describe('a failed write', () => {
  it('takes back the whole turn and tells the gate, and the next turn goes on', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    const failures: string[] = [];
    subscribe(store, failures);
    store.append(draftOf('kept'));
    fixture.endTurn();
    for (let i = 0; i < 200; i += 1) store.append(draftOf(`lost ${i}`, { queueId: i % 2 }));
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    fixture.endTurn();
    expect(failures).toEqual(['turn STORE_WRITE_FAILED']);
    expect(store.queue('orders', 0)).toMatchObject({ visible: 1, next: 1 });
    expect(store.queue('orders', 1)).toMatchObject({ visible: 0, next: 0 });
    expect(store.append(draftOf('again'))).toMatchObject({ queueOffset: 1, position: 101 });
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['kept', 'again']);
    fixture.disk.kill();
    const reopened = await fixture.open();
    expect(bodiesOf(reopened, reopened.queue('orders', 0))).toEqual(['kept', 'again']);
    await reopened.close();
  });

  it('in the middle of a turn that rolls takes back all files of the turn', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    store.append(draftOf('kept'));
    fixture.endTurn();
    const big = 'x'.repeat(3000);
    for (let i = 0; i < 3; i += 1) store.append(draftOf(big));
    fixture.disk.fail({ call: 'write', path: '00000000000000008192' });
    fixture.endTurn();
    store.append(draftOf('again'));
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['kept', 'again']);
    await store.close();
    const reopened = await fixture.open();
    expect(bodiesOf(reopened, reopened.queue('orders', 0))).toEqual(['kept', 'again']);
    await reopened.close();
  });

  it('while rolling refuses the rest of the turn', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    const failures: string[] = [];
    subscribe(store, failures);
    const big = 'x'.repeat(3000);
    store.append(draftOf(big));
    store.append(draftOf(big));
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    expect(() => store.append(draftOf(big))).toThrow('nothing was stored');
    expect(() => store.append(draftOf('small'))).toThrow('nothing was stored');
    fixture.endTurn();
    expect(failures).toEqual(['turn STORE_WRITE_FAILED']);
    expect(store.append(draftOf('again')).position).toBe(0);
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['again']);
    await store.close();
  });

  it('for lack of room refuses messages for a while, then goes on', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    const failures: string[] = [];
    subscribe(store, failures);
    store.append(draftOf('kept'));
    fixture.endTurn();
    const { total, free } = fixture.disk.diskUse();
    fixture.disk.capacity = total - free;
    store.append(draftOf('x'.repeat(7000)));
    fixture.endTurn();
    expect(failures).toEqual(['turn STORE_FULL']);
    const full = expect.objectContaining({ code: 'STORE_FULL' }) as Error;
    expect(() => store.append(draftOf('no'))).toThrow(full);
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['kept']);
    fixture.disk.capacity = total;
    await fixture.clock.advance(1000);
    store.append(draftOf('yes'));
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['kept', 'yes']);
    await store.close();
  });

  it('that cannot be taken back stops the store', async () => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    const failures: string[] = [];
    store.onFailure((error) => failures.push(error.message));
    store.append(draftOf('lost'));
    fixture.disk.fail({ call: 'write', path: 'commitlog' });
    fixture.disk.fail({ call: 'truncate', path: 'commitlog' });
    fixture.endTurn();
    expect(failures).toEqual([expect.stringContaining('could not be taken back')]);
    expect(() => store.append(draftOf('more'))).toThrow('the store has stopped');
    await store.close();
    expect(fixture.disk.exists('/data/store/abort')).toBe(true);
  });
});

function subscribe(store: Awaited<ReturnType<StoreFixture['open']>>, failures: string[]): void {
  const tell = (what: string) => (error: Error) => {
    failures.push(`${what} ${(error as Error & { code: string }).code}`);
  };
  store.gate.subscribe({
    epochClosing: () => undefined,
    epochDurable: () => undefined,
    epochFailed: tell('epoch'),
    turnFailed: tell('turn'),
  });
}
