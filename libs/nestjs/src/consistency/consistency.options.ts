import type { ModuleMetadata, Type } from '@nestjs/common';
import { defineOptions, option, OptionsError } from '@nestjs-rocketmq/foundation';
import type { Duration } from '../options/duration.js';
import { ConsistencySetupError } from './consistency.errors.js';
import type { ConsistencyStorage } from './storage/consistency-storage.js';

/** How the outbox is emptied. Times are milliseconds or texts such as `'30s'`. */
export interface OutboxRelayOptions {
  /** Whether this process runs a relay. Default true; with false another process must. */
  readonly relay?: boolean;
  /** Name of the connection whose template sends. Default: the default connection. */
  readonly connection?: string;
  /** Pause after a round that found nothing. Default 500ms. */
  readonly pollInterval?: Duration;
  /** How many order keys one round takes. Default 100. */
  readonly keys?: number;
  /** How many messages of one order key a round takes. Default 20. */
  readonly perKey?: number;
  /** How many order keys are sent at once. Default 8. */
  readonly concurrency?: number;
  /** Time for one send. Default 3s. */
  readonly sendTimeout?: Duration;
  /** How long a relay has messages for itself; another takes them afterwards. Default 30s. */
  readonly lease?: Duration;
  /** Pause after the first failure of a message; doubles with every further one. Default 1s. */
  readonly retryDelay?: Duration;
  /** The longest such pause. Default 1m. */
  readonly maxRetryDelay?: Duration;
  /** Failures after which a message is poisoned: not tried any more. Default 20. */
  readonly maxAttempts?: number;
  /**
   * What a poisoned message does to the later ones of its order key: `hold` keeps them back (the
   * order is kept), `skip` lets them go. Other keys go on in either case. Default `hold`.
   */
  readonly onPoisoned?: 'hold' | 'skip';
  /** How long the application's close waits for the round in hand. Default 10s. */
  readonly stopTimeout?: Duration;
}

/** How long the tables remember. */
export interface RetentionOptions {
  /**
   * How long a done key is known. Longer than any message may come again: the 16 retries take
   * 4 h 46 m, dead letters and resets of offsets as long as messages are kept. Default 7d.
   */
  readonly idempotency?: Duration;
  /** How long the decisions of the fence are known. Default 7d. */
  readonly fence?: Duration;
  /** How often old rows are looked for. Default 10m. */
  readonly interval?: Duration;
  /** How many rows one statement removes. Default 1000. */
  readonly limit?: number;
}

/** Options of `RocketMQConsistencyModule.forRoot`. */
export interface RocketMQConsistencyOptions<Tx = unknown> {
  /** Where the tables are: `typeOrmStorage(dataSource)`, `pgStorage(pool)` or one of your own. */
  readonly storage: ConsistencyStorage<Tx>;
  /** Whether the tables are made or brought up to date at the start. Default false. */
  readonly migrate?: boolean;
  /** How long a local transaction may take before a check-back rules it out. Default 10s. */
  readonly localDeadline?: Duration;
  readonly outbox?: OutboxRelayOptions;
  readonly retention?: RetentionOptions;
}

/** Makes the options; the class form of `forRootAsync`. */
export interface RocketMQConsistencyOptionsFactory {
  createConsistencyOptions(): RocketMQConsistencyOptions | Promise<RocketMQConsistencyOptions>;
}

/** Options of `RocketMQConsistencyModule.forRootAsync`: one of the three `use...`. */
export interface RocketMQConsistencyAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: readonly unknown[];
  readonly useFactory?: (
    ...args: never[]
  ) => RocketMQConsistencyOptions | Promise<RocketMQConsistencyOptions>;
  readonly useClass?: Type<RocketMQConsistencyOptionsFactory>;
  readonly useExisting?: Type<RocketMQConsistencyOptionsFactory>;
}

const isStorage = (value: unknown): boolean =>
  typeof (value as Partial<ConsistencyStorage> | null)?.claim === 'function';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** `RocketMQConsistencyModule.forRoot`. */
export const consistencyOptions = defineOptions('RocketMQConsistencyModule', {
  storage: option.object<ConsistencyStorage>({
    meaning: 'Where the tables are: typeOrmStorage(dataSource), pgStorage(pool) or your own.',
    required: true,
    is: isStorage,
    must: 'must be a ConsistencyStorage, such as typeOrmStorage(dataSource) or pgStorage(pool)',
  }),
  migrate: option.boolean({
    meaning: 'Whether the tables are made or brought up to date at the start.',
    default: false,
  }),
  localDeadline: option.duration({
    meaning: 'How long a local transaction may take before a check-back rules it out.',
    default: 10_000,
    min: 1,
  }),
  outbox: option.object<OutboxRelayOptions>({
    meaning: 'How the outbox is emptied.',
    default: {},
    is: isObject,
    must: 'must be an object',
  }),
  retention: option.object<RetentionOptions>({
    meaning: 'How long the tables remember.',
    default: {},
    is: isObject,
    must: 'must be an object',
  }),
});

