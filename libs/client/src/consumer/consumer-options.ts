import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import { checkTopic, type MessageQueue, type StoredMessage } from '@nestjs-rocketmq/message';
import { sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import {
  aFunction,
  anObject,
  clientOptionTable,
  type ClientOptions,
  type Duration,
} from '../client-options.js';
import { ClientConfigurationError } from '../client.errors.js';
import { subscriptionOf, type TopicSubscription } from '../subscription.js';
import { traceOptionTable, type TraceOptions } from '../trace/trace-options.js';
import type { AllocationStrategy } from './allocation/strategy.js';
import { flowControlTable, type FlowControlOptions } from './flow-control.js';
import { hookTable, type AssignmentListener, type HookOptions } from './hook-options.js';
import { offsetKeepingTable, type OffsetKeepingOptions } from './offset-options.js';

/** One topic and what of it is wanted. */
export interface Subscription {
  readonly topic: string;
  /** Tags: `*` (default) for all, or `a || b`. */
  readonly expression?: string;
  /** An SQL92 filter over properties instead of tags; the broker needs `enablePropertyFilter`. */
  readonly sql?: string;
}

/** What becomes of the messages that a listener got. A thrown error means `retry`. */
export type ConsumeVerdict =
  /** Done. In concurrent mode messages after `context.ackIndex` are retried. */
  | { readonly kind: 'success' }
  /**
   * Again later. `delayLevel` 1 to 18; without it, or with 0, the delay grows with each attempt.
   * Orderly: the queue waits `suspendMs` instead, by default `suspendCurrentQueueTime`.
   */
  | { readonly kind: 'retry'; readonly delayLevel?: number; readonly suspendMs?: number }
  /** To the dead letters (`%DLQ%group`) at once. */
  | { readonly kind: 'dead-letter'; readonly reason?: string }
  /** Orderly only: the same messages again after `ms`, the queue waits. */
  | { readonly kind: 'suspend'; readonly ms?: number }
  /**
   * Orderly with `context.autoCommit = false`: done, and everything that was answered with `success`
   * since the last commit as well. Elsewhere like `success`.
   */
  | { readonly kind: 'commit' }
  /**
   * Orderly with `context.autoCommit = false`: everything since the last commit again, after `ms`.
   * Elsewhere like `suspend`.
   */
  | { readonly kind: 'rollback'; readonly ms?: number };

/** What a listener learns besides the messages. */
export interface ConsumeContext {
  readonly queue: MessageQueue;
  /** Aborted when the consume time-out is over or the consumer gives up at close. */
  readonly signal: AbortSignal;
  /** The consume time-out is over; in concurrent mode the answer does not count any more. */
  readonly isTimedOut: boolean;
  /** Set it to the index of the last good message of a batch; those after it are retried. */
  ackIndex: number;
  /** Delay level for what is retried: 0 grows with each attempt, 1 to 18 fixed, -1 dead letters. */
  delayLevel: number;
  /**
   * Orderly: set it to false so that `success` is not stored before a `commit`, and a `rollback`
   * brings everything since the last commit again.
   */
  autoCommit: boolean;
}

/** A verdict for all messages of the call, or one for each of them in their order. */
export type ConsumeVerdicts = ConsumeVerdict | readonly ConsumeVerdict[];

export type MessageListener = (
  messages: StoredMessage[],
  context: ConsumeContext,
) => Promise<ConsumeVerdicts> | ConsumeVerdicts;

/** Where a group without stored offset starts. */
export type ConsumeFrom = 'last' | 'first' | { readonly timestamp: number | Date };

/** Options of a push consumer. Times are durations; defaults in brackets. */
export interface PushConsumerOptions
  extends
    ClientOptions,
    SharedInstance,
    OffsetKeepingOptions,
    FlowControlOptions,
    HookOptions,
    TraceOptions {
  /** The consumer group. Java: consumerGroup. */
  readonly group: string;
  readonly subscriptions: readonly Subscription[];
  readonly listener: MessageListener;
  /** `concurrent` [default]: many at once; `orderly`: each queue in order, under the broker's lock. */
  readonly mode?: 'concurrent' | 'orderly';
  /** `clustering` [default]: the group shares the messages; `broadcasting`: every member gets all. */
  readonly model?: 'clustering' | 'broadcasting';
  /** Where a group without stored offset starts [`last`]. Java: consumeFromWhere. */
  readonly from?: ConsumeFrom;
  /** Listener calls at once [20]. Java: consumeThreadMin and consumeThreadMax. */
  readonly concurrency?: number;
  /** Messages per listener call at most [1]. Java: consumeMessageBatchMaxSize. */
  readonly batch?: number;
  /** How long a call waits, from its first message on, for the rest of a `batch` of its queue [0]. */
  readonly batchWait?: Duration;
  /** Messages per pull at most [32]. */
  readonly pullBatchSize?: number;
  /** Bytes per pull at most, 5.x brokers only [262144]. Java: pullBatchSizeInBytes. */
  readonly pullBatchBytes?: number;
  /** Pause between two pulls that found messages [0]. */
  readonly pullInterval?: Duration;
  /** Pause after a failed pull [1s]. Java: pullTimeDelayMillsWhenException. */
  readonly pullRetryDelay?: Duration;
  /** How long a broker may hold a pull that finds nothing [15s]. */
  readonly pullSuspend?: Duration;
  /** Concurrent: distance of offsets in hand before pulling pauses [2000]. */
  readonly consumeConcurrentlyMaxSpan?: number;
  /** Attempts before a message goes to the dead letters; -1: 16 concurrent, without end orderly [-1]. */
  readonly maxReconsumeTimes?: number;
  /** Listener time before its signal is aborted (concurrent: and the message sent back) [15m]. */
  readonly consumeTimeout?: Duration;
  /** Orderly: pause of a queue before a failed message is tried again [1s]. */
  readonly suspendCurrentQueueTime?: Duration;
  /** How often queues are shared out again without a notice [20s]. */
  readonly rebalanceInterval?: Duration;
  /** Orderly: how often queue locks are renewed [20s]. */
  readonly lockInterval?: Duration;
  /** How queues are shared out; the same for all members of a group [averagely]. */
  readonly strategy?: AllocationStrategy;
  /** Told after each change of the share. Java: messageQueueListener. */
  readonly messageQueueListener?: AssignmentListener;
}

const isTime = (value: unknown): boolean =>
  (typeof value === 'number' && Number.isFinite(value)) ||
  (value instanceof Date && !Number.isNaN(value.getTime()));

function isFrom(value: unknown): boolean {
  if (value === 'last' || value === 'first') return true;
  if (typeof value !== 'object' || value === null) return false;
  return 'timestamp' in value && isTime(value.timestamp);
}

function isSubscriptionList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.every((item: unknown) => {
    if (typeof item !== 'object' || item === null) return false;
    const { topic, expression, sql } = item as Record<keyof Subscription, unknown>;
    const isText = typeof (sql ?? expression ?? '') === 'string';
    const isOne = sql === undefined || expression === undefined;
    return typeof topic === 'string' && isText && isOne;
  });
}

