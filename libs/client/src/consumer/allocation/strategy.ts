import { compareQueues, type MessageQueue } from '@nestjs-rocketmq/message';

/** What a strategy shares out; queues and members are sorted alike at every member. */
export interface AllocationInput {
  readonly group: string;
  /** This client; one of `members`. */
  readonly clientId: string;
  readonly queues: readonly MessageQueue[];
  /** Client ids of all members of the group. */
  readonly members: readonly string[];
}

/**
 * How the queues of a topic are shared out among the members of a group. Pure: the same input must
 * give the same answer at every member, and all members must use the same strategy.
 */
export interface AllocationStrategy {
  /** As Java's strategy of the same rule names itself. */
  readonly name: string;
  /** The queues of `clientId`. A thrown error leaves the queues in hand as they are. */
  allocate(input: AllocationInput): readonly MessageQueue[];
}

/** The order of Java's `String.compareTo`: by UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
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
