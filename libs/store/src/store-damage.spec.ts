import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import type { MessageStore } from './message-store.js';
import {
  bodiesOf,
  draftOf,
  messagesOf,
  smallFiles,
  StoreFixture,
} from './testing/store-fixture.js';

const log0 = '/data/store/commitlog/00000000000000000000';
const checkpoint = '/data/store/checkpoint';

type Line = Readonly<{ text: string; fields: Record<string, unknown> | undefined }>;

/** A store on a disk, with the lines it logs at level warn and error. */
class Damaged extends StoreFixture {
  readonly lines: Line[];

  constructor(seed = 1) {
    const lines: Line[] = [];
    const note = (text: string, fields?: object): void =>
      void lines.push({ text, fields: fields as Line['fields'] });
    const logger: Logger = { ...silentLogger, warn: note, error: note, child: () => logger };
    super(seed, smallFiles, logger);
    this.lines = lines;
  }

  /** `count` messages of 100 bytes, dealt to three queues, durable. */
  async filled(count: number): Promise<MessageStore> {
    const store = await this.open();
    for (let i = 0; i < count; i += 1) {
      store.append(draftOf(`m${String(i).padStart(4, '0')}`, { queueId: i % 3 }));
    }
    const flushed = store.flush();
    await this.settle();
    await flushed;
    return store;
  }

  /** Flips bits in the body of the nth message of the first log file. */
  damageBody(n: number): number {
    const position = n * 102;
    this.disk.damage(log0, position + 90);
    return position;
  }
}

const all = (store: MessageStore): string[] =>
  store
    .queuesOf('orders')
    .flatMap((queue) => bodiesOf(store, queue))
    .toSorted();
const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `m${String(i).padStart(4, '0')}`);

describe('damage in the middle of the log', () => {
  it('is reported with its position after a crash, and what follows is kept', async () => {
    const fixture = new Damaged();
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
      const fixture = new Damaged();
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
    const fixture = new Damaged();
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
    const fixture = new Damaged();
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
      const fixture = new Damaged();
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
    const fixture = new Damaged();
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
    const fixture = new Damaged();
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
    const fixture = new Damaged();
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
    const fixture = new Damaged();
    await fixture.filled(60);
    fixture.disk.kill();
    fixture.disk.writeText('/data/store/lock', 'lock');
    fixture.damageBody(30);
    const store = await fixture.open();
    expect(all(store)).toEqual(texts(60).filter((text) => text !== 'm0030'));
    await store.close();
  });

  it('does not bring back what a Java broker had cut and begun to write over', async () => {
    const fixture = new Damaged();
    const before = await fixture.filled(60);
    const end = before.figures().written;
    const from = 30 * 102;
    const old = new Uint8Array(end - from);
    fixture.disk.open(log0, 'read').readAt(old, 0, old.length, from);
    const second = new Damaged();
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

describe('a queue', () => {
  it('that is missing though others are there is made again from the log', async () => {
    const fixture = new Damaged();
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
    const fixture = new Damaged();
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
    const fixture = new Damaged();
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
      const fixture = new Damaged();
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
      fixture.disk[end]();
      fixture.disk.remove('/data/store/consumequeue/orders/1');
      const again = await fixture.open();
      expect(all(again)).toEqual(texts(3));
      expect(again.queue('others', 0).next).toBe(20);
      await again.close();
    },
  );

  it('whose end is gone is made again, too', async () => {
    const fixture = new Damaged();
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
});

describe('a checkpoint', () => {
  it('that is damaged counts as absent, and everything is made again from the log', async () => {
    for (const at of [0, 3, 8, 15, 32, 39, 496, 504, 511]) {
      const fixture = new Damaged();
      await fixture.filled(200);
      await fixture.clock.advance(60_000);
      await fixture.settle(50);
      fixture.disk.kill();
      fixture.disk.damage(checkpoint, at, 1);
      const store = await fixture.open();
      expect(all(store)).toEqual(texts(200));
      expect(fixture.lines.map((line) => line.text)).toContain(
        'The checkpoint is damaged and counts as absent',
      );
      await store.close();
    }
  });

  it('that is missing or empty is made again', async () => {
    for (const how of ['killed', 'closed']) {
      const fixture = new Damaged();
      const store = await fixture.filled(200);
      if (how === 'killed') fixture.disk.kill();
      else await store.close();
      fixture.disk.remove(checkpoint);
      const again = await fixture.open();
      expect(all(again)).toEqual(texts(200));
      await again.close();
    }
  });
});

describe('a log', () => {
  it('whose last file is missing after a good close is refused', async () => {
    const fixture = new Damaged();
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
      const fixture = new Damaged(seed);
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
