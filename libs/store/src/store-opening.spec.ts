import type { Logger } from '@nestjs-rocketmq/foundation';
import { SysFlag, tagHash } from '@nestjs-rocketmq/message';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import type { MessageStore } from './message-store.js';
import {
  bodiesOf,
  draftOf,
  messagesOf,
  smallFiles,
  StoreFixture,
} from './testing/store-fixture.js';

const log0 = '/data/store/commitlog/00000000000000000000';

async function filled(fixture: StoreFixture, count: number, options = {}): Promise<MessageStore> {
  const store = await fixture.open(options);
  for (let i = 0; i < count; i += 1) {
    store.append(draftOf(`m${i}`, { queueId: i % 3 }));
    if (i % 5 === 4) fixture.endTurn();
  }
  fixture.endTurn();
  return store;
}

function contents(store: MessageStore, topic = 'orders'): string[][] {
  return store.queuesOf(topic).map((queue) => bodiesOf(store, queue));
}

function bytesOf(fixture: StoreFixture, path: string): Buffer {
  const bytes = Buffer.alloc(fixture.disk.size(path));
  fixture.disk.open(path, 'read').readAt(bytes, 0, bytes.length, 0);
  return bytes;
}

describe('a store that was closed', () => {
  it('has everything when it is opened again, and goes on', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 300);
    const before = contents(store);
    const end = store.figures().written;
    await store.close();
    expect(fixture.disk.exists('/data/store/abort')).toBe(false);
    const reopened = await fixture.open();
    expect(reopened.figures()).toMatchObject({ wasAborted: false, written: end, durable: end });
    expect(contents(reopened)).toEqual(before);
    expect(reopened.append(draftOf('next'))).toMatchObject({ position: end, queueOffset: 100 });
    await reopened.close();
  });

  it('keeps no file that was only made ahead', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    store.append(draftOf('x'.repeat(7700)));
    fixture.endTurn();
    await fixture.settle();
    expect(fixture.disk.list('/data/store/commitlog')).toHaveLength(2);
    await store.close();
    expect(fixture.disk.list('/data/store/commitlog')).toEqual(['00000000000000000000']);
  });

  it('finds the end behind messages that stand in no queue', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 10);
    store.append(draftOf('prepared', { sysFlag: SysFlag.TRANSACTION_PREPARED }));
    await store.close();
    const end = store.figures().written;
    const reopened = await fixture.open();
    expect(reopened.figures().written).toBe(end);
    await reopened.close();
  });

  it('gets its queues from the log when somebody removed them', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 100);
    const before = contents(store);
    await store.close();
    fixture.disk.remove('/data/store/consumequeue');
    const reopened = await fixture.open();
    expect(contents(reopened)).toEqual(before);
    await reopened.close();
  });

  it('with a damaged end loses what is behind the damage, in the queues too', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 30);
    await store.close();
    fixture.disk.damage(log0, 10 * 99 + 19 * 100 + 4);
    const reopened = await fixture.open();
    expect(contents(reopened).flat()).toHaveLength(29);
    await reopened.close();
  });
});

