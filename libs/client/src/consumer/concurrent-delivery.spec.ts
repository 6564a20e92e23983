import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { FakeGroup } from '../testing/fake-group.js';
import { ConcurrentDelivery } from './concurrent-delivery.js';
import type { ConsumeContext, ConsumeVerdict, PushConsumerOptions } from './consumer-options.js';

const success: ConsumeVerdict = { kind: 'success' };

describe('ConcurrentDelivery', () => {
  let clock: ManualClock;
  let group: FakeGroup;
  let delivery: ConcurrentDelivery;

  const setUp = (
    listener: (texts: string[], context: ConsumeContext) => unknown,
    options: Partial<PushConsumerOptions> = {},
  ): void => {
    clock = new ManualClock();
    group = new FakeGroup(
      clock,
      (messages, context) =>
        listener(
          messages.map((one) => one.text),
          context,
        ) as ConsumeVerdict,
      options,
    );
    delivery = new ConcurrentDelivery(group.state);
    delivery.start();
  };

  afterEach(() => delivery.close());

  it('runs at most as many calls at once as it may', async () => {
    const ends: (() => void)[] = [];
    let most = 0;
    setUp(() => new Promise((end) => ends.push(() => end(success))), { concurrency: 3 });
    group.deliver(delivery, 10);
    for (let done = 0; done < 10; done += 1) {
      await clock.advance(0);
      most = Math.max(most, group.state.statistics.running);
      ends.shift()?.();
    }
    await clock.advance(0);
    expect([most, group.state.statistics.consumed, group.offset]).toEqual([3, 10, 10]);
  });

  it('never moves the offset past a message whose call still runs', async () => {
    let endFirst: (() => void) | undefined;
    setUp(([text]) =>
      text === '0' ? new Promise((end) => (endFirst = () => end(success))) : success,
    );
    group.deliver(delivery, 5);
    await clock.advance(0);
    expect(group.offset).toBe(0);
    endFirst?.();
    await clock.advance(0);
    expect(group.offset).toBe(5);
  });

  it('hands out batches and retries what lies behind the acknowledged index', async () => {
    setUp(
      (_, context) => {
        context.ackIndex = 1;
        return success;
      },
      { batch: 4 },
    );
    group.deliver(delivery, 4);
    await clock.advance(0);
    expect(group.givenBack.map((one) => one.text)).toEqual([2, 3]);
    expect([group.offset, group.state.statistics.consumed]).toEqual([4, 2]);
  });

  it('waits for the rest of a batch as long as it is told to, from its first message on', async () => {
    const calls: string[] = [];
    const listener = (texts: string[]) => (calls.push(texts.join()), success);
    setUp(listener, { batch: 3, batchWait: '100ms' });
    group.deliver(delivery, 2);
    await clock.advance(60);
    group.deliver(delivery, 3);
    await clock.advance(0);
    expect(calls).toEqual(['0,1,2']);
    await clock.advance(99);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    expect(calls).toEqual(['0,1,2', '3,4']);
    group.deliver(delivery, 1);
    await delivery.drain();
    await clock.advance(200);
    expect([calls.length, group.offset]).toEqual([2, 5]);
  });

  it.each<[string, (context: ConsumeContext) => unknown, number]>([
    ['a thrown error', () => Promise.reject(new Error('no')), 0],
    ['retry', () => ({ kind: 'retry' }), 0],
    ['retry with a level', () => ({ kind: 'retry', delayLevel: 5 }), 5],
    ['a level in the context', (context) => ((context.delayLevel = 7), { kind: 'retry' }), 7],
    ['dead-letter', () => ({ kind: 'dead-letter' }), -1],
    ['an answer that is no verdict', () => undefined, 0],
  ])('gives a message back after %s', async (_, answer, delayLevel) => {
    setUp((__, context) => answer(context));
    group.deliver(delivery, 1);
    await clock.advance(0);
    expect(group.givenBack).toEqual([{ text: 0, delayLevel }]);
    expect(group.offset).toBe(1);
  });

  it('sends a message to the dead letters after the last attempt', async () => {
    setUp(() => ({ kind: 'retry' }), { maxReconsumeTimes: 2 });
    group.deliver(delivery, 1, 1);
    group.deliver(delivery, 1, 2);
    await clock.advance(0);
    expect(group.givenBack.map((one) => one.delayLevel)).toEqual([0, -1]);
    expect(group.state.statistics).toMatchObject({ sentBack: 1, deadLettered: 1 });
  });

  it('keeps a message that no broker takes back, and tries it again here', async () => {
    const attempts: string[] = [];
    setUp(([text = '']) => {
      attempts.push(text);
      return attempts.length < 2 ? { kind: 'retry' } : success;
    });
    group.refuses = true;
    group.deliver(delivery, 1);
    await clock.advance(0);
    expect([attempts.length, group.offset]).toEqual([1, 0]);
    await clock.advance(5_000);
    expect([attempts.length, group.offset]).toEqual([2, 1]);
  });

  it('drops failed messages when broadcasting', async () => {
    setUp(() => ({ kind: 'retry' }), { model: 'broadcasting' });
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect([group.givenBack, group.offset]).toEqual([[], 2]);
  });

  it('takes messages from a call that never ends: signal, send back, room for others', async () => {
    const signals: AbortSignal[] = [];
    setUp(
      ([text], context) => {
        signals.push(context.signal);
        return text === '0' ? new Promise(() => undefined) : success;
      },
      { concurrency: 1, consumeTimeout: '1m' },
    );
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect(signals).toHaveLength(1);
    await clock.advance(67_000);
    expect(signals[0]?.aborted).toBe(true);
    expect(group.givenBack).toEqual([{ text: 0, delayLevel: 3 }]);
    expect([group.state.statistics.timedOut, signals.length, group.offset]).toEqual([1, 2, 2]);
  });

  it('ignores the result of a queue that went to somebody else', async () => {
    let end: ((verdict: ConsumeVerdict) => void) | undefined;
    setUp(() => new Promise((resolve) => (end = resolve)));
    group.deliver(delivery, 1);
    await clock.advance(0);
    group.assigned.drop();
    end?.({ kind: 'retry' });
    await clock.advance(0);
    expect([group.givenBack, group.offset]).toEqual([[], undefined]);
  });

  it('drains: running calls count, waiting ones do not begin', async () => {
    const ends: (() => void)[] = [];
    setUp(() => new Promise((end) => ends.push(() => end(success))), { concurrency: 1 });
    group.deliver(delivery, 3);
    let isDrained = false;
    const drained = delivery.drain().then(() => (isDrained = true));
    await clock.advance(0);
    expect(isDrained).toBe(false);
    ends.shift()?.();
    await drained;
    expect([ends.length, group.offset]).toEqual([0, 1]);
  });

  it('aborts the signals of running calls when it is abandoned', async () => {
    let signal: AbortSignal | undefined;
    setUp((_, context) => {
      signal = context.signal;
      return new Promise(() => undefined);
    });
    group.deliver(delivery, 1);
    await clock.advance(0);
    delivery.abandon();
    expect(signal?.aborted).toBe(true);
  });

  it('leaves no timer when closed', async () => {
    setUp(() => ({ kind: 'retry' }));
    group.refuses = true;
    group.deliver(delivery, 1);
    await clock.advance(0);
    delivery.close();
    expect(clock.waiting).toBe(0);
  });
});
