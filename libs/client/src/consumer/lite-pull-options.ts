import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import { sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import {
  aFunction,
  anObject,
  clientOptionTable,
  type ClientOptions,
  type Duration,
} from '../client-options.js';
import { traceOptionTable, type TraceOptions } from '../trace/trace-options.js';
import type { AllocationStrategy } from './allocation/strategy.js';
import {
  consumeFromOption,
  subscriptionsOption,
  type ConsumeFrom,
  type Subscription,
} from './consumer-options.js';
import { flowControlTable, type FlowControlOptions } from './flow-control.js';
import { offsetKeepingTable, type OffsetKeepingOptions } from './offset-options.js';
import { hookTable, type AssignmentListener, type HookOptions } from './hook-options.js';
import { heldPullTable } from './pull-consumer-options.js';

/**
 * Options of a lite pull consumer. Times are durations; defaults in brackets. Names and defaults
 * are those of Java's DefaultLitePullConsumer unless another name of it is given.
 */
export interface LitePullConsumerOptions
  extends
    ClientOptions,
    SharedInstance,
    OffsetKeepingOptions,
    FlowControlOptions,
    HookOptions,
    TraceOptions {
  /** The consumer group. Java: consumerGroup. */
  readonly group: string;
  /** Topics whose queues are shared out in the group; `subscribe` does the same later. */
  readonly subscriptions?: readonly Subscription[];
  /** `clustering` [default]: the group shares the messages; `broadcasting`: every member gets all. Java: messageModel. */
  readonly model?: 'clustering' | 'broadcasting';
  /** Where a group without stored offset starts [`last`]. Java: consumeFromWhere, consumeTimestamp. */
  readonly from?: ConsumeFrom;
  /** How queues are shared out; the same for all members [averagely]. Java: allocateMessageQueueStrategy. */
  readonly strategy?: AllocationStrategy;
  /** Told after each change of the share. Java: messageQueueListener. */
  readonly messageQueueListener?: AssignmentListener;
  /** Commits by itself what was polled before the last poll [true]. */
  readonly autoCommit?: boolean;
  /** How often it does so; at least 1s, as in Java [5s]. Java: autoCommitIntervalMillis. */
  readonly autoCommitInterval?: Duration;
  /** Messages per pull at most, and so per batch [10]. */
  readonly pullBatchSize?: number;
  /** Messages of all queues together waiting to be polled before pulling pauses [10000]. */
  readonly pullThresholdForAll?: number;
  /** Distance of offsets in hand of one queue before pulling pauses [2000]. */
  readonly consumeMaxSpan?: number;
  /** How long `poll` waits for messages [5s]. Java: pollTimeoutMillis. */
  readonly pollTimeout?: Duration;
  /** How long a broker may hold a pull that finds nothing [20s]. Java: brokerSuspendMaxTimeMillis. */
  readonly pullSuspend?: Duration;
  /** Time for a pull; not below `pullSuspend` [30s]. Java: consumerTimeoutMillisWhenSuspend. */
  readonly pullSuspendTimeout?: Duration;
  /** Pause after a failed pull [1s]. Java: pullTimeDelayMillsWhenException. */
  readonly pullRetryDelay?: Duration;
  /** How often the queues of watched topics are compared [30s]. Java: topicMetadataCheckIntervalMillis. */
  readonly topicMetadataCheckInterval?: Duration;
  /** How often queues are shared out again without a notice [20s]. Java: rocketmq.client.rebalance.waitInterval. */
  readonly rebalanceInterval?: Duration;
}

const span = (meaning: string, fallback: number, min = 1) =>
  option.duration({ meaning, default: fallback, min });

const count = (meaning: string, fallback: number, max: number) =>
  option.integer({ meaning, default: fallback, min: 1, max });

/** Declarations behind `LitePullConsumerOptions`. */
export const litePullConsumerOptionTable = {
  ...clientOptionTable,
  ...offsetKeepingTable,
  ...flowControlTable,
  ...heldPullTable,
  ...hookTable,
  ...traceOptionTable,
  instance: sharedInstanceOption,
  group: option.text({ meaning: 'The consumer group.', required: true }),
  subscriptions: subscriptionsOption(false),
  model: option.choice(['clustering', 'broadcasting'], {
    meaning: 'The group shares the messages, or every member gets all.',
    default: 'clustering',
  }),
  from: consumeFromOption,
  strategy: anObject('How queues are shared out.'),
  messageQueueListener: aFunction('Told after each change of the share.'),
  autoCommit: option.boolean({
    meaning: 'Commits by itself what was polled before the last poll.',
    default: true,
  }),
  autoCommitInterval: span('How often it commits by itself.', 5_000, 1_000),
  pullBatchSize: count('Messages per pull, and so per batch, at most.', 10, 1024),
  pullThresholdForAll: count('Messages waiting to be polled, of all queues.', 10_000, 6_553_500),
  consumeMaxSpan: count('Distance of offsets in hand of one queue.', 2000, 65_535),
  pollTimeout: span('How long a poll waits for messages.', 5_000, 0),
  pullRetryDelay: span('Pause after a failed pull.', 1_000),
  topicMetadataCheckInterval: span('How often queues of watched topics are compared.', 30_000),
  rebalanceInterval: span('How often queues are shared out again.', 20_000),
};

export const litePullConsumerOptionSet = defineOptions(
  'lite pull consumer',
  litePullConsumerOptionTable,
);
export type LitePullConsumerSettings = OptionValues<typeof litePullConsumerOptionTable>;
