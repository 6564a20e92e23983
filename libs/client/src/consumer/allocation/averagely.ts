import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { AllocationStrategy } from './strategy.js';

/** Contiguous blocks; the first `queues mod members` members get one more. Java's default (AVG). */
export const averagely: AllocationStrategy = {
  name: 'AVG',
  allocate: ({ clientId, queues, members }) => {
    const index = members.indexOf(clientId);
    if (index < 0) return [];
    const larger = queues.length % members.length;
    const base = Math.floor(queues.length / members.length);
    const from = index * base + Math.min(index, larger);
    return queues.slice(from, from + base + (index < larger ? 1 : 0));
  },
};

/** Every `members`-th queue, as cards are dealt. Java's AVG_BY_CIRCLE. */
export const averagelyByCircle: AllocationStrategy = {
  name: 'AVG_BY_CIRCLE',
  allocate: ({ clientId, queues, members }) => {
    const index = members.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_, at) => at % members.length === index);
  },
};

/**
 * Queues written down for this client, whatever the others have. Java's CONFIG. Nobody checks that
 * each queue has one owner: a queue in two lists is consumed twice, one in none not at all.
 */
export function byConfiguration(queues: readonly MessageQueue[]): AllocationStrategy {
  const fixed = queues.map((queue) => ({ ...queue }));
  return { name: 'CONFIG', allocate: () => fixed };
}
