import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { ClientConfigurationError } from '../../client.errors.js';
import { averagely, averagelyByCircle, byConfiguration } from './averagely.js';
import { machineRoom, machineRoomNearby, type RoomResolver } from './by-room.js';
import { consistentHash } from './consistent-hash.js';
import { allocateQueues, type AllocationStrategy } from './strategy.js';

const queuesOf = (count: number, brokers = ['a']): MessageQueue[] =>
  brokers.flatMap((brokerName) =>
    Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName, queueId })),
  );

const share = (strategy: AllocationStrategy, queues: number, members: string[]): number[][] =>
  members.map((id) =>
    allocateQueues(strategy, 'g', id, queuesOf(queues), members).map((queue) => queue.queueId),
  );

const resolver: RoomResolver = {
  roomOfQueue: ({ brokerName }) => (brokerName === 'a' ? 'east' : 'west'),
  roomOfClient: (id) => (Number(id.slice(-1)) % 3 === 0 ? 'east' : 'south'),
};

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

describe('byConfiguration', () => {
  it('gives what was written down, whoever else is there', () => {
    const mine = queuesOf(2);
    expect(
      byConfiguration(mine).allocate({ group: 'g', clientId: 'x', queues: [], members: [] }),
    ).toEqual(mine);
  });
});

describe('consistentHash', () => {
  it('moves only the queues of a member that goes', () => {
    const queues = queuesOf(64, ['a', 'b']);
    const owners = (members: string[]): Map<string, string> =>
      new Map(
        members.flatMap((id) =>
          allocateQueues(consistentHash(), 'g', id, queues, members).map(
            (queue) => [queueKey(queue), id] as const,
          ),
        ),
      );
    const before = owners(['m1', 'm2', 'm3', 'm4']);
    const after = owners(['m1', 'm2', 'm4']);
    for (const [key, owner] of before) if (owner !== 'm3') expect(after.get(key)).toBe(owner);
    expect(after.size).toBe(128);
  });

  it('refuses a number of virtual nodes that places nobody on the ring', () => {
    expect(() => consistentHash({ virtualNodes: 0 })).toThrow(ClientConfigurationError);
  });
});

describe('machineRoom', () => {
  it('shares out only the queues of brokers in the rooms named', () => {
    const queues = queuesOf(3, ['east@a', 'west@b', 'c']);
    const mine = allocateQueues(machineRoom(['east']), 'g', 'm1', queues, ['m1', 'm2']);
    expect(mine.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)).toEqual([
      'east@a:0',
      'east@a:2',
    ]);
  });
});

describe('machineRoomNearby', () => {
  it('refuses a resolver that knows no room of a queue', () => {
    const lost = machineRoomNearby(averagely, { ...resolver, roomOfQueue: () => '' });
    expect(() => allocateQueues(lost, 'g', 'm1', queuesOf(1), ['m1'])).toThrow(/room/);
  });
});

describe('allocateQueues', () => {
  it.each([averagely, averagelyByCircle, consistentHash(), machineRoomNearby(averagely, resolver)])(
    'gives every queue exactly one owner, whatever the members and the order ($name)',
    (strategy) => {
      const seed = seedOfRun();
      const random = new SeededRandom(seed);
      for (let round = 0; round < 500; round += 1) {
        const queues = queuesOf(
          1 + random.below(20),
          ['b2', 'b10', 'b1'].slice(0, 1 + random.below(3)),
        );
        const members = Array.from(
          { length: 1 + random.below(12) },
          (_, i) => `10.0.0.${i}@${random.below(99)}`,
        );
        const shuffled = (): string[] => [...members].sort(() => random.below(3) - 1);
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
