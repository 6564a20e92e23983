import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { FakeGroup } from '../testing/fake-group.js';
import { ConcurrentDelivery } from './concurrent-delivery.js';
import type { ConsumeVerdict, MessageListener } from './consumer-options.js';
import type { MessageDelivery } from './group-state.js';
import { OrderlyDelivery } from './orderly-delivery.js';

const success: ConsumeVerdict = { kind: 'success' };
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('A backlog for listeners that never wait', () => {
  let time: number;
  const clock = new (class extends ManualClock {
    override monotonic(): number {
      return time;
    }
  })();
  let handled: number;
  let delivery: MessageDelivery;

  beforeEach(() => {
    time = 0;
    handled = 0;
  });
  afterEach(() => delivery.close());

  /** Each message takes 2 ms; gives back how many were handled when sockets and timers had a turn. */
  async function handledByTurn(
    Delivery: typeof ConcurrentDelivery | typeof OrderlyDelivery,
    answer: () => ReturnType<MessageListener>,
    mode: 'concurrent' | 'orderly',
  ): Promise<number[]> {
    const listener: MessageListener = () => {
      time += 2;
      handled += 1;
      return answer();
    };
    const group = new FakeGroup(clock, listener, { mode, concurrency: 4 });
    delivery = new Delivery(group.state);
    const seen: number[] = [];
    let turn = nextTurn();
    group.deliver(delivery, 20);
    for (; handled < 20 && seen.length < 50; turn = nextTurn()) {
      await turn;
      seen.push(handled);
    }
    return seen;
  }

  it('lets the event loop turn every 5 ms where listeners answer at once', async () => {
    const seen = await handledByTurn(ConcurrentDelivery, () => success, 'concurrent');
    expect(seen).toEqual([3, 6, 9, 12, 15, 18, 20]);
  });

  it('lets the event loop turn where listeners wait for ready promises only', async () => {
    const ready = (): Promise<ConsumeVerdict> => Promise.resolve(success);
    const seen = await handledByTurn(ConcurrentDelivery, ready, 'concurrent');
    expect(seen).toEqual([3, 6, 9, 12, 15, 18, 20]);
  });

  it('lets the event loop turn in orderly consumption too', async () => {
    const ready = (): Promise<ConsumeVerdict> => Promise.resolve(success);
    const seen = await handledByTurn(OrderlyDelivery, ready, 'orderly');
    expect(seen).toEqual([3, 6, 9, 12, 15, 18, 20]);
  });
});
