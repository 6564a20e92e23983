import type { MessageStore } from './message-store.js';
import { bodiesOf, draftOf, StoreFixture } from './testing/store-fixture.js';

/**
 * A cut makes a file shorter and gives it its size back. Each of the two may fail, or be lost with
 * the power. Whatever comes of it, the store opens again: what was durable is there, what follows is
 * a beginning of what was sent then, and offsets go up by one.
 */
const seeds = Array.from({ length: 12 }, (_, i) => i + 1);
const ends = ['kill', ...seeds] as const;
/** Which of the two fails; 2 is none. */
const failing = [0, 1, 2];
const cases = failing.flatMap((after) => ends.map((end) => ({ after, end })));

function end(fixture: StoreFixture, how: (typeof ends)[number]): void {
  if (how === 'kill') return fixture.disk.kill();
  fixture.disk.reseed(how);
  fixture.disk.crash();
}

async function kept(fixture: StoreFixture, store: MessageStore, count: number): Promise<string[]> {
  const bodies = Array.from({ length: count }, (_, i) => `kept ${i} ${'x'.repeat(300)}`);
  for (const body of bodies) store.append(draftOf(body));
  const flushed = store.flush();
  await fixture.settle();
  await flushed;
  return bodies;
}

/** Opens the store, twice with a message in between, and looks at what is there. */
async function expectSound(
  fixture: StoreFixture,
  durable: readonly string[],
  sent: readonly string[],
): Promise<void> {
  let store = await fixture.open();
  const queue = store.queue('orders', 0);
  const found = bodiesOf(store, queue);
  expect(found.slice(0, durable.length)).toEqual(durable);
  expect(found).toEqual([...durable, ...sent].slice(0, found.length));
  expect(queue).toMatchObject({ min: 0, visible: found.length, next: found.length });
  expect(store.append(draftOf('new')).queueOffset).toBe(found.length);
  fixture.endTurn();
  fixture.disk.kill();
  store = await fixture.open();
  expect(bodiesOf(store, store.queue('orders', 0))).toEqual([...found, 'new']);
  await store.close();
}

describe.each([
  ['in one file', 3, 4],
  ['over three files', 20, 60],
])('a turn %s that cannot be written', (_, before, count) => {
  it.each(cases)('is taken back, truncation $after fails, then $end', async (one) => {
    const fixture = new StoreFixture(7);
    const store = await fixture.open();
    const durable = await kept(fixture, store, before);
    const { disk } = fixture;
    const sent = Array.from({ length: count }, (_one, i) => `sent ${i} ${'y'.repeat(200)}`);
    disk.reseed(typeof one.end === 'number' ? one.end : 0);
    if (one.after < 2) disk.fail({ call: 'truncate', path: 'commitlog', after: one.after });
    const last = store.figures().written;
    const path = count > 10 ? String(last - (last % 8192) + 16_384) : 'commitlog';
    disk.fail({ call: 'write', path });
    for (const body of sent) {
      try {
        store.append(draftOf(body));
      } catch {
        break;
      }
    }
    fixture.endTurn();
    end(fixture, one.end);
    await expectSound(fixture, durable, sent);
  });
});

describe('a recovery that cannot cut the log', () => {
  it.each(cases)('truncation $after fails, then $end', async (one) => {
    const fixture = new StoreFixture(7);
    const durable = await kept(fixture, await fixture.open(), 30);
    const { disk } = fixture;
    const torn = `torn ${'z'.repeat(400)}`;
    const store = await again(fixture);
    const { position } = store.append(draftOf(torn));
    fixture.endTurn();
    disk.kill();
    const path = logFileOf(position);
    disk.damage(path, (position % 8192) + 200);
    if (one.after < 2) disk.fail({ call: 'truncate', path: 'commitlog', after: one.after });
    const opened = fixture.open();
    if (one.after < 2) await expect(opened).rejects.toThrow('EIO');
    else await opened;
    end(fixture, one.end);
    await expectSound(fixture, durable, []);
  });
});

describe('a recovery that cannot cut a queue', () => {
  it.each([0, 1, 2, 3].flatMap((after) => ends.map((how) => ({ after, end: how }))))(
    'truncation $after fails, then $end',
    async (one) => {
      const fixture = new StoreFixture(7);
      let store = await fixture.open();
      const durable = await kept(fixture, store, 70);
      // A queue with nothing in the part of the log that is read again.
      await fixture.clock.advance(61_000);
      await fixture.settle(20);
      fixture.disk.kill();
      store = await fixture.open();
      const more = Array.from({ length: 90 }, (_, i) => `more ${i} ${'x'.repeat(300)}`);
      for (const body of more) store.append(draftOf(body));
      fixture.endTurn();
      await fixture.clock.advance(2000);
      const flushed = store.flush();
      await fixture.settle();
      await flushed;
      fixture.disk.kill();
      fixture.disk.fail({ call: 'truncate', path: 'consumequeue', after: one.after });
      await fixture.open().catch(() => undefined);
      end(fixture, one.end);
      await expectSound(fixture, [...durable, ...more], []);
    },
  );
});

async function again(fixture: StoreFixture): Promise<MessageStore> {
  fixture.disk.kill();
  return fixture.open();
}

function logFileOf(position: number): string {
  const name = String(position - (position % 8192)).padStart(20, '0');
  return `/data/store/commitlog/${name}`;
}
