import { all, DamagedStore, log0, texts } from './testing/damaged-store.js';
import { bodiesOf, draftOf, messagesOf } from './testing/store-fixture.js';

const checkpoint = '/data/store/checkpoint';

describe('damage in the middle of the log', () => {
  it('is reported with its position after a crash, and what follows is kept', async () => {
    const fixture = new DamagedStore();
    await fixture.filled(60);
    fixture.disk.kill();
    const position = fixture.damageBody(30);
    const store = await fixture.open();
    expect(fixture.lines).toContainEqual({
      text: 'The commit log is damaged; what follows is kept',
      fields: expect.objectContaining({ position, next: position + 102, bytes: 102 }) as object,
    });
    expect(all(store)).toEqual(texts(60).filter((text) => text !== 'm0030'));
    // Its offset stays its own: nothing else gets it.
    const queue = store.queue('orders', 0);
    expect(messagesOf(store, queue).map((one) => one.queueOffset)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    ]);
    expect(store.find(queue, 10, 1)).toMatchObject({ status: 'NO_MATCHED_MESSAGE', next: 11 });
    await store.close();
    expect(all(await fixture.open())).toHaveLength(59);
  });

  it('of any field does not hide what follows, however often the store is killed', async () => {
    for (const at of [0, 4, 8, 28, 84, 88]) {
      const fixture = new DamagedStore();
      await fixture.filled(200);
      fixture.disk.kill();
      fixture.disk.damage(log0, 79 * 102 + at);
      fixture.disk.damage(log0, 20 * 102 + at);
      fixture.disk.damage(log0, 21 * 102 + at);
      for (let times = 0; times < 2; times += 1) {
        const store = await fixture.open();
        expect(all(store)).toEqual(
          texts(200).filter((text) => !['m0020', 'm0021', 'm0079'].includes(text)),
        );
        expect(store.queuesOf('orders').map((queue) => queue.next)).toEqual([67, 67, 66]);
        fixture.disk.kill();
      }
    }
  });

  it('does not let a wrong queue offset behind it push messages out of their queue', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.open();
    const { size } = store.append(draftOf('x'.repeat(1000)));
    for (const text of texts(20)) store.append(draftOf(text));
    const flushed = store.flush();
    await fixture.settle();
    await flushed;
    fixture.disk.kill();
    // The first is damaged, the second says that it is the sixth, and the fourth and fifth cannot
    // contradict it.
    fixture.disk.damage(log0, 500);
    fixture.disk.damage(log0, size + 27, 4);
    for (const n of [2, 3]) fixture.disk.damage(log0, size + n * 102 + 90);
    const again = await fixture.open();
    const gone = ['m0000', 'm0002', 'm0003'];
    expect(all(again)).toEqual(texts(20).filter((text) => !gone.includes(text)));
    expect(again.queue('orders', 0).next).toBe(21);
    await again.close();
  });

  it('keeps the offset of a damaged message that is the last of its queue', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.filled(30);
    store.append(draftOf('alone', { topic: 'single' }));
    store.append(draftOf('behind', { queueId: 1 }));
    const flushed = store.flush();
    await fixture.settle();
    await flushed;
    await fixture.clock.advance(2000);
    fixture.disk.kill();
    // Nothing of it can be read any more; the queue's file knew it.
    fixture.disk.damage(log0, 30 * 102 + 4);
    const again = await fixture.open();
    expect(again.queue('single', 0)).toMatchObject({ next: 1 });
    expect(again.append(draftOf('next', { topic: 'single' })).queueOffset).toBe(1);
    await again.close();
  });

  it.each([
    ['its body', 90],
    ['its size', 3],
    ['its position', 32],
  ])(
    'keeps the offset of the very last message, with damage in %s, also when the power fails',
    async (_what, at) => {
      const fixture = new DamagedStore();
      const store = await fixture.filled(30);
      await store.close();
      fixture.disk.damage(log0, 29 * 102 + at);
      await (await fixture.open()).close();
      for (const end of ['kill', 'crash'] as const) {
        const again = await fixture.open();
        expect(again.queue('orders', 2).next).toBe(10);
        fixture.disk[end]();
      }
      const last = await fixture.open();
      expect(last.append(draftOf('next', { queueId: 2 })).queueOffset).toBe(10);
      fixture.endTurn();
      expect(bodiesOf(last, last.queue('orders', 2)).slice(-2)).toEqual(['m0026', 'next']);
      await last.close();
    },
  );

  it('is never served, though the store was closed well', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.filled(60);
    const damaged = messagesOf(store, store.queue('orders', 1))[4]?.logPosition as number;
    await store.close();
    const position = fixture.damageBody(13);
    expect(position).toBe(damaged);
    const again = await fixture.open();
    expect(all(again)).toEqual(texts(60).filter((text) => text !== 'm0013'));
    expect(again.readRecord(position)).toBeUndefined();
    expect(again.find(again.queue('orders', 1), 4, 1)).toMatchObject({
      status: 'NO_MATCHED_MESSAGE',
      next: 5,
    });
    expect(fixture.lines.filter((line) => line.text.includes('passed over'))).toEqual([
      expect.objectContaining({ fields: expect.objectContaining({ position }) as object }),
    ]);
    await again.close();
  });

  it('is not what a read that failed leaves behind: asked again, the message is there', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.filled(60);
    await store.close();
    const again = await fixture.open();
    const queue = again.queue('orders', 1);
    // The checks hold the end of the log when the read of its begin fails.
    expect(again.find(queue, 19, 1).count).toBe(1);
    fixture.disk.fail({ call: 'read', path: 'commitlog', code: 'EIO', times: 2 });
    expect(() => again.find(queue, 0, 32)).toThrow('EIO');
    expect(() => again.find(queue, 0, 32)).toThrow('EIO');
    expect(bodiesOf(again, queue)).toHaveLength(20);
    expect(fixture.lines.filter((line) => line.text.includes('passed over'))).toEqual([]);
    await again.close();
  });

  it('is told from a torn tail: behind what was durable the first fault is the end', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.filled(60);
    for (let i = 0; i < 10; i += 1) store.append(draftOf(`late${i}`));
    fixture.endTurn();
    fixture.disk.kill();
    fixture.damageBody(62);
    const again = await fixture.open();
    expect(all(again)).toEqual([...texts(60), 'late0', 'late1'].toSorted());
    await again.close();
  });

  it('in a store of Java is known by the time up to which the log was durable', async () => {
    const fixture = new DamagedStore();
    await fixture.filled(60);
    fixture.disk.kill();
    fixture.disk.writeText('/data/store/lock', 'lock');
    fixture.damageBody(30);
    const store = await fixture.open();
    expect(all(store)).toEqual(texts(60).filter((text) => text !== 'm0030'));
    await store.close();
  });

  it('does not bring back what a Java broker had cut and begun to write over', async () => {
    const fixture = new DamagedStore();
    const before = await fixture.filled(60);
    const end = before.figures().written;
    const from = 30 * 102;
    const old = new Uint8Array(end - from);
    fixture.disk.open(log0, 'read').readAt(old, 0, old.length, from);
    const second = new DamagedStore();
    const store = await second.filled(30);
    await second.clock.advance(5000);
    const { size } = store.append(draftOf('new'));
    const flushed = store.flush();
    await second.settle();
    await flushed;
    second.disk.kill();
    const file = second.disk.open(log0, 'write');
    file.writeAt(old, size, old.length - size, from + size);
    second.disk.writeText('/data/store/lock', 'lock');
    const again = await second.open();
    expect(all(again)).toEqual([...texts(30), 'new'].toSorted());
    await again.close();
  });
});

