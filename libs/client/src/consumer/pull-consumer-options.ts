import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import { clientOptionTable, type ClientOptions, type Duration } from '../client-options.js';
import { ClientConfigurationError } from '../client.errors.js';
import { offsetKeepingTable, type OffsetKeepingOptions } from './offset-options.js';

/** What came of a pull. Java: PullStatus. */
export type PullStatus =
  /** There are messages. Java: FOUND. */
  | 'found'
  /** Nothing stands at the offset yet. Java: NO_NEW_MSG. */
  | 'no-new-message'
  /** What stands there is not wanted; go on at `nextOffset`. Java: NO_MATCHED_MSG. */
  | 'no-matched-message'
  /** The offset lies outside of the queue; go on at `nextOffset`. Java: OFFSET_ILLEGAL. */
  | 'offset-illegal';

/** The answer to one pull. Java: PullResult. */
export interface PullResult {
  readonly status: PullStatus;
  /** In the order of their offsets; empty unless `found` (and then, too, when no tag is wanted). */
  readonly messages: readonly StoredMessage[];
  /** Where the next pull begins. Java: nextBeginOffset. */
  readonly nextOffset: number;
  /** The first message still in the queue. */
  readonly minOffset: number;
  /** One past the last message of the queue. */
  readonly maxOffset: number;
}

/**
 * Options of a plain pull consumer. Times are durations; defaults in brackets. Java:
 * DefaultMQPullConsumer.
 */
export interface PullConsumerOptions extends ClientOptions, SharedInstance, OffsetKeepingOptions {
  /** The consumer group, under which offsets are kept. Java: consumerGroup. */
  readonly group: string;
  /** Whose offsets: `clustering` [default], the group's at the brokers; `broadcasting`, a file's. */
  readonly model?: 'clustering' | 'broadcasting';
  /** How long a broker may hold a blocking pull [20s]. Java: brokerSuspendMaxTimeMillis. */
  readonly pullSuspend?: Duration;
  /** Time for a blocking pull; not below `pullSuspend` [30s]. Java: consumerTimeoutMillisWhenSuspend. */
  readonly pullSuspendTimeout?: Duration;
  /** Time for a pull that does not block [10s]. Java: consumerPullTimeoutMillis. */
  readonly pullTimeout?: Duration;
}

const span = (meaning: string, fallback: number) =>
  option.duration({ meaning, default: fallback, min: 1 });

/** Those of the options that lite pull consumers have as well. */
export const heldPullTable = {
  pullSuspend: span('How long a broker may hold a pull that finds nothing.', 20_000),
  pullSuspendTimeout: span('Time for a pull that may be held; not below pullSuspend.', 30_000),
};

/** Declarations behind `PullConsumerOptions`. */
export const pullConsumerOptionTable = {
  ...clientOptionTable,
  ...offsetKeepingTable,
  ...heldPullTable,
  instance: sharedInstanceOption,
  group: option.text({ meaning: 'The consumer group.', required: true }),
  model: option.choice(['clustering', 'broadcasting'], {
    meaning: "Whose offsets: the group's at the brokers, or those of a file.",
    default: 'clustering',
  }),
  pullTimeout: span('Time for a pull that does not block.', 10_000),
};

export const pullConsumerOptionSet = defineOptions('pull consumer', pullConsumerOptionTable);
export type PullConsumerSettings = OptionValues<typeof pullConsumerOptionTable>;

/** Throws when brokers would hold pulls longer than the client waits for them. */
export function checkHeldPulls(settings: {
  readonly pullSuspend: number;
  readonly pullSuspendTimeout: number;
}): void {
  const { pullSuspend, pullSuspendTimeout } = settings;
  if (pullSuspendTimeout >= pullSuspend) return;
  throw new ClientConfigurationError(
    "The option 'pullSuspendTimeout' must not be below 'pullSuspend': pulls would count as failed " +
      'while brokers still hold them.',
    { details: { pullSuspend, pullSuspendTimeout } },
  );
}