describe('a store that was not closed', () => {
  it('gets its queue entries from the log', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 300);
    const before = contents(store);
    fixture.disk.kill();
    const reopened = await fixture.open();
    expect(reopened.figures().wasAborted).toBe(true);
    expect(contents(reopened)).toEqual(before);
    fixture.disk.kill();
    expect(contents(await fixture.open())).toEqual(before);
  });

  it('does not believe queue entries that the checkpoint does not cover', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 300);
    const before = contents(store);
    fixture.disk.kill();
    // The log position of an entry, by one byte: it still lies between its neighbours.
    fixture.disk.damage('/data/store/consumequeue/orders/0/00000000000000000000', 20 * 3 + 7, 1);
    expect(contents(await fixture.open())).toEqual(before);
  });

  it('is as durable as any other once it was recovered and closed', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const fixture = new StoreFixture(seed);
      const before = contents(await filled(fixture, 300));
      fixture.disk.kill();
      await (await fixture.open()).close();
      fixture.disk.crash();
      expect(contents(await fixture.open())).toEqual(before);
    }
  });

  it('dates full queue files by their last messages, also anew: Java 4.9 searches by that', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 100; i += 1) {
      store.append(draftOf(`m${i}`));
      fixture.endTurn();
      await fixture.clock.advance(1000);
    }
    const [queue] = store.queuesOf('orders');
    const times = messagesOf(store, queue as ConsumeQueue).map((one) => one.storeTimestamp);
    const dates = () =>
      fixture.disk
        .list('/data/store/consumequeue/orders/0')
        .map((name) => fixture.disk.modified(`/data/store/consumequeue/orders/0/${name}`));
    expect(dates()).toEqual([times[39], times[79], undefined]);
    fixture.disk.kill();
    fixture.disk.remove('/data/store/checkpoint');
    const reopened = await fixture.open();
    expect(dates()).toEqual([times[39], times[79], undefined]);
    await reopened.close();
  });

  it('is opened on a disk where nobody may say when a file was changed', async () => {
    const fixture = new StoreFixture(1);
    const before = contents(await filled(fixture, 300));
    fixture.disk.kill();
    fixture.disk.fail({ call: 'date', code: 'EPERM', times: 1000 });
    expect(contents(await fixture.open())).toEqual(before);
  });

  it('computes tags codes anew: hash of the tag, due time of a delayed message', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    store.append(draftOf('tagged', { map: { TAGS: 'Größe' }, tagsCode: tagHash('Größe') }));
    const due = store.turnTime + 10_000;
    const delayed = { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 2, map: { TAGS: 'x', DELAY: '3' } };
    store.append(draftOf('delayed', { ...delayed, tagsCode: due }));
    const most = store.turnTime + 7_200_000;
    const beyond = { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 17, map: { DELAY: '99' } };
    store.append(draftOf('longest', { ...beyond, tagsCode: most }));
    fixture.endTurn();
    fixture.disk.kill();
    const reopened = await fixture.open();
    const codes = (topic: string, id: number): number[] => {
      const seen: number[] = [];
      const filter = (code: number): boolean => (seen.push(code), true);
      reopened.find(reopened.queue(topic, id), 0, 32, { filter });
      return seen;
    };
    expect(codes('orders', 0)).toEqual([tagHash('Größe')]);
    expect(codes('SCHEDULE_TOPIC_XXXX', 2)).toEqual([due]);
    expect(codes('SCHEDULE_TOPIC_XXXX', 17)).toEqual([most]);
    await reopened.close();
  });

  it('is cut at a torn record, and what stood behind it does not come back', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 40);
    const lost = messagesOf(store, store.queue('orders', 0))[10];
    fixture.disk.kill();
    fixture.disk.damage(log0, (lost?.logPosition ?? 0) + 89);
    const reopened = await fixture.open();
    const kept = contents(reopened).flat();
    expect(kept).toHaveLength(30);
    // The same length as the torn one: the records behind it would fit again.
    reopened.append(draftOf('new', { queueId: 0 }));
    fixture.endTurn();
    fixture.disk.kill();
    const again = await fixture.open();
    expect(contents(again).flat().toSorted()).toEqual([...kept, 'new'].toSorted());
    await again.close();
  });

  it('starts at the file that the checkpoint names, not before', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 200);
    await fixture.clock.advance(60_000);
    await fixture.settle(50);
    await fixture.clock.advance(10_000);
    for (let i = 0; i < 200; i += 1) store.append(draftOf(`late ${i}`));
    fixture.endTurn();
    await fixture.clock.advance(60_000);
    await fixture.settle(50);
    const before = contents(store);
    fixture.disk.kill();
    const records: unknown[] = [];
    const reopened = await openWith(fixture, records);
    expect(contents(reopened)).toEqual(before);
    expect(records).toEqual([expect.objectContaining({ from: 16_384 })]);
    await reopened.close();
  });

  it('makes all queues again when an old one is missing, with what is written to the files', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    for (let i = 0; i < 3; i += 1) store.append(draftOf(`few ${i}`, { topic: 'few' }));
    for (let i = 0; i < 200; i += 1) store.append(draftOf(`m${i}`, { queueId: i % 3 }));
    fixture.endTurn();
    await fixture.clock.advance(60_000);
    await fixture.settle(50);
    await fixture.clock.advance(10_000);
    for (let i = 0; i < 200; i += 1) store.append(draftOf(`late ${i}`, { queueId: i % 3 }));
    for (let i = 3; i < 5; i += 1) store.append(draftOf(`few ${i}`, { topic: 'few' }));
    fixture.endTurn();
    await fixture.clock.advance(60_000);
    await fixture.settle(50);
    const before = contents(store);
    const file = '/data/store/consumequeue/few/0/00000000000000000000';
    const entries = bytesOf(fixture, file);
    fixture.disk.kill();
    fixture.disk.remove('/data/store/consumequeue/orders/1');
    const records: unknown[] = [];
    const recovered = await openWith(fixture, records);
    expect(records).toEqual([
      expect.objectContaining({ from: 16_384 }),
      expect.objectContaining({ from: 0 }),
    ]);
    // Reading would mend what is wrong in the file.
    expect(bytesOf(fixture, file)).toEqual(entries);
    expect(contents(recovered)).toEqual(before);
    await recovered.close();
  });

  it('lets the younger messages of a topic count that was deleted in between', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 30);
    store.deleteTopic('orders');
    expect(store.queuesOf('orders')).toEqual([]);
    expect(fixture.disk.list('/data/store/consumequeue')).toEqual([]);
    store.append(draftOf('new life'));
    fixture.endTurn();
    expect(bodiesOf(store, store.queue('orders', 0))).toEqual(['new life']);
    fixture.disk.kill();
    const reopened = await fixture.open();
    expect(bodiesOf(reopened, reopened.queue('orders', 0))).toEqual(['new life']);
    await reopened.close();
  });

  it('whose first files are gone starts its queues behind fillers', async () => {
    const fixture = new StoreFixture(1);
    const store = await filled(fixture, 200);
    const all = contents(store);
    fixture.disk.kill();
    fixture.disk.remove(log0);
    fixture.disk.remove('/data/store/consumequeue');
    const reopened = await fixture.open();
    const queue = reopened.queue('orders', 1);
    expect(queue.min).toBeGreaterThan(20);
    expect(queue.next).toBe(67);
    expect(reopened.find(queue, 0, 32)).toMatchObject({
      status: 'OFFSET_TOO_SMALL',
      next: queue.min,
    });
    expect(bodiesOf(reopened, queue)).toEqual(all[1]?.slice(queue.min));
    await reopened.close();
  });
});

