import { tracingChannel } from 'node:diagnostics_channel';
import { clientChannels, type PullEvent } from '../diagnostics.js';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import type { PushConsumerOptions } from './consumer-options.js';

describe('a push consumer between pull and listener', () => {
  const bench = new ConsumerBench();
  const pulling = tracingChannel<object, PullEvent>(clientChannels.pull);
  let story: string[];
  const told = {
    start: ({ topic, queueId, offset }: PullEvent): void => {
      if (topic === 't' && queueId === 0) story.push(`pull ${offset}`);
    },
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: () => undefined,
    error: () => undefined,
  };

  beforeEach(async () => {
    story = [];
    pulling.subscribe(told);
    await bench.open();
  });

  afterEach(async () => {
    pulling.unsubscribe(told);
    await bench.close();
  });

  const consumeAll = async (
    count: number,
    options: Partial<PushConsumerOptions> = {},
  ): Promise<void> => {
    let seen = 0;
    bench.cluster.queues.add('t', 0, ...texts(0, count));
    await bench.consumer({
      listener: ([message]) => {
        seen += 1;
        story.push(message?.text ?? '');
        return { kind: 'success' };
      },
      ...options,
    });
    for (let i = 0; i < 200 && seen < count; i += 1) await bench.clock.advance(10);
    expect(seen).toBe(count);
  };

  it('asks for the next messages before it hands out many', async () => {
    await consumeAll(40);
    expect(story.slice(0, 3)).toEqual(['pull 0', 'pull 32', 'm0']);
    expect(story.indexOf('m31')).toBeLessThan(story.indexOf('m32'));
    expect(story.filter((one) => one === 'pull 32')).toHaveLength(1);
  });

  it('hands a few out at once', async () => {
    await consumeAll(3);
    expect(story.slice(0, 5)).toEqual(['pull 0', 'm0', 'm1', 'm2', 'pull 3']);
  });

  it.each<[string, Partial<PushConsumerOptions>]>([
    ['the messages in hand leave no room for more', { pullThresholdForQueue: 32 }],
    ['pulls are to keep their distance', { pullInterval: '1s' }],
  ])('does not ask before when %s', async (_, options) => {
    await consumeAll(40, options);
    expect(story.slice(0, 2)).toEqual(['pull 0', 'm0']);
    expect(story.indexOf('pull 32')).toBeGreaterThan(story.indexOf('m31'));
  });
});
