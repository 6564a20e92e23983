import type { MessageStore } from './message-store.js';
import { all, DamagedStore, log0, texts } from './testing/damaged-store.js';
import { draftOf, messagesOf } from './testing/store-fixture.js';

describe('a queue', () => {
  /** Three messages of `orders`, one in each queue, far before the checkpoint. */
  async function longAgo(fixture: DamagedStore): Promise<MessageStore> {
    const store = await fixture.filled(3);
    const draft = draftOf('x'.repeat(3000), { topic: 'others' });
    for (let i = 0; i < 20; i += 1) {
      store.append(draft);
      fixture.endTurn();
      await fixture.clock.advance(10_000);
    }
    await Promise.all([store.flush(), fixture.settle()]);
    await fixture.clock.advance(61_000);
    await fixture.settle(50);
    return store;
  }

  it('that is missing though others are there is made again from the log', async () => {
    const fixture = new DamagedStore();
    await (await fixture.filled(60)).close();
    fixture.disk.remove('/data/store/consumequeue/orders/1');
    const store = await fixture.open();
    expect(all(store)).toEqual(texts(60));
    expect(fixture.lines.map((line) => line.text)).toContain(
      'Queues are missing or damaged; all are made again from the log',
    );
    await store.close();
  });

  it('that is missing when the store was killed is made again, though the log was shortened', async () => {
    const fixture = new DamagedStore();
    const store = await fixture.filled(200);
    for (let i = 0; i < 300; i += 1) {
      if (i % 100 === 0) await fixture.clock.advance(10_000);
      store.append(draftOf(`m${String(200 + i).padStart(4, '0')}`, { queueId: (200 + i) % 3 }));
      if (i % 100 === 99) fixture.endTurn();
    }
    await fixture.clock.advance(61_000);
    await fixture.settle(50);
    const { next } = store.queue('orders', 1);
    fixture.disk.kill();
    fixture.disk.remove(log0);
    fixture.disk.remove('/data/store/consumequeue/orders/1');
    const again = await fixture.open();
    const first = again.queue('orders', 1);
    const offsets = messagesOf(again, first).map((one) => one.queueOffset);
    // 8192 bytes are 80 messages of 102 bytes, the 81st begins the second file.
    expect(first.min).toBe(27);
    expect(offsets).toEqual(Array.from({ length: next - 27 }, (_, i) => 27 + i));
    await again.close();
  });

  it('whose last entry of a removed log file is damaged begins with the first that is left', async () => {
    const fixture = new DamagedStore();
    // 80 messages fill the first file of the log; 26 is the last offset of queue 0 in it.
    await fixture.filled(90);
    await fixture.clock.advance(10_000);
    await fixture.settle(50);
    fixture.disk.kill();
    fixture.disk.remove(log0);
    fixture.disk.damage('/data/store/consumequeue/orders/0/00000000000000000000', 26 * 20 + 3);
    const store = await fixture.open();
    const queue = store.queue('orders', 0);
    expect([queue.min, queue.next]).toEqual([27, 30]);
    expect(messagesOf(store, queue).map((one) => one.queueOffset)).toEqual([27, 28, 29]);
    expect(fixture.lines.map((line) => line.text)).not.toContain(
      'A damaged message is passed over',
    );
    await store.close();
  });

  it.each(['kill', 'crash'] as const)(
    'that is missing after a %s is made again, though all it had lies before the checkpoint',
    async (end) => {
      const fixture = new DamagedStore();
      await longAgo(fixture);
      fixture.disk[end]();
      fixture.disk.remove('/data/store/consumequeue/orders/1');
      const again = await fixture.open();
      expect(all(again)).toEqual(texts(3));
      expect(again.queue('others', 0).next).toBe(20);
      await again.close();
    },
  );

  it('whose end is gone is made again, too', async () => {
    const fixture = new DamagedStore();
    await (await fixture.filled(60)).close();
    const file = fixture.disk.open(
      '/data/store/consumequeue/orders/2/00000000000000000000',
      'write',
    );
    file.writeAt(new Uint8Array(60), 0, 60, 17 * 20);
    const store = await fixture.open();
    expect(all(store)).toEqual(texts(60));
    await store.close();
  });

  it.each([1, 2, 3])(
    'that is missing after a kill is made again, though %p of its messages lie behind the checkpoint',
    async (behind) => {
      const fixture = new DamagedStore();
      const store = await longAgo(fixture);
      for (let i = 3; i < 3 + 3 * behind; i += 1) {
        store.append(draftOf(`m${String(i).padStart(4, '0')}`, { queueId: i % 3 }));
      }
      await Promise.all([store.flush(), fixture.settle()]);
      fixture.disk.kill();
      for (const id of [0, 1]) fixture.disk.remove(`/data/store/consumequeue/orders/${id}`);
      const again = await fixture.open();
      expect(all(again)).toEqual(texts(3 + 3 * behind));
      for (const queue of again.queuesOf('orders')) {
        expect([queue.min, queue.next]).toEqual([0, 1 + behind]);
      }
      await again.close();
    },
  );

  it('that is missing is not taken for one that begins behind damage', async () => {
    const fixture = new DamagedStore();
    const store = await longAgo(fixture);
    const position = store.figures().written;
    store.append(draftOf('lost', { topic: 'others' }));
    store.append(draftOf('m0003', { queueId: 0 }));
    await Promise.all([store.flush(), fixture.settle()]);
    await fixture.clock.advance(61_000);
    await fixture.settle(50);
    fixture.disk.kill();
    const start = position - (position % 8192);
    const path = `/data/store/commitlog/${String(start).padStart(20, '0')}`;
    fixture.disk.damage(path, position - start + 90);
    fixture.disk.remove('/data/store/consumequeue/orders/0');
    const again = await fixture.open();
    expect(all(again)).toEqual(texts(4));
    expect(again.queue('others', 0).next).toBe(21);
    await again.close();
  });
});
