import { hash as digestOf } from 'node:crypto';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { ClientConfigurationError } from '../../client.errors.js';
import type { AllocationStrategy } from './strategy.js';

/** A place on the ring: not negative, the same at every member. */
export type RingHash = (key: string) => number;

export interface ConsistentHashOptions {
  /** Places of each member on the ring [10]. Java: virtualNodeCnt. */
  readonly virtualNodes?: number;
  /** Java's by default: the first four bytes of the MD5 of the key, big endian. */
  readonly hash?: RingHash;
}

const DEFAULT_VIRTUAL_NODES = 10;

const md5Hash: RingHash = (key) => digestOf('md5', key, 'buffer').readUInt32BE(0);

/** How Java writes a queue; the key that places it on the ring. */
const ringKey = ({ topic, brokerName, queueId }: MessageQueue): string =>
  `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;

interface Place {
  readonly hash: number;
  readonly member: string;
}

/** The places of all members in ring order; of two on one spot the later stands, as in Java's map. */
function ringOf(members: readonly string[], virtualNodes: number, hash: RingHash): Place[] {
  const owners = new Map<number, string>();
  for (const member of members) {
    for (let node = 0; node < virtualNodes; node += 1)
      owners.set(hash(`${member}-${node}`), member);
  }
  return [...owners]
    .map(([place, member]) => ({ hash: place, member }))
    .sort((a, b) => a.hash - b.hash);
}

/** The first place at or after `hash`, else the first of all: the ring is closed. */
function ownerOf(ring: readonly Place[], hash: number): string | undefined {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring[middle] as Place).hash < hash) low = middle + 1;
    else high = middle;
  }
  return (ring[low] ?? ring[0])?.member;
}

/**
 * Members and queues on a ring of hashes; a queue goes to the next member. When a member comes or
 * goes, only queues beside its places move. Java's CONSISTENT_HASH. Throws a ClientConfigurationError for a
 * number of virtual nodes that is no whole number above 0.
 */
export function consistentHash(options: ConsistentHashOptions = {}): AllocationStrategy {
  const { virtualNodes = DEFAULT_VIRTUAL_NODES, hash = md5Hash } = options;
  if (!Number.isInteger(virtualNodes) || virtualNodes < 1) {
    throw new ClientConfigurationError(
      `virtualNodes of consistentHash must be a whole number above 0, not ${String(virtualNodes)}.`,
      { details: { virtualNodes } },
    );
  }
  return {
    name: 'CONSISTENT_HASH',
    allocate: ({ clientId, queues, members }) => {
      const ring = ringOf(members, virtualNodes, hash);
      return queues.filter((queue) => ownerOf(ring, hash(ringKey(queue))) === clientId);
    },
  };
}
