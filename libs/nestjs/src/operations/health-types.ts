import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { Duration } from '../options/duration.js';

/** What a check asks for. */
export interface HealthOptions {
  /** Only these connections. Default: all. */
  readonly connections?: readonly string[];
  /** How long the servers may take to answer. Default 3s. */
  readonly timeout?: Duration;
  /** More messages than this waiting for a group make it not ready. Default: no limit. */
  readonly maxLag?: number;
  /** A queue without a pull for longer makes the application not alive. Default 2m. */
  readonly maxPullAge?: Duration;
  /** A subscribed topic that no name server knows makes the group not ready. Default false. */
  readonly requireRoutes?: boolean;
  /**
   * Ask the outbox of the consistency toolkit, where there is one: one query to its database. Default
   * true.
   */
  readonly outbox?: boolean;
  /** A message waiting in the outbox for longer makes it not ready. Default: no limit. */
  readonly maxOutboxAge?: Duration;
}

/** `HealthOptions` with their defaults. */
export const healthOptions = defineOptions('health check', {
  connections: option.list({ meaning: 'Only these connections; all by default.' }),
  timeout: option.duration({
    meaning: 'How long the servers may take to answer.',
    default: 3_000,
    min: 1,
  }),
  maxLag: option.integer({
    meaning: 'More messages than this waiting for a group make it not ready.',
    min: 0,
  }),
  maxPullAge: option.duration({
    meaning: 'A queue without a pull for longer makes the application not alive.',
    default: 120_000,
    min: 1_000,
  }),
  requireRoutes: option.boolean({
    meaning: 'A subscribed topic that no name server knows makes the group not ready.',
    default: false,
  }),
  outbox: option.boolean({
    meaning: 'Ask the outbox, where there is one: one query to its database.',
    default: true,
  }),
  maxOutboxAge: option.duration({
    meaning: 'A message waiting in the outbox for longer makes it not ready.',
    min: 1,
  }),
});

/** A consumer group of this application. */
export interface GroupHealth {
  readonly status: 'up' | 'down';
  /** Why it is not ready. */
  readonly problem?: string;
  readonly isPaused: boolean;
  /** Whether the name servers know each topic, as far as was heard. */
  readonly routes: Readonly<Record<string, boolean>>;
  readonly assignedQueues: number;
  /** Messages in the assigned queues that are not finished; -1: not known yet. */
  readonly lag: number;
  /** Messages fetched and not finished. */
  readonly held: number;
  /** ms since the queue longest without a pull was pulled; -1: none was yet. */
  readonly lastPullAge: number;
}

/** A connection of this application. */
export interface ConnectionHealth {
  readonly status: 'up' | 'down';
  /** Why it is not ready. */
  readonly problem?: string;
  /** Brokers by name: whether they take a connection. */
  readonly brokers: Readonly<Record<string, boolean>>;
  /** The groups of its producers. */
  readonly producers: readonly string[];
  readonly groups: Readonly<Record<string, GroupHealth>>;
}

/** The outbox of this application. */
export interface OutboxHealth {
  readonly status: 'up' | 'down';
  /** Why it is not ready. */
  readonly problem?: string;
  /** Messages that wait to be sent; -1: not known. */
  readonly waiting: number;
  /** Messages that are not tried any more; -1: not known. They do not make it down. */
  readonly poisoned: number;
  /** Age of the oldest waiting message in ms; -1: none waits, or not known. */
  readonly oldestAge: number;
}

/** How an application and its servers are. */
export interface RocketMQHealth {
  /** It can send and consume: servers answer, every group is fit. */
  readonly isReady: boolean;
  /** It is not wedged: a restart would not help. */
  readonly isAlive: boolean;
  /** What stands against `isReady` and `isAlive`, in sentences. */
  readonly problems: readonly string[];
  readonly connections: Readonly<Record<string, ConnectionHealth>>;
  /** Absent where there is no outbox, or it was not asked. */
  readonly outbox?: OutboxHealth;
}

/** What Terminus takes: `{ [key]: { status, ... } }`. */
export type HealthResult<Key extends string = string> = Record<
  Key,
  { readonly status: 'up' | 'down' } & Record<string, unknown>
>;
