import { bodiesOf, draftOf, smallFiles, StoreFixture } from '../testing/index.js';

describe('CommitLog', () => {
  it('syncs a file that is being made ahead before anything is written to it or behind it', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const fixture = new StoreFixture(seed, { ...smallFiles, flushDiskType: 'ASYNC_FLUSH' });
      let store = await fixture.open();
      const { disk } = fixture;
      const bodies: string[] = [];
      const append = (length: number): void => {
        const body = `${bodies.length} `.padEnd(length, 'x');
        store.append(draftOf(body));
        bodies.push(body);
      };
      // So little is left of the first file that the second is made, but its sync does not end.
      disk.holdSyncs();
      append(7700);
      fixture.endTurn();
      expect(disk.list('/data/store/commitlog')).toHaveLength(2);
      for (let i = 0; i < 3; i += 1) append(7700);
      fixture.endTurn();
      expect(disk.list('/data/store/commitlog').length).toBeGreaterThanOrEqual(4);

      disk.crash();
      store = await fixture.open();

      const left = bodiesOf(store, store.queue('orders', 0));
      expect(left).toEqual(bodies.slice(0, left.length));
      await store.close();
    }
  });
});
