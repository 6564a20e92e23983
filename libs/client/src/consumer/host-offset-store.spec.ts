import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';

describe('offsets of a broadcasting member', () => {
  const bench = new ConsumerBench();
  let offsetDirectory: string;

  beforeEach(async () => {
    offsetDirectory = mkdtempSync(join(tmpdir(), 'offsets-'));
    await bench.open();
  });

  afterEach(async () => {
    await bench.close();
    rmSync(offsetDirectory, { recursive: true });
  });

  const broadcasting = (more: object = {}) =>
    bench.consumer({ model: 'broadcasting', offsetDirectory, ...more });

  it('stand in one file for its cluster, group and key, and are found again', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const first = await broadcasting({ clientIp: '10.0.0.1' });
    await bench.done(first.close());
    const path = join(offsetDirectory, 'c', 'g', 'default.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      version: 1,
      offsets: { 't@broker-a@0': 3, 't@broker-a@1': 0 },
    });
    bench.cluster.queues.add('t', 0, ...texts(3, 5));
    // As a container comes back: with another address.
    await broadcasting({ clientIp: '10.0.0.2' });
    await bench.until(() => bench.seen.length === 5);
    expect(bench.seen).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect(bench.offset(0)).toBeUndefined();
  });

  it('stand in files of their own for other keys, whatever these are called', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 2));
    for (const offsetKey of ['..', 'a/b']) {
      await bench.done((await broadcasting({ offsetKey })).close());
    }
    expect(bench.seen).toHaveLength(4);
    const [up, slash] = ['%2E%2E.json', 'a%2Fb.json'].map((name) =>
      readFileSync(join(offsetDirectory, 'c', 'g', name), 'utf8'),
    );
    expect(up).toBe(slash);
  });

  it('move when an operator resets the group', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    await broadcasting();
    await bench.until(() => bench.seen.length === 3);
    bench.reset('t', [[{ topic: 't', brokerName: 'broker-a', queueId: 0 }, 1]]);
    await bench.clock.advance(1_000);
    expect(bench.seen.slice(3)).toEqual(['m1', 'm2']);
  });
});
