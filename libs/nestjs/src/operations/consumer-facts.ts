import type { ConsumerStatus } from '../client-port.js';

/** What health and metrics tell of the queues of one topic, or of all of a group. */
export interface QueueFacts {
  readonly assignedQueues: number;
  /** Messages in those queues that are not finished; undefined while no offset is known. */
  readonly lag: number | undefined;
  /** Messages fetched and not finished. */
  readonly held: number;
  /** ms since the queue longest without a pull was pulled; undefined: none was yet. */
  readonly lastPullAge: number | undefined;
}

/** The facts of a group; those of one topic when `topic` is given. */
export function queueFacts(status: ConsumerStatus, now: number, topic?: string): QueueFacts {
  const queues = status.queues.filter((one) => topic === undefined || one.queue.topic === topic);
  const known = queues.filter((one) => one.committed !== undefined);
  const lag = known.reduce((sum, one) => sum + Math.max(one.end - (one.committed ?? 0), 0), 0);
  const pulled = queues.filter((one) => one.pulledAt > 0).map((one) => now - one.pulledAt);
  return {
    assignedQueues: queues.length,
    lag: queues.length > 0 && known.length === 0 ? undefined : lag,
    held: queues.reduce((sum, one) => sum + one.held, 0),
    lastPullAge: pulled.length === 0 ? undefined : Math.max(...pulled, 0),
  };
}

/**
 * A queue that nobody pulls although nothing stands against it: not paused, nothing in hand, and
 * pulled before. A broker holds a pull for half a minute at most.
 */
export function stuckQueues(status: ConsumerStatus, now: number, maxPullAge: number): number {
  if (!status.isRunning || status.isPaused) return 0;
  const stuck = status.queues.filter(
    (one) => !one.isPaused && one.held === 0 && one.pulledAt > 0 && now - one.pulledAt > maxPullAge,
  );
  return stuck.length;
}
