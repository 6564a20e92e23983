import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { SysFlag } from '@nestjs-rocketmq/message';
import type { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { draftOf, StoreFixture } from '../testing/store-fixture.js';
import { inspectStore } from './inspect-store.js';

/** Every byte of a disk, by path. */
function contentsOf(disk: FaultyFileSystem, folder = '/data'): Map<string, string> {
  const all = new Map<string, string>([[folder, 'folder']]);
  for (const name of disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (disk.isDirectory(path)) for (const one of contentsOf(disk, path)) all.set(...one);
    else {
      const bytes = Buffer.alloc(disk.size(path));
      disk.open(path, 'read').readAt(bytes, 0, bytes.length, 0);
      all.set(path, bytes.toString('latin1'));
    }
  }
  return all;
}

async function inspected(fixture: StoreFixture, more = {}): Promise<string[]> {
  const lines: string[] = [];
  const before = contentsOf(fixture.disk);
  await inspectStore({
    directory: '/data/store',
    fileSystem: fixture.disk,
    clock: new ManualClock(),
    print: (line) => lines.push(line),
    ...more,
  });
  expect(contentsOf(fixture.disk)).toEqual(before);
  return lines;
}

async function filled(): Promise<StoreFixture> {
  const fixture = new StoreFixture(1);
  const store = await fixture.open();
  for (let i = 0; i < 100; i += 1) {
    store.append(draftOf(`m${i}`, { queueId: i % 2, map: { TAGS: 'paid', KEYS: `k${i}` } }));
  }
  store.append(draftOf('half', { sysFlag: SysFlag.TRANSACTION_PREPARED }));
  store.append(draftOf('far', { topic: `%RETRY%${'g'.repeat(130)}` }));
  const flushed = store.flush();
  await fixture.settle();
  await flushed;
  await fixture.clock.advance(2000);
  fixture.disk.writeText('/data/store/config/topics.json', '{}');
  return fixture;
}

describe('inspecting a store', () => {
  it('shows markers, checkpoint, records, queues and tables of one that was killed', async () => {
    const fixture = await filled();
    fixture.disk.kill();
    const lines = await inspected(fixture);
    const text = lines.join('\n');
    expect(text).toContain('abort: there (4711)');
    expect(text).toContain('checkpoint: sealed');
    expect(text).toContain('commit log: 2 files of 8192 bytes');
    expect(text).toMatch(
      / {2}0: 117 bytes, V1 orders\/0\/0, 2 bytes of body, stored .* tags=paid keys=k0/,
    );
    expect(text).toMatch(/V1 prepared orders\/0\/0, 4 bytes of body/);
    expect(text).toMatch(/V2 %RETRY%g+\/0\/0, 3 bytes of body/);
    expect(text).toContain('  102 records');
    expect(text).toContain('nothing is written there');
    expect(text).toContain('topics.json: 2 bytes');
    expect(text).toContain('A start would recover the store:');
    expect(text).toContain('  queue orders/1: 0 to 50');
  });

  it('says what a start would do with damage, a torn tail and a missing queue', async () => {
    const fixture = await filled();
    fixture.disk.kill();
    const log = '/data/store/commitlog/00000000000000000000';
    fixture.disk.damage(log, 117 * 3 + 89);
    fixture.disk.remove('/data/store/consumequeue/orders/1');
    const text = (await inspected(fixture)).join('\n');
    expect(text).toMatch(
      / {2}351: DAMAGED up to 468, found a body that does not have its checksum/,
    );
    expect(text).toContain('  The commit log is damaged; what follows is kept position=351');
    expect(text).toContain('  queue orders/1: 0 to 50');
    // And a start does just that.
    const store = await fixture.open();
    expect(store.queuesOf('orders').map((queue) => queue.next)).toEqual([50, 50]);
    await store.close();
  });

  it('says that a start would be refused, and why', async () => {
    const fixture = await filled();
    fixture.disk.kill();
    fixture.disk.open('/data/store/commitlog/00000000000000008192', 'write').truncate(100);
    const text = (await inspected(fixture)).join('\n');
    expect(text).toContain('A start would be refused:');
    expect(text).toContain('the file has 100 bytes, but files of this store are set to 8192');
  });

  it('prints as many records as asked for, from where it is asked', async () => {
    const fixture = await filled();
    fixture.disk.kill();
    const lines = await inspected(fixture, { records: 2, from: 117 });
    expect(lines.filter((line) => / bytes, V[12]/.test(line))).toEqual([
      expect.stringMatching(/^ {2}117: /),
      expect.stringMatching(/^ {2}234: /),
    ]);
    expect(lines).toContain('  102 records, 100 of them not printed');
  });

  it('shows the extensions of queues', async () => {
    const fixture = new StoreFixture(1);
    const sizes = { enableConsumeQueueExt: true, mappedFileSizeConsumeQueueExt: 400 };
    fixture.bitMapOf = () => new Uint8Array(4);
    const store = await fixture.open(sizes);
    for (let i = 0; i < 30; i += 1) store.append(draftOf(`m${i}`, { queueId: i % 2 }));
    await store.close();
    const lines = await inspected(fixture);
    expect(lines).toContain('queue extensions: files of 400 bytes');
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {2}orders\/1: 15 units from 0 to 360, 15 with a bit map, last /),
    );
    expect(lines).toContain('  queue orders/0: 0 to 15, extension up to 360');
  });

  it('says which copy of a checkpoint counts', async () => {
    const fixture = await filled();
    fixture.disk.kill();
    const path = '/data/store/checkpoint';
    const confirmed = (lines: string[]): string | undefined =>
      lines.find((line) => line.includes('confirmed log position'));
    const whole = await inspected(fixture);
    expect(whole).toContain('checkpoint: sealed');
    fixture.disk.damage(path, 600);
    const single = await inspected(fixture);
    expect(single).toContain('checkpoint: sealed, without a spare');
    expect(confirmed(single)).toBe(confirmed(whole));
    fixture.disk.damage(path, 600);
    fixture.disk.damage(path, 5);
    const spare = await inspected(fixture);
    expect(spare).toContain('checkpoint: damaged, this is its spare');
    expect(confirmed(spare)).toBe('  confirmed log position   0');
    fixture.disk.damage(path, 600);
    expect(await inspected(fixture)).toContain('checkpoint: damaged');
  });

  it('finds an empty folder empty', async () => {
    const fixture = new StoreFixture(1);
    fixture.disk.makeDirectory('/data/store');
    const lines = await inspected(fixture);
    expect(lines).toContain('checkpoint: absent');
    expect(lines).toContain('  0 records');
  });
});
