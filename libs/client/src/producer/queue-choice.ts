import { tagHash, type MessageQueue, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { QueueSelectionError } from '../client.errors.js';
import type { BrokerFaults } from './broker-faults.js';
import type { HashKey, QueueSelector } from './send-result.js';

/**
 * Java's hash of the object that stands for the key there: a `String`; for whole numbers an
 * `Integer` where it fits, else a `Long`; for a bigint a `Long`.
 */
export function javaHash(key: HashKey): number {
  if (typeof key === 'string') return tagHash(key);
  if (typeof key === 'number') {
    if ((key | 0) === key) return key;
    if (Number.isSafeInteger(key)) return hashOfLong(BigInt(key));
  } else if (typeof key === 'bigint' && BigInt.asIntN(64, key) === key) return hashOfLong(key);
  throw new QueueSelectionError(
    `A hash key must be a text, a whole number or a bigint of 64 bits, but is ${String(key)}.`,
    { details: { hashKey: String(key) } },
  );
}

function hashOfLong(value: bigint): number {
  const bits = BigInt.asUintN(64, value);
  return Number(BigInt.asIntN(32, bits ^ (bits >> 32n)));
}

/** The queue for a hash key, as Java's selector by hash computes it. */
export function indexByHash(key: HashKey, count: number): number {
  return Math.abs(javaHash(key) % count);
}

/** Java's selector by hash; the send option `hashKey` is short for it. */
export function selectByHash(key: HashKey): QueueSelector {
  return (queues) => queues[indexByHash(key, queues.length)] as MessageQueue;
}

/** Java's random selector. */
export const selectRandomly: QueueSelector = (queues) =>
  queues[Math.floor(Math.random() * queues.length)] as MessageQueue;

const randomStart = (): number => Math.floor(Math.random() * 0x7fffffff);

/** Takes turns over the queues of a topic, from a random start. */
export class RoundRobin {
  private next: number;

  constructor(start = randomStart()) {
    this.next = start;
  }

  /**
   * The next queue; when `avoidBroker` was tried before, the next one of another broker if there
   * is any. With `faults` brokers are left out for which it is too early, then those that cannot
   * be reached; when nobody is left, everybody may be tried again.
   */
  choose<Q extends { readonly brokerName: string }>(
    queues: readonly Q[],
    avoidBroker?: string,
    faults?: BrokerFaults,
  ): Q | undefined {
    if (faults !== undefined) {
      const good =
        this.nextOf(queues, (name) => name !== avoidBroker && faults.isAvailable(name)) ??
        this.nextOf(queues, (name) => name !== avoidBroker && faults.isReachable(name));
      if (good !== undefined) return good;
    } else if (avoidBroker !== undefined) {
      const other = this.nextOf(queues, (name) => name !== avoidBroker);
      if (other !== undefined) return other;
    }
    return this.turn(queues);
  }

  private nextOf<Q extends { readonly brokerName: string }>(
    queues: readonly Q[],
    isWanted: (brokerName: string) => boolean,
  ): Q | undefined {
    for (let tried = 0; tried < queues.length; tried += 1) {
      const queue = this.turn(queues);
      if (queue !== undefined && isWanted(queue.brokerName)) return queue;
    }
    return undefined;
  }

  /** Goes on at a random place. */
  startAnywhere(): void {
    this.next = randomStart();
  }

  private turn<Q>(queues: readonly Q[]): Q | undefined {
    this.next = (this.next + 1) & 0x7fffffff;
    return queues[this.next % queues.length];
  }
}

/** Calls a user's selector and refuses what is no queue of the topic. */
export function selectQueue<Q extends MessageQueue>(
  selector: QueueSelector,
  queues: readonly Q[],
  message: OutgoingMessage,
): Q {
  let chosen: MessageQueue | undefined;
  try {
    chosen = selector(queues, message);
  } catch (cause) {
    throw new QueueSelectionError(
      `The queue selector threw while it chose a queue of topic '${message.topic}'.`,
      { cause, details: { topic: message.topic } },
    );
  }
  if ((chosen as unknown) instanceof Promise) {
    throw new QueueSelectionError(
      `The queue selector for topic '${message.topic}' answered a promise; it must answer at once.`,
      { details: { topic: message.topic } },
    );
  }
  return findQueue(queues, chosen, message.topic);
}

/** The topic's own entry of a queue that the caller named. */
export function findQueue<Q extends MessageQueue>(
  queues: readonly Q[],
  wanted: MessageQueue | undefined,
  topic: string,
): Q {
  const found = queues.find(
    (queue) =>
      queue === wanted ||
      (queue.queueId === wanted?.queueId &&
        queue.brokerName === wanted.brokerName &&
        queue.topic === wanted.topic),
  );
  if (found !== undefined) return found;
  const given = wanted === undefined ? 'nothing' : `${wanted.brokerName}:${wanted.queueId}`;
  throw new QueueSelectionError(
    `Topic '${topic}' has no queue ${given} that can be written; choose one of its ` +
      `${queues.length} queues.`,
    { details: { topic, queue: wanted } },
  );
}
