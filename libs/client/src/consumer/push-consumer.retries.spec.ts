import { decodeProperties } from '@nestjs-rocketmq/message';
import { ConsumerBench } from '../testing/consumer-bench.js';
import type { ConsumeVerdict } from './consumer-options.js';

describe('a message that cannot be consumed, when its broker does not take it back', () => {
  const bench = new ConsumerBench();

  beforeEach(async () => {
    await bench.open();
    bench.cluster.queues.refusesSendBack = true;
  });

  afterEach(() => bench.close());

  const failing = async (verdict: ConsumeVerdict, reconsumeTimes = 2, maxReconsumeTimes = 5) => {
    const properties = { TAGS: 'a', KEYS: 'k', TRAN_MSG: 'true', UNIQ_KEY: 'unique' };
    bench.cluster.queues.add('t', 0, { text: 'bad', properties, reconsumeTimes });
    await bench.consumer({ listener: () => verdict, maxReconsumeTimes });
    await bench.until(() => bench.cluster.sends.length > 0);
    const [send] = bench.cluster.sends;
    return { send, properties: decodeProperties(send?.asked.properties ?? '') };
  };

  it('goes to the retry topic as a new message, with where it came from and its attempts', async () => {
    const { send, properties } = await failing({ kind: 'retry' });
    expect(send?.asked).toMatchObject({
      topic: '%RETRY%g',
      reconsumeTimes: 3,
      maxReconsumeTimes: 5,
    });
    expect(Buffer.from(send?.body ?? []).toString()).toBe('bad');
    expect(properties).toMatchObject({
      RETRY_TOPIC: 't',
      ORIGIN_MESSAGE_ID: expect.stringMatching(/^[0-9A-F]{32}$/),
      DELAY: '5',
      TAGS: 'a',
      KEYS: 'k',
      UNIQ_KEY: 'unique',
    });
    expect(properties).not.toHaveProperty('TRAN_MSG');
    expect(await bench.stored()).toBe(1);
  });

  it('keeps the delay that its listener asked for', async () => {
    const { properties } = await failing({ kind: 'retry', delayLevel: 9 });
    expect(properties).toMatchObject({ DELAY: '9' });
  });

  it.each<[string, ConsumeVerdict, number]>([
    ['its listener says so', { kind: 'dead-letter' }, 0],
    ['it was tried often enough', { kind: 'retry' }, 5],
  ])('goes to the dead letters by way of any broker when %s', async (_, verdict, attempts) => {
    const { send, properties } = await failing(verdict, attempts);
    // More attempts than allowed: a broker moves it to the dead letters at once.
    expect(send?.asked).toMatchObject({ reconsumeTimes: attempts + 1, maxReconsumeTimes: 0 });
    expect(properties).not.toHaveProperty('DELAY');
  });

  it('stays in hand, tried again here, while no broker takes it; its offset waits', async () => {
    bench.cluster.onSend = () => ({ code: 'SYSTEM_ERROR', remark: 'full' });
    const attempts: number[] = [];
    bench.cluster.queues.add('t', 0, { text: 'bad' }, { text: 'good' });
    await bench.consumer({
      listener: ([message]) => {
        if (message?.text === 'good') return { kind: 'success' };
        attempts.push(message?.reconsumeTimes ?? -1);
        return attempts.length < 3 ? { kind: 'retry' } : { kind: 'success' };
      },
    });
    await bench.clock.advance(6_000);
    expect([attempts, bench.offset(0) ?? 0]).toEqual([[0, 1], 0]);
    await bench.clock.advance(15_000);
    expect(attempts).toEqual([0, 1, 2]);
    expect(await bench.stored()).toBe(2);
  });
});
