import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import {
  allocateQueues,
  assignmentChange,
  averagely,
  averagelyByCircle,
  type AllocationStrategy,
} from './rebalance.js';

const queuesOf = (count: number, brokers = ['a']): MessageQueue[] =>
  brokers.flatMap((brokerName) =>
    Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName, queueId })),
  );

const share = (strategy: AllocationStrategy, queues: number, members: string[]): number[][] =>
  members.map((id) =>
    allocateQueues(strategy, 'g', id, queuesOf(queues), members).map((queue) => queue.queueId),
  );

/** Small repeatable random numbers. */
function randoms(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

describe('averagely', () => {
  it('gives contiguous blocks, the first members one more', () => {
    expect(share(averagely, 8, ['a', 'b', 'c'])).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ]);
  });

  it('leaves members without a queue when there are more members than queues', () => {
    expect(share(averagely, 2, ['a', 'b', 'c'])).toEqual([[0], [1], []]);
  });
});

describe('averagelyByCircle', () => {
  it('deals queues out like cards', () => {
    expect(share(averagelyByCircle, 5, ['a', 'b'])).toEqual([
      [0, 2, 4],
      [1, 3],
    ]);
  });
});

describe('allocateQueues', () => {
  it.each([averagely, averagelyByCircle])(
    'gives every queue exactly one owner, whatever the members and the order ($name)',
    (strategy) => {
      const seed = 1 + Math.floor(Math.random() * 2 ** 30);
      const random = randoms(seed);
      for (let round = 0; round < 500; round += 1) {
        const queues = queuesOf(1 + random(20), ['b2', 'b10', 'b1'].slice(0, 1 + random(3)));
        const members = Array.from(
          { length: 1 + random(12) },
          (_, i) => `10.0.0.${i}@${random(99)}`,
        );
        const shuffled = (): string[] => [...members].sort(() => random(3) - 1);
        const owned = members.flatMap((id) =>
          allocateQueues(strategy, 'g', id, [...queues].reverse(), shuffled()),
        );
        const context = `seed ${seed}, round ${round}`;
        expect([context, owned.map(queueKey).sort()]).toEqual([
          context,
          queues.map(queueKey).sort(),
        ]);
      }
    },
  );

  it('gives nothing to a client that is not among the members', () => {
    expect(allocateQueues(averagely, 'g', 'x', queuesOf(4), ['a', 'b'])).toEqual([]);
  });
});

describe('assignmentChange', () => {
  it('names what to leave and what to take, and nothing that stays', () => {
    const [first, second, third] = queuesOf(3) as [MessageQueue, MessageQueue, MessageQueue];
    const change = assignmentChange([queueKey(first), queueKey(second)], [second, third]);
    expect(change).toEqual({ leave: [queueKey(first)], take: [third] });
  });
});