describe('a log', () => {
  it('whose last file is missing after a good close is refused', async () => {
    const fixture = new DamagedStore();
    await (await fixture.filled(200)).close();
    fixture.disk.remove('/data/store/commitlog/00000000000000016384');
    await expect(fixture.open()).rejects.toThrow('but its files end at 16384');
    // The refused start changed nothing: once the checkpoint is gone, the rest opens.
    fixture.disk.remove(checkpoint);
    const store = await fixture.open();
    expect(all(store)).toEqual(texts(160));
    await store.close();
  });
});

describe('a deleted topic', () => {
  it('does not come back after a kill or a power failure', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const fixture = new DamagedStore(seed);
      const store = await fixture.filled(60);
      store.append(draftOf('other', { topic: 'kept' }));
      await fixture.settle();
      await fixture.clock.advance(61_000);
      await fixture.settle(20);
      store.deleteTopic('orders');
      const flushed = store.flush();
      await fixture.settle();
      await flushed;
      if (seed % 2 === 0) fixture.disk.kill();
      else fixture.disk.crash();
      const again = await fixture.open();
      expect(again.topics()).toEqual(['kept']);
      // Its next life starts anew, and survives the next crash.
      again.append(draftOf('new life'));
      fixture.endTurn();
      fixture.disk.kill();
      const third = await fixture.open();
      expect(bodiesOf(third, third.queue('orders', 0))).toEqual(['new life']);
      await third.close();
    }
  });
});
