import { tagHash, type MessageQueue, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { QueueSelectionError } from '../client.errors.js';
import type { QueueSelector } from './send-result.js';

/** The queue for a hash key, as Java's selector by hash computes it for a text. */
export function indexByHash(key: string, count: number): number {
  return Math.abs(tagHash(key) % count);
}

/** Takes turns over the queues of a topic, from a random start. */
export class RoundRobin {
  private next: number;

  constructor(start = Math.floor(Math.random() * 0x7fffffff)) {
    this.next = start;
  }

  /**
   * The next queue; when `avoidBroker` was tried before, the next one of another broker if there
   * is any.
   */
  choose<Q extends { readonly brokerName: string }>(
    queues: readonly Q[],
    avoidBroker?: string,
  ): Q | undefined {
    if (avoidBroker !== undefined) {
      for (let tried = 0; tried < queues.length; tried += 1) {
        const queue = this.turn(queues);
        if (queue?.brokerName !== avoidBroker) return queue;
      }
    }
    return this.turn(queues);
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
