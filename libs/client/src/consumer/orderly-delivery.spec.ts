import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { FakeGroup } from '../testing/fake-group.js';
import type { ConsumeContext, ConsumeVerdict, PushConsumerOptions } from './consumer-options.js';
import { OrderlyDelivery } from './orderly-delivery.js';

const success: ConsumeVerdict = { kind: 'success' };

describe('OrderlyDelivery', () => {
  let clock: ManualClock;
  let group: FakeGroup;
  let delivery: OrderlyDelivery;
  let seen: string[];

  const setUp = (
    listener: (text: string, context: ConsumeContext, attempts: number) => unknown,
    options: Partial<PushConsumerOptions> = {},
  ): void => {
    clock = new ManualClock();
    seen = [];
    group = new FakeGroup(
      clock,
      (messages, context) => {
        const texts = messages.map((one) => one.text).join(',');
        seen.push(texts);
        return listener(texts, context, messages[0]?.reconsumeTimes ?? 0) as ConsumeVerdict;
      },
      { mode: 'orderly', ...options },
    );
    delivery = new OrderlyDelivery(group.state);
    delivery.start();
  };

  afterEach(() => delivery.close());

  it('runs one call of a queue at a time, in order', async () => {
    const ends: (() => void)[] = [];
    setUp(() => new Promise((end) => ends.push(() => end(success))));
    group.deliver(delivery, 3);
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(0);
      expect([seen.length, ends.length]).toEqual([i + 1, 1]);
      ends.shift()?.();
    }
    await clock.advance(0);
    expect([seen, group.offset]).toEqual([['0', '1', '2'], 3]);
  });

  it('hands out batches', async () => {
    setUp(() => success, { batch: 2 });
    group.deliver(delivery, 3);
    await clock.advance(0);
    expect(seen).toEqual(['0,1', '2']);
  });

  it('waits for the rest of a batch as long as it is told to', async () => {
    setUp(() => success, { batch: 3, batchWait: '100ms' });
    group.deliver(delivery, 2);
    await clock.advance(60);
    expect(seen).toEqual([]);
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect(seen).toEqual(['0,1,2']);
    await clock.advance(100);
    expect([seen, group.offset]).toEqual([['0,1,2', '3'], 4]);
  });

  describe('without autoCommit', () => {
    const answers = (...kinds: ConsumeVerdict['kind'][]) => {
      setUp((_, context) => {
        context.autoCommit = false;
        return { kind: kinds.shift() ?? 'success' };
      });
    };

    it('moves the offset only when the listener commits', async () => {
      answers('success', 'success', 'commit', 'success');
      group.deliver(delivery, 2);
      await clock.advance(0);
      expect([seen, group.offset]).toEqual([['0', '1'], undefined]);
      group.deliver(delivery, 2);
      await clock.advance(0);
      expect([seen, group.offset]).toEqual([['0', '1', '2', '3'], 3]);
    });

    it('brings everything since the last commit again after a rollback', async () => {
      answers('commit', 'success', 'rollback', 'success', 'commit');
      group.deliver(delivery, 3);
      await clock.advance(0);
      expect([seen, group.offset]).toEqual([['0', '1', '2'], 1]);
      await clock.advance(1_000);
      expect([seen.slice(3), group.offset]).toEqual([['1', '2'], 3]);
    });

    it('brings only the failed message again after a suspend', async () => {
      answers('success', 'suspend', 'success', 'commit');
      group.deliver(delivery, 3);
      await clock.advance(1_000);
      expect([seen, group.offset]).toEqual([['0', '1', '1', '2'], 3]);
    });
  });

  it('goes on when messages come after it ran out of them', async () => {
    setUp(() => success);
    group.deliver(delivery, 1);
    await clock.advance(0);
    group.deliver(delivery, 1);
    await clock.advance(0);
    expect(seen).toEqual(['0', '1']);
  });

  it('tries a failed message again in place; nothing overtakes it', async () => {
    const attempts: number[] = [];
    setUp((text, _, times) => {
      if (text !== '0') return success;
      attempts.push(times);
      return attempts.length < 3 ? Promise.reject(new Error('not yet')) : success;
    });
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect([seen, group.offset]).toEqual([['0'], 0]);
    await clock.advance(1_000);
    await clock.advance(1_000);
    expect(seen).toEqual(['0', '0', '0', '1']);
    expect([attempts, group.offset, group.givenBack]).toEqual([[0, 1, 2], 2, []]);
  });

  it('suspends for the time that the verdict says', async () => {
    setUp(() => (seen.length === 1 ? { kind: 'suspend', ms: 200 } : success));
    group.deliver(delivery, 1);
    await clock.advance(199);
    expect(seen).toHaveLength(1);
    await clock.advance(1);
    expect(seen).toHaveLength(2);
  });

  it('sends a message to the dead letters after its last attempt, and goes on', async () => {
    setUp((text) => (text === '0' ? { kind: 'retry' } : success), { maxReconsumeTimes: 2 });
    group.deliver(delivery, 2);
    await clock.advance(5_000);
    expect(seen).toEqual(['0', '0', '0', '1']);
    expect(group.givenBack).toEqual([{ text: 0, delayLevel: -1 }]);
    expect(group.offset).toBe(2);
  });

  it('sends a message to the dead letters at once when the listener says so', async () => {
    setUp((text) => (text === '0' ? { kind: 'dead-letter' } : success));
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect([seen, group.givenBack]).toEqual([['0', '1'], [{ text: 0, delayLevel: -1 }]]);
  });

  it('keeps trying while no broker takes the dead letter', async () => {
    setUp((text) => (text === '0' ? { kind: 'dead-letter' } : success));
    group.refuses = true;
    group.deliver(delivery, 2);
    await clock.advance(0);
    expect([seen, group.offset]).toEqual([['0'], 0]);
    group.refuses = false;
    await clock.advance(1_000);
    expect([seen, group.offset]).toEqual([['0', '0', '1'], 2]);
  });

  it('runs nothing while the lock of the queue is missing', async () => {
    setUp(() => success);
    group.assigned.lockedUntil = 0;
    group.deliver(delivery, 1);
    await clock.advance(10);
    expect(seen).toEqual([]);
    group.assigned.lockedUntil = Number.POSITIVE_INFINITY;
    group.assigned.changed();
    await clock.advance(0);
    expect(seen).toEqual(['0']);
  });

  it('needs no lock when broadcasting', async () => {
    setUp(() => success, { model: 'broadcasting' });
    group.assigned.lockedUntil = 0;
    group.deliver(delivery, 1);
    await clock.advance(0);
    expect(seen).toEqual(['0']);
  });

  it('begins nothing new of a queue that is being left, but counts the running call', async () => {
    let end: (() => void) | undefined;
    setUp(() => new Promise((resolve) => (end = () => resolve(success))));
    group.deliver(delivery, 2);
    await clock.advance(0);
    group.assigned.leave();
    end?.();
    await group.assigned.quiet();
    expect([seen, group.offset]).toEqual([['0'], 1]);
  });

  it('tells a slow call to hurry, and still waits for it', async () => {
    let signal: AbortSignal | undefined;
    setUp(
      (_, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
      { consumeTimeout: '1s' },
    );
    group.deliver(delivery, 2);
    await clock.advance(1_200);
    expect([signal?.aborted, seen, group.state.statistics.timedOut]).toEqual([true, ['0'], 1]);
  });
});
