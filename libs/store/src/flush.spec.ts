import type { Logger } from '@nestjs-rocketmq/foundation';
import type { MessageStore } from './message-store.js';
import { bodiesOf, draftOf, smallFiles, StoreFixture } from './testing/store-fixture.js';

const sync = { flushDiskType: 'SYNC_FLUSH' } as const;

/** What became of the answers of a store, in order. */
function answersOf(store: MessageStore): string[] {
  const answers: string[] = [];
  store.gate.subscribe({
    epochClosing: () => answers.push('closing'),
    epochDurable: () => answers.push('durable'),
    epochFailed: () => answers.push('failed'),
    turnFailed: () => answers.push('turn failed'),
  });
  return answers;
}

const shown = (store: MessageStore): string[] => bodiesOf(store, store.queue('orders', 0));

describe('a group commit', () => {
  it('covers with one sync every turn that was written while the one before went on', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open(sync);
    const answers = answersOf(store);
    fixture.disk.holdSyncs();
    store.append(draftOf('first'));
    await fixture.settle();
    for (const body of ['a', 'b', 'c']) {
      store.append(draftOf(body));
      fixture.endTurn();
    }
    expect(fixture.disk.waitingSyncs).toBe(1);
    expect(shown(store)).toEqual([]);
    fixture.disk.releaseSyncs();
    fixture.disk.holdSyncs();
    await fixture.settle();
    expect(shown(store)).toEqual(['first']);
    expect(fixture.disk.waitingSyncs).toBe(1);
    fixture.disk.releaseSyncs();
    await fixture.settle();
    expect(shown(store)).toEqual(['first', 'a', 'b', 'c']);
    expect(answers).toEqual(['closing', 'durable', 'closing', 'durable']);
    await store.close();
  });

  it('tells everybody who waits for it, and nobody who waits for the next', async () => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open(sync);
    const done: string[] = [];
    const wait = (name: string): Promise<void> => store.flush().then(() => void done.push(name));
    store.append(draftOf('one'));
    const waits = [wait('one'), wait('two'), wait('three')];
    fixture.disk.holdSyncs();
    fixture.endTurn();
    store.append(draftOf('later'));
    waits.push(wait('later'));
    await fixture.settle();
    expect(done).toEqual([]);
    fixture.disk.releaseSyncs();
    await fixture.settle();
    await Promise.all(waits);
    expect(done.toSorted()).toEqual(['later', 'one', 'three', 'two']);
    await store.close();
  });

  it.each(['kill', 'crash'] as const)('that did not end shows nothing before a %s', async (how) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const fixture = new StoreFixture(seed);
      const store = await fixture.open(sync);
      store.append(draftOf('durable'));
      await fixture.settle();
      fixture.disk.holdSyncs();
      store.append(draftOf('x'.repeat(2000)));
      fixture.endTurn();
      await fixture.settle();
      expect(shown(store)).toEqual(['durable']);
      expect(store.figures().durable).toBe(97 + 'durable'.length);
      fixture.disk[how]();
      const again = await fixture.open(sync);
      expect(shown(again)[0]).toBe('durable');
      await again.close();
    }
  });
});

describe('a failed sync', () => {
  it.each(['SYNC_FLUSH', 'ASYNC_FLUSH'] as const)(
    'with %s fails who waits, stops the store and says so in one line',
    async (flushDiskType) => {
      const lines: string[] = [];
      const nothing = (): void => undefined;
      const note = (line: string): void => void lines.push(line);
      const logger: Logger = {
        debug: nothing,
        info: nothing,
        warn: note,
        error: note,
        child: () => logger,
      };
      const fixture = new StoreFixture(1, smallFiles, logger);
      const store = await fixture.open({ flushDiskType });
      const answers = answersOf(store);
      const heard: string[] = [];
      store.onFailure((error) => heard.push(error.message));
      store.append(draftOf('one'));
      const waiters = [store.flush(), store.flush()].map((waiter) =>
        waiter.catch((error: Error) => error.message),
      );
      fixture.disk.fail({ call: 'sync', path: 'commitlog/', code: 'EIO' });
      fixture.endTurn();
      await fixture.settle();
      expect(await Promise.all(waiters)).toEqual([
        expect.stringContaining('EIO'),
        expect.stringContaining('EIO'),
      ]);
      expect(answers.at(-1)).toBe('failed');
      expect(heard).toEqual(lines);
      expect(lines).toEqual([
        expect.stringMatching(
          /^What was written could not be made durable \(EIO.*\); the store has stopped\. Check/,
        ),
      ]);
      expect(() => store.append(draftOf('two'))).toThrow('the store has stopped');
      await store.close();
      // It was only let go of: the next start recovers it.
      expect(fixture.disk.exists('/data/store/abort')).toBe(true);
    },
  );

  it('is not tried again: the disk would say yes to what it has lost', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const fixture = new StoreFixture(seed);
      const store = await fixture.open(sync);
      const answers = answersOf(store);
      store.append(draftOf('kept'));
      await fixture.settle();
      fixture.disk.fail({ call: 'sync', path: 'commitlog/' });
      store.append(draftOf('lost'));
      fixture.endTurn();
      await fixture.settle();
      await fixture.clock.advance(120_000);
      await fixture.settle();
      expect(answers).toEqual(['closing', 'durable', 'closing', 'failed']);
      expect(shown(store)).toEqual(['kept']);
      expect(store.figures().durable).toBe(97 + 'kept'.length);
      await store.close();
      fixture.disk.crash();
      const again = await fixture.open(sync);
      expect(shown(again)[0]).toBe('kept');
      await again.close();
    }
  });
});
