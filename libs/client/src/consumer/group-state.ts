import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import { groupOfTopic, isRetryTopic, PropertyName } from '@nestjs-rocketmq/message';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import type { TopicSubscription } from '../subscription.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { ConsumeFrom, MessageListener, PushConsumerSettings } from './consumer-options.js';
import type { OffsetTable } from './offset-store.js';
import type { CallWatcher, ListenerCall } from './listener-call.js';
import type { Held } from './process-queue.js';
import type { TraceDispatcher } from '../trace/trace-dispatcher.js';
import type { ConsumeHooks } from './consume-hooks.js';
import type { GroupMeasures } from './topic-measures.js';

/** Counters of one consumer since its start. */
export interface ConsumerStatistics {
  /** Messages that brokers delivered and the exact tag test let through. */
  pulled: number;
  /** Messages finished well. */
  consumed: number;
  /** Messages whose listener call failed or asked for a retry. */
  failed: number;
  /** Messages given back to a broker for a later attempt. */
  sentBack: number;
  /** Messages given to the dead letters by this consumer. */
  deadLettered: number;
  /** Listener calls that took longer than the consume time-out. */
  timedOut: number;
  /** Listener calls running now. */
  running: number;
}

/** What the parts of one consumer share, whatever its kind. */
export interface ConsumerGroup {
  readonly group: string;
  readonly instance: ClientInstance;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isClustering: boolean;
  /** By topic; with the group's retry topic where the consumer reads that as well. */
  readonly subscriptions: ReadonlyMap<string, TopicSubscription>;
  readonly offsets: OffsetTable;
  /** By queue key. */
  readonly assigned: Map<string, AssignedQueue>;
  readonly hooks: ConsumeHooks;
  /** Where the consumer traces to; undefined when it does not. */
  readonly traces?: TraceDispatcher | undefined;
  readonly measures: GroupMeasures;
}

/** What a consumer has whose queues are kept pulled. */
export interface SharingGroup extends ConsumerGroup {
  readonly settings: {
    readonly rebalanceInterval: number;
    readonly pullRetryDelay: number;
    /** Where a group without stored offset starts. */
    readonly from: ConsumeFrom | undefined;
  };
  /** How often the locks of queues are renewed, ms; undefined when no locks are needed. */
  readonly lockInterval: number | undefined;
}

/** What the parts of one push consumer share. */
export interface GroupState extends SharingGroup {
  readonly settings: PushConsumerSettings;
  readonly listener: MessageListener;
  readonly isOrderly: boolean;
  readonly statistics: ConsumerStatistics;
  readonly watch: CallWatcher;
  /** Set by `pause`: pulling stops, what is in hand goes on. */
  isPaused: boolean;
}

/** Hands messages to the listener and finishes them. */
export interface MessageDelivery {
  /** Begins to look for calls that take too long. */
  start(): void;
  /** New messages of a queue. */
  accept(assigned: AssignedQueue, fresh: readonly Held[]): void;
  /** Takes no new work; resolves when no listener call runs. */
  drain(): Promise<void>;
  /** Listener calls that have not ended, except those that were given up. */
  readonly running: Iterable<ListenerCall>;
  /** Aborts the signals of running calls. */
  abandon(): void;
  close(): void;
}

/** Attempts after which a message goes to the dead letters. */
export function mostReconsumeTimes(state: GroupState): number {
  return reconsumeLimit(state.settings.maxReconsumeTimes, state.isOrderly);
}

/**
 * How often a message may come again before it goes to the dead letters, as `maxReconsumeTimes` of a
 * consumer says: -1 stands for 16 times, and for no end (`Infinity`) when it consumes orderly.
 */
export function reconsumeLimit(maxReconsumeTimes: number, isOrderly: boolean): number {
  if (maxReconsumeTimes >= 0) return maxReconsumeTimes;
  return isOrderly ? Number.POSITIVE_INFINITY : 16;
}

/** The topic to show: a retried message appears under the topic that it was sent to. */
export function showOriginalTopic(message: StoredMessage, group: string): void {
  if (!isRetryTopic(message.topic) || groupOfTopic(message.topic) !== group) return;
  const original = message.property(PropertyName.RETRY_TOPIC);
  if (original !== undefined) message.topic = original;
}

/** Attempts in place are counted in memory only; the listener sees them all the same. */
export function showAttempts(held: Held): void {
  const { message, reconsumeTimes } = held;
  if (reconsumeTimes !== message.reconsumeTimes) message.reconsumeTimes = reconsumeTimes;
}

/** Counts what listeners answered. */
export function count(
  state: GroupState,
  assigned: AssignedQueue,
  good: number,
  failed: number,
  now = state.clock.monotonic(),
): void {
  state.statistics.consumed += good;
  state.statistics.failed += failed;
  state.measures.of(assigned.queue.topic, now).settles(now, good, failed);
}

/** Finishes messages and moves the offset of their queue, unless it is not ours any more. */
export function finish(
  state: GroupState,
  assigned: AssignedQueue,
  done: readonly Held[],
  now = state.clock.monotonic(),
): void {
  assigned.process.finish(done);
  if (done.length > 0) assigned.finishedAt = now;
  const offset = assigned.process.commitOffset;
  if (offset !== undefined && !assigned.isDropped) state.offsets.advance(assigned.queue, offset);
  assigned.changed();
}
