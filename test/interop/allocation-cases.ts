import { createHash, hash as digestOf } from 'node:crypto';
import {
  allocateQueues,
  averagely,
  averagelyByCircle,
  byConfiguration,
  consistentHash,
  machineRoom,
  machineRoomNearby,
  type AllocationStrategy,
  type ConsistentHashOptions,
  type RingHash,
  type RoomResolver,
} from '@nestjs-rocketmq/client';
import { compareQueues, queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { startJava, type ClientVersion } from '../support/java.js';

/** What the program Allocations.java prints; `results` by the name of the strategy. */
export interface AllocationCase {
  readonly members: readonly string[];
  readonly results: Readonly<Record<string, string>>;
}

export interface AllocationRun {
  readonly seed: number;
  readonly cases: number;
  readonly block: number;
  /** Of so many cases from the beginning the result is given in full. */
  readonly printed: number;
  /** Ours: the hash is remembered instead of the built-in one asked again. */
  readonly isRemembering?: boolean;
}

export interface AllocationRecord {
  readonly seed: number;
  /** Cases in a block. */
  readonly block: number;
  /** By the name of the strategy: a digest over the results of each block. */
  readonly sha256: Readonly<Record<string, readonly string[]>>;
  readonly first: readonly AllocationCase[];
}

const rooms: RoomResolver = {
  roomOfQueue: ({ brokerName }) => brokerName.split('@')[0] as string,
  roomOfClient: (clientId) => clientId.split('-')[0] as string,
};

/** Java's rule once more, remembered while one case lasts: ten thousand cases ask it ten million times. */
function rememberingHash(): RingHash {
  const known = new Map<string, number>();
  return (key) => {
    let place = known.get(key);
    if (place === undefined) {
      place = digestOf('md5', key, 'buffer').readUInt32BE(0);
      known.set(key, place);
    }
    return place;
  };
}

const strategiesFor = (
  queues: readonly MessageQueue[],
  hash: ConsistentHashOptions = {},
): AllocationStrategy[] => [
  averagely,
  averagelyByCircle,
  consistentHash(hash),
  machineRoom(['east', 'west']),
  machineRoomNearby(averagely, rooms),
  machineRoomNearby(consistentHash(hash), rooms),
  byConfiguration(queues.slice(0, Math.floor((queues.length + 2) / 3))),
];

/** The numbers of Allocations.java, in its order. */
class Generator {
  constructor(private state: number) {}

  below(end: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return (this.state >>> 8) % end;
  }

  queues(): MessageQueue[] {
    const queues: MessageQueue[] = [];
    const brokers = 1 + this.below(5);
    for (let broker = 0; broker < brokers; broker += 1) {
      const room = ['east', 'west', 'north'][this.below(3)];
      const brokerName = `${room}${this.below(8) === 0 ? '' : '@'}broker${broker}`;
      const count = 1 + this.below(16);
      for (let queueId = 0; queueId < count; queueId += 1) {
        queues.push({ topic: 'TopicTest', brokerName, queueId });
      }
    }
    return queues;
  }

  members(): string[] {
    const members = new Set<string>();
    const count = 1 + this.below(20);
    for (let member = 0; member < count; member += 1) {
      const room = ['east', 'west', 'south'][this.below(3)];
      members.add(`${room}-10.0.${this.below(3)}.${this.below(256)}@${this.below(60000)}`);
    }
    return [...members];
  }
}

/** Every member with the places of its queues in the sorted list: `0,1|2|;`. */
function share(
  strategy: AllocationStrategy,
  queues: readonly MessageQueue[],
  members: readonly string[],
): string {
  const place = new Map(queues.map((queue, at) => [queueKey(queue), at]));
  const shares = [...members].sort().map((member) =>
    allocateQueues(strategy, 'group', member, queues.toReversed(), members)
      .map((queue) => place.get(queueKey(queue)))
      .join(','),
  );
  return `${shares.join('|')}|;`;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ours for the same seed: digests per strategy and block, and the first cases as Java prints them. */
export function allocateOurs(run: AllocationRun): AllocationRecord {
  const generator = new Generator(run.seed);
  const digests: Record<string, string[]> = {};
  const first: AllocationCase[] = [];
  for (let from = 0; from < run.cases; from += run.block) {
    const texts: Record<string, string> = {};
    for (let number = from; number < from + run.block; number += 1) {
      const queues = generator.queues().sort(compareQueues);
      const members = generator.members();
      const hash = run.isRemembering === true ? { hash: rememberingHash() } : {};
      const results: Record<string, string> = {};
      for (const strategy of strategiesFor(queues, hash)) {
        results[strategy.name] = share(strategy, queues, members);
        texts[strategy.name] = (texts[strategy.name] ?? '') + results[strategy.name];
      }
      if (number < run.printed) first.push({ members: members.toSorted(), results });
    }
    for (const [name, text] of Object.entries(texts)) (digests[name] ??= []).push(sha256(text));
  }
  return { seed: run.seed, block: run.block, sha256: digests, first };
}

/** What an official client of `version` gives for the same seed. Needs the Java peers. */
export async function allocateByJava(
  version: ClientVersion,
  run: AllocationRun,
): Promise<AllocationRecord> {
  const { seed, cases, block, printed } = run;
  const args = [seed, cases, block, printed].map(String);
  const program = startJava(version, 'interop.Allocations', args);
  await program.success(120_000);
  const digests: Record<string, string[]> = {};
  for (const one of program.events<{ strategy: string; sha256: string }>('digest')) {
    (digests[one.strategy] ??= []).push(one.sha256);
  }
  const first = program
    .events<AllocationCase>('case')
    .map(({ members, results }) => ({ members, results }));
  return { seed, block, sha256: digests, first };
}
