import type { Clock } from '@nestjs-rocketmq/foundation';
import type { ClientPort, PortPullOptions, PullPort } from '../client-port.js';
import { delegating } from './delegating.js';
import type { Observer, PullCall } from './observer.js';

/** Who looks on what the pull consumers of a connection do. */
interface PullWatching {
  readonly connection: string;
  readonly clock: Clock;
  readonly observers: readonly Observer[];
  /** Runs what starts loops and opens sockets outside every request and span of the caller. */
  readonly outside: <T>(work: () => T) => T;
}

/** `pullConsumer` of a client, whose consumers tell of what they fetch and commit. */
export function observedPulls(
  client: ClientPort,
  watching: PullWatching,
): NonNullable<ClientPort['pullConsumer']> {
  return (options) => observed(client.pullConsumer?.(options) as PullPort, options, watching);
}

function observed(
  pull: PullPort,
  { group, subscriptions }: PortPullOptions,
  { connection, clock, observers, outside }: PullWatching,
): PullPort {
  const topics = subscriptions.map(({ topic }) => topic);
  /** Runs a call and tells of it whichever way it ends. */
  async function told<T>(
    work: () => Promise<T>,
    tell: (call: PullCall, result: T | undefined) => void,
  ): Promise<T> {
    const startedAt = clock.now();
    const began = clock.monotonic();
    const call = () => ({ connection, group, topics, startedAt, took: clock.monotonic() - began });
    let result: T;
    try {
      result = await work();
    } catch (error) {
      tell({ ...call(), error }, undefined);
      throw error;
    }
    tell(call(), result);
    return result;
  }
  return delegating(pull, {
    ...(pull.native === undefined ? {} : { native: pull.native }),
    start: () => outside(() => pull.start()),
    poll: (timeout) =>
      observers.length === 0
        ? pull.poll(timeout)
        : told(
            () => pull.poll(timeout),
            (call, batch) => observers.forEach((one) => one.pulled?.(call, batch)),
          ),
    commit: (offsets, persist) =>
      observers.length === 0
        ? pull.commit(offsets, persist)
        : told(
            () => pull.commit(offsets, persist),
            (call) =>
              observers.forEach((one) => one.committed?.(call, { queues: offsets, persist })),
          ),
  });
}
