import { compareQueues, queueKey, type MessageQueue } from '@nestjs-rocketmq/message';

/** What a strategy shares out; queues and members are sorted alike at every member. */
export interface AllocationInput {
  readonly group: string;
  /** This client. */
  readonly clientId: string;
  readonly queues: readonly MessageQueue[];
  /** Client ids of all members of the group. */
  readonly members: readonly string[];
}

/**
 * How the queues of a topic are shared out among the members of a group. Pure: the same input must
 * give the same answer at every member, and every queue must have exactly one owner.
 */
export interface AllocationStrategy {
  readonly name: string;
  /** The queues of `clientId`. */
  allocate(input: AllocationInput): readonly MessageQueue[];
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

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

export interface AssignmentChange {
  /** To be released: held, but not mine any more. */
  readonly leave: readonly string[];
  /** To be taken: mine, but not held yet. */
  readonly take: readonly MessageQueue[];
}

/** What has to change so that exactly `mine` is held; `held` are queue keys. */
export function assignmentChange(
  held: Iterable<string>,
  mine: readonly MessageQueue[],
): AssignmentChange {
  const wanted = new Map(mine.map((queue) => [queueKey(queue), queue]));
  const leave: string[] = [];
  for (const key of held) {
    if (!wanted.delete(key)) leave.push(key);
  }
  return { leave, take: [...wanted.values()] };
}

/**
 * The queues of this client: sorts both sides and asks the strategy. An own id that is missing
 * among the members (the broker does not know us yet) means no queue at all.
 */
export function allocateQueues(
  strategy: AllocationStrategy,
  group: string,
  clientId: string,
  queues: readonly MessageQueue[],
  members: readonly string[],
): readonly MessageQueue[] {
  if (!members.includes(clientId)) return [];
  return strategy.allocate({
    group,
    clientId,
    queues: [...queues].sort(compareQueues),
    members: [...new Set(members)].sort(compareText),
  });
}