const must =
  "must be a list such as [{ topic: 'orders', expression: 'a || b' }] or with sql: 'a > 5'";

/** The option for topics and their filters; required, it must name one. */
export const subscriptionsOption = (required: boolean) =>
  option.object<readonly Subscription[]>({
    meaning: 'The topics and, for each, the tags or the SQL92 filter wanted.',
    required,
    is: (value) => isSubscriptionList(value) && (!required || (value as unknown[]).length > 0),
    must,
  });

export const consumeFromOption = option.object<ConsumeFrom>({
  meaning: 'Where a group without stored offset starts.',
  default: 'last',
  is: isFrom,
  must: "must be 'last', 'first' or { timestamp: milliseconds or Date }",
});

/** By topic. Throws when a topic is there twice or a filter is wrong. */
export function subscriptionsOf(
  wishes: readonly Subscription[],
  group: string,
  version: number,
): Map<string, TopicSubscription> {
  const all = new Map<string, TopicSubscription>();
  for (const { topic, expression = '*', sql } of wishes) {
    checkTopic(topic);
    if (all.has(topic)) {
      throw new ClientConfigurationError(
        `Topic '${topic}' is subscribed twice in group '${group}'; ` +
          "join the tags in one expression such as 'a || b'.",
        { details: { topic, group } },
      );
    }
    all.set(topic, subscriptionOf(topic, sql === undefined ? expression : { sql }, version));
  }
  return all;
}

/** Whole numbers with Java's bounds. */
const count = (meaning: string, fallback: number, min: number, max: number) =>
  option.integer({ meaning, default: fallback, min, max });

const span = (meaning: string, fallback: number, min = 1) =>
  option.duration({ meaning, default: fallback, min });

/** Declarations behind `PushConsumerOptions`. */
export const pushConsumerOptionTable = {
  ...clientOptionTable,
  ...offsetKeepingTable,
  ...flowControlTable,
  ...hookTable,
  ...traceOptionTable,
  instance: sharedInstanceOption,
  group: option.text({ meaning: 'The consumer group.', required: true }),
  subscriptions: subscriptionsOption(true),
  listener: aFunction('Called with messages; answers what becomes of them.', true),
  mode: option.choice(['concurrent', 'orderly'], {
    meaning: 'Many messages at once, or each queue in order.',
    default: 'concurrent',
  }),
  model: option.choice(['clustering', 'broadcasting'], {
    meaning: 'The group shares the messages, or every member gets all.',
    default: 'clustering',
  }),
  from: consumeFromOption,
  concurrency: count('Listener calls at once.', 20, 1, 1000),
  batch: count('Messages per listener call at most.', 1, 1, 1024),
  batchWait: span('How long a call waits for the rest of a batch.', 0, 0),
  pullBatchSize: count('Messages per pull at most.', 32, 1, 1024),
  pullBatchBytes: count('Bytes per pull at most (5.x brokers).', 256 * 1024, 1, 2 ** 31 - 1),
  pullInterval: span('Pause between two pulls that found messages.', 0, 0),
  pullRetryDelay: span('Pause after a failed pull.', 1_000),
  pullSuspend: span('How long a broker may hold a pull that finds nothing.', 15_000),
  consumeConcurrentlyMaxSpan: count('Distance of offsets in hand.', 2000, 1, 65_535),
  maxReconsumeTimes: count('Attempts before the dead letters; -1 default.', -1, -1, 2 ** 31 - 1),
  consumeTimeout: span('Listener time before its signal is aborted.', 15 * 60_000),
  suspendCurrentQueueTime: span('Orderly: pause before a failed message is tried again.', 1_000),
  rebalanceInterval: span('How often queues are shared out again.', 20_000),
  lockInterval: span('Orderly: how often queue locks are renewed.', 20_000),
  strategy: anObject('How queues are shared out.'),
  messageQueueListener: aFunction('Told after each change of the share.'),
};

export const pushConsumerOptionSet = defineOptions('push consumer', pushConsumerOptionTable);
export type PushConsumerSettings = OptionValues<typeof pushConsumerOptionTable>;