/** `outbox` of the consistency module. */
export const outboxOptions = defineOptions('RocketMQConsistencyModule outbox', {
  relay: option.boolean({ meaning: 'Whether this process runs a relay.', default: true }),
  connection: option.text({ meaning: 'The connection whose template sends.', default: 'default' }),
  pollInterval: option.duration({
    meaning: 'Pause after a round that found nothing.',
    default: 500,
    min: 1,
  }),
  keys: option.integer({
    meaning: 'How many order keys one round takes.',
    default: 100,
    min: 1,
    max: 10_000,
  }),
  perKey: option.integer({
    meaning: 'How many messages of one order key a round takes.',
    default: 20,
    min: 1,
    max: 1_000,
  }),
  concurrency: option.integer({
    meaning: 'How many order keys are sent at once.',
    default: 8,
    min: 1,
    max: 1_000,
  }),
  sendTimeout: option.duration({ meaning: 'Time for one send.', default: 3_000, min: 1 }),
  lease: option.duration({
    meaning: 'How long a relay has messages for itself; another takes them afterwards.',
    default: 30_000,
    min: 1,
  }),
  retryDelay: option.duration({
    meaning: 'Pause after the first failure of a message; doubles with every further one.',
    default: 1_000,
    min: 0,
  }),
  maxRetryDelay: option.duration({ meaning: 'The longest such pause.', default: 60_000, min: 0 }),
  maxAttempts: option.integer({
    meaning: 'Failures after which a message is poisoned: not tried any more.',
    default: 20,
    min: 1,
  }),
  onPoisoned: option.choice(['hold', 'skip'], {
    meaning: 'Whether a poisoned message holds back the later ones of its order key.',
    default: 'hold',
  }),
  stopTimeout: option.duration({
    meaning: "How long the application's close waits for the round in hand.",
    default: 10_000,
    min: 0,
  }),
});

/** `retention` of the consistency module. */
export const retentionOptions = defineOptions('RocketMQConsistencyModule retention', {
  idempotency: option.duration({
    meaning: 'How long a done key is known; longer than any message may come again.',
    default: 7 * 24 * 3_600_000,
    min: 1,
  }),
  fence: option.duration({
    meaning: 'How long the decisions of the fence are known.',
    default: 7 * 24 * 3_600_000,
    min: 1,
  }),
  interval: option.duration({
    meaning: 'How often old rows are looked for.',
    default: 600_000,
    min: 1,
  }),
  limit: option.integer({
    meaning: 'How many rows one statement removes.',
    default: 1_000,
    min: 1,
    max: 100_000,
  }),
});

/** How the outbox is emptied, with its defaults; times in milliseconds. */
export type OutboxSettings = ReturnType<typeof outboxOptions.load>;

/** The options, checked and with their defaults; times in milliseconds. */
export interface ConsistencySettings {
  readonly storage: ConsistencyStorage;
  readonly migrate: boolean;
  readonly localDeadline: number;
  readonly outbox: OutboxSettings;
  readonly retention: ReturnType<typeof retentionOptions.load>;
}

/** Throws `ConsistencySetupError` with everything that is wrong. */
export function readConsistencyOptions(given: RocketMQConsistencyOptions): ConsistencySettings {
  const problems: string[] = [];
  const read = <V>(load: () => V): V | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const values = read(() => consistencyOptions.load({ ...given }));
  const outbox = read(() => outboxOptions.load({ ...given.outbox }));
  const retention = read(() => retentionOptions.load({ ...given.retention }));
  if (outbox !== undefined && outbox.lease < 2 * outbox.sendTimeout) {
    problems.push(
      `RocketMQConsistencyModule outbox: 'lease' (${outbox.lease} ms) must be at least twice ` +
        `'sendTimeout' (${outbox.sendTimeout} ms), or messages would be sent by two relays at once`,
    );
  }
  if (
    values === undefined ||
    outbox === undefined ||
    retention === undefined ||
    problems.length > 0
  ) {
    throw new ConsistencySetupError(problems.join('\n'), { details: { problems } });
  }
  return { ...values, outbox, retention };
}
