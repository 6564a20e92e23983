import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tagHash } from '@nestjs-rocketmq/message';
import { draftOf, StoreFixture } from '@nestjs-rocketmq/store/testing';

/** The dumps of `docs/data-files.md` are those of a store that really was written. */
const page = readFileSync(join(import.meta.dirname, '../../docs/data-files.md'), 'utf8');

/** The bytes that the page shows for a file, of `xxd -g 4 -l <length> <path>`. */
function shown(path: string): Buffer {
  const command = new RegExp(`\\$ xxd -g 4 -l (\\d+) ${path}\\n((?:[0-9a-f]{8}: .*\\n)+)`);
  const [, length, dump = ''] = command.exec(page) ?? [];
  const words = dump.split('\n').map((line) => line.slice(10).split('  ')[0] ?? '');
  const bytes = Buffer.from(words.join('').replaceAll(' ', ''), 'hex');
  expect(bytes).toHaveLength(Number(length));
  return bytes;
}

describe('docs/data-files.md', () => {
  it.each([
    [
      'the log and the queue',
      false,
      ['commitlog/00000000000000000000', 'consumequeue/orders/2/00000000000000000000'],
    ],
    ['the extension', true, ['consumequeue_ext/orders/2/00000000000000000000']],
  ])('shows %s of one message, byte for byte', async (_, enableConsumeQueueExt, paths) => {
    const fixture = new StoreFixture(1);
    const store = await fixture.open({ enableConsumeQueueExt });
    store.append(
      draftOf('hello', {
        queueId: 2,
        bornTimestamp: fixture.clock.now() - 10,
        bornPort: 52_000,
        map: { KEYS: 'A1', TAGS: 'paid' },
        tagsCode: tagHash('paid'),
      }),
    );
    await store.close();
    for (const path of paths) {
      const expected = shown(path);
      const bytes = Buffer.alloc(expected.length);
      fixture.disk.open(`/data/store/${path}`, 'read').readAt(bytes, 0, bytes.length, 0);
      expect(bytes.toString('hex')).toBe(expected.toString('hex'));
    }
  });
});
