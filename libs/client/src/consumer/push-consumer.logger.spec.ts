import type { Logger } from '@nestjs-rocketmq/foundation';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';

describe.each(['concurrent', 'orderly'] as const)(
  'a %s push consumer with a broken logger',
  (mode) => {
    const bench = new ConsumerBench();

    beforeEach(() => bench.open());

    afterEach(() => bench.close());

    it('goes on after listeners and hooks that throw', async () => {
      const broken = (): never => {
        throw new Error('no space left');
      };
      const logger: Logger = {
        debug: broken,
        info: broken,
        warn: broken,
        error: broken,
        child: () => logger,
      };
      const seen: string[] = [];
      bench.cluster.queues.add('t', 0, ...texts(0, 50));
      const consumer = await bench.consumer({
        mode,
        logger,
        concurrency: 1,
        consumeHooks: [{ before: broken, after: broken }],
        listener: ([message]) => {
          const text = message?.text ?? '';
          if (!seen.includes(text)) seen.push(text);
          if (message?.reconsumeTimes === 0 && text === 'm1') throw new Error('not yet');
          return { kind: 'success' };
        },
      });
      for (let i = 0; i < 300 && seen.length < 50; i += 1) await bench.clock.advance(100);
      expect(seen).toHaveLength(50);
      expect(consumer.statistics()).toMatchObject({ failed: 1, running: 0 });
    });
  },
);
