import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFileSystem, silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import { MessageStore, storeOptions } from '@nestjs-rocketmq/store';
import { temporaryFolder } from '../support/java.js';
import { goldenStore, goldenStores, unpackGoldenStore } from './golden-store.js';

const storeKeys = Object.keys(storeOptions.table);

describe.each(goldenStores)('the queue files of a store that Java %s left %s', (version, state) => {
  it('are the same byte for byte when they are made again from its log', async () => {
    const golden = goldenStore(version, state);
    const folder = temporaryFolder('golden-queues');
    try {
      unpackGoldenStore(golden, folder);
      const paths = golden.files
        .map(({ path }) => path)
        .filter((path) => path.startsWith('consumeq'));
      const before = paths.map((path) => readFileSync(join(folder, path)).toString('base64'));
      rmSync(join(folder, 'consumequeue'), { recursive: true });
      writeFileSync(join(folder, 'abort'), '');
      const known = Object.entries(golden.properties).filter(([name]) => storeKeys.includes(name));
      const store = await MessageStore.open({
        directory: folder,
        options: Object.fromEntries(known),
        fileSystem: nodeFileSystem,
        clock: systemClock,
        logger: silentLogger,
        turn: new Turn(),
      });
      await store.close();
      const after = paths.map((path) => readFileSync(join(folder, path)).toString('base64'));
      expect(after).toEqual(before);
      expect(paths.length).toBeGreaterThan(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