describe('a folder', () => {
  it('serves one store at a time', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open();
    await expect(fixture.open()).rejects.toThrow(
      expect.objectContaining({ code: 'FILE_LOCKED' }) as Error,
    );
    await store.close();
    await (await fixture.open()).close();
  });

  it('keeps the file size that it was made with', async () => {
    const fixture = new StoreFixture(1);
    await (await filled(fixture, 300)).close();
    await expect(fixture.open({ mappedFileSizeCommitLog: 16_384 })).rejects.toThrow(
      'the file has 8192 bytes, but files of this store are set to 16384',
    );
    // The failed attempt left nothing behind.
    expect(contents(await fixture.open()).flat()).toHaveLength(300);
  });

  it('is not opened when a file of its log is missing', async () => {
    const fixture = new StoreFixture(1);
    await (await filled(fixture, 300)).close();
    fixture.disk.remove('/data/store/commitlog/00000000000000008192');
    await expect(fixture.open()).rejects.toThrow('a file between them is missing');
  });

  it('is not made for a log over several folders', async () => {
    const fixture = new StoreFixture(1);
    await expect(fixture.open({ storePathCommitLog: '/a,/b' })).rejects.toThrow(
      'over several folders is not supported',
    );
  });

  it('may have its log elsewhere, and an index beside it', async () => {
    const fixture = new StoreFixture(1);
    fixture.disk.makeDirectory('/data/store/index');
    fixture.disk.writeText('/data/store/index/notes', 'left by somebody else');
    const elsewhere = { storePathCommitLog: '/fast/log' };
    const store = await filled(fixture, 10, elsewhere);
    await store.close();
    expect(fixture.disk.list('/fast/log')).toHaveLength(1);
    const reopened = await fixture.open(elsewhere);
    expect(contents(reopened).flat()).toHaveLength(10);
    expect(fixture.disk.readText('/data/store/index/notes')).toContain('somebody');
    await reopened.close();
  });

  it('refuses options that make no sense, naming them', async () => {
    const fixture = new StoreFixture(1);
    await expect(fixture.open({ messageDelayLevel: '1s 5x' })).rejects.toThrow("level 2 is '5x'");
    await expect(fixture.open({ mappedFileSizeCommitLog: 1 })).rejects.toThrow(
      "'mappedFileSizeCommitLog' must be between",
    );
  });
});

async function openWith(fixture: StoreFixture, records: unknown[]): Promise<MessageStore> {
  const logger: Logger = {
    debug: () => undefined,
    info: (_, fields) => records.push(fields),
    warn: () => undefined,
    error: () => undefined,
    child: () => logger,
  };
  const again = new StoreFixture(1, smallFiles, logger);
  Object.assign(again, { disk: fixture.disk, clock: fixture.clock });
  return again.open();
}
