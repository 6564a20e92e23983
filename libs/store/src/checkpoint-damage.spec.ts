import { all, DamagedStore, texts } from './testing/damaged-store.js';
import { draftOf } from './testing/store-fixture.js';

const checkpoint = '/data/store/checkpoint';
const spareAt = 512;
const isAbsent = 'The checkpoint is damaged and counts as absent';
const isSpareUsed = 'The checkpoint is damaged; its spare is used';

const linesOf = (fixture: DamagedStore): string[] => fixture.lines.map((line) => line.text);

/** 200 messages, durable with their queues, and the checkpoint says so. */
async function checkpointed(how: 'killed' | 'closed'): Promise<DamagedStore> {
  const fixture = new DamagedStore();
  const store = await fixture.filled(200);
  await fixture.clock.advance(60_000);
  await fixture.settle(50);
  if (how === 'killed') fixture.disk.kill();
  else await store.close();
  return fixture;
}

/** Writes over bytes of the checkpoint, durably. */
function overwrite(fixture: DamagedStore, bytes: Uint8Array, position: number): void {
  const file = fixture.disk.open(checkpoint, 'write');
  file.writeAt(bytes, 0, bytes.length, position);
  file.syncNow();
  file.close();
}

describe('a checkpoint', () => {
  it('that is damaged is read from its spare, wherever the damage is', async () => {
    for (const at of [0, 3, 8, 15, 32, 39, 496, 504, 511]) {
      for (const how of ['killed', 'closed'] as const) {
        const fixture = await checkpointed(how);
        fixture.disk.damage(checkpoint, at, 1);
        const store = await fixture.open();
        expect(all(store)).toEqual(texts(200));
        expect(linesOf(fixture)).toContain(isSpareUsed);
        // Both are there again.
        fixture.lines.length = 0;
        await store.close();
        await (await fixture.open()).close();
        expect(fixture.lines).toEqual([]);
      }
    }
  });

  it('of which the spare is damaged, too, counts as absent, and all is made from the log', async () => {
    for (const at of [0, 8, 39, 496, 504, 511]) {
      const fixture = await checkpointed('killed');
      fixture.disk.damage(checkpoint, at, 1);
      fixture.disk.damage(checkpoint, spareAt + at, 1);
      const store = await fixture.open();
      expect(all(store)).toEqual(texts(200));
      expect(linesOf(fixture)).toContain(isAbsent);
      await store.close();
    }
  });

  it('that is missing or empty is made again', async () => {
    for (const how of ['killed', 'closed'] as const) {
      const fixture = new DamagedStore();
      const store = await fixture.filled(200);
      if (how === 'killed') fixture.disk.kill();
      else await store.close();
      fixture.disk.remove(checkpoint);
      const again = await fixture.open();
      expect(all(again)).toEqual(texts(200));
      await again.close();
    }
  });

  it('of a file without a spare is believed, and gets one', async () => {
    for (const how of ['killed', 'closed'] as const) {
      const fixture = await checkpointed(how);
      overwrite(fixture, new Uint8Array(512), spareAt);
      await fixture.open();
      expect(linesOf(fixture)).not.toContain(isAbsent);
      fixture.disk.crash();
      fixture.disk.damage(checkpoint, 0);
      expect(all(await fixture.open())).toEqual(texts(200));
      expect(linesOf(fixture)).toContain(isSpareUsed);
    }
  });

  it('that tears with the tail of the log still tells where that ends', async () => {
    const torn = new Map<string, number>();
    for (let seed = 1; seed <= 80; seed += 1) {
      const fixture = new DamagedStore(seed);
      fixture.disk.tearsBytesIn = 'commitlog';
      const store = await fixture.open({ flushConsumeQueueThoroughInterval: 300 });
      let isDead = false;
      const hit = (): void => {
        isDead = true;
        fixture.disk.crash();
      };
      fixture.disk.fail({ call: 'write', path: 'checkpoint', after: seed % 8, code: 'dead', hit });
      let sent = 0;
      for (let round = 0; round < 100 && !isDead; round += 1) {
        for (let i = 0; i < 7; i += 1) {
          store.append(draftOf(`m${String(sent).padStart(4, '0')}`, { queueId: sent % 3 }));
          sent += 1;
          if (i % 3 === 0) fixture.endTurn();
        }
        await fixture.settle();
        await fixture.clock.advance(100);
      }
      expect(isDead).toBe(true);
      const next = await fixture.open();
      const left = all(next);
      expect({ seed, left }).toEqual({ seed, left: texts(left.length) });
      for (const line of linesOf(fixture)) torn.set(line, (torn.get(line) ?? 0) + 1);
      await next.close();
    }
    expect(torn.get(isAbsent) ?? 0).toBe(0);
    expect(torn.get(isSpareUsed)).toBeGreaterThan(10);
  });

  it('of a Java broker is not taken for torn, though the power fails when it was found', async () => {
    const fixture = await checkpointed('closed');
    // What it writes: its own fields and its word.
    overwrite(fixture, Uint8Array.of(0, 0, 0, 1, 2, 3, 4, 5), 0);
    fixture.disk.writeText('/data/store/lock', 'lock');
    const hit = (): void => {
      fixture.disk.writeText('/data/store/lock', '4711 -');
      fixture.disk.crash();
    };
    fixture.disk.fail({ call: 'read', path: 'commitlog', code: 'dead', hit });
    await expect(fixture.open()).rejects.toThrow('dead');
    expect(all(await fixture.open())).toEqual(texts(200));
    expect(linesOf(fixture)).toContain(isAbsent);
    expect(linesOf(fixture)).not.toContain(isSpareUsed);
  });
});
