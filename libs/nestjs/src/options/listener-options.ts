import type { Type } from '@nestjs/common';
import type { Duration } from './duration.js';
import type { Setting } from './setting.js';

export type ConsumeMode = 'concurrent' | 'orderly';
export type ConsumeModel = 'clustering' | 'broadcasting';
/** Where a group without a position starts: the newest message, the oldest, or a moment (ms). */
export type ConsumeFrom = 'last' | 'first' | { readonly timestamp: number };
/** What happens to a message that cannot be read or fails validation. */
export type InvalidMessagePolicy = 'dead-letter' | 'retry' | 'skip';

/** How listeners consume; `consumer` of the module options gives defaults for all of them. */
export interface ConsumeOptions {
  /** The consumer group. Java: consumerGroup. */
  readonly group?: Setting<string>;
  /** `concurrent` (default), or `orderly`: one message of a queue at a time, in order. */
  readonly mode?: Setting<ConsumeMode>;
  /** `clustering` (default): the group shares the messages; `broadcasting`: each member gets all. */
  readonly model?: Setting<ConsumeModel>;
  /** How many handlers of the listener run at once. Default 20. */
  readonly concurrency?: Setting<number>;
  /** Given, the handler gets arrays of up to so many messages. */
  readonly batch?: Setting<number>;
  /** How many messages one pull asks for. Default 32. */
  readonly pullBatchSize?: Setting<number>;
  /**
   * How often a message may come again before it goes to the dead letters. Default -1: 16 times
   * when concurrent, without end when orderly.
   */
  readonly maxReconsumeTimes?: Setting<number>;
  /** How long a handler may take before its signal fires and the message comes back. Default 15m. */
  readonly consumeTimeout?: Setting<Duration>;
  /** Where a new group starts. Default `last`. */
  readonly from?: ConsumeFrom | Setting<'last' | 'first'>;
  /** Delay level of a failed message, 0 (default): the broker's ladder by number of tries. */
  readonly retryDelayLevel?: Setting<number>;
  /** How long an orderly queue rests after a failure. Default 1s. */
  readonly suspend?: Setting<Duration>;
  /** How long a stop waits for the handlers in hand. Default 30s. */
  readonly shutdownTimeout?: Setting<Duration>;
  /**
   * Folder where a broadcasting listener keeps how far it has read; one for each application on a
   * machine. Default `~/.nestjs-rocketmq/offsets`.
   */
  readonly offsetDirectory?: Setting<string>;
  /** False: the listener is not started. */
  readonly enabled?: Setting<boolean>;
  /** Messages that cannot be decoded or fail validation. Default `dead-letter`. */
  readonly onInvalid?: InvalidMessagePolicy;
  /**
   * Says which errors will not go away by trying again, so that their messages go the way of
   * `onInvalid`. Default: HTTP exceptions 400 and 422, which Nest's validation pipes throw.
   */
  readonly nonRetryable?: (error: unknown) => boolean;
}

/** A topic, several, or a map of topic to tag expression (`'paid || cancelled'`, `'*'`). */
export type ListenerTopic =
  | Setting<string>
  | readonly Setting<string>[]
  | Readonly<Record<string, Setting<string> | readonly string[]>>;

/** Options of `@RocketMQListener`. */
export interface RocketMQListenerOptions extends ConsumeOptions {
  readonly topic: ListenerTopic;
  /** Tags wanted: `'placed || paid'`, an array, or `'*'` (default). Not beside a topic map. */
  readonly tags?: Setting<string> | readonly string[];
  /**
   * An SQL92 filter over properties instead of tags, such as `"amount > 5 AND region = 'eu'"`, for
   * every topic. The broker needs `enablePropertyFilter=true`.
   */
  readonly sql?: Setting<string>;
  /** Name of a connection in the module options. Default: the one of `nameServers`. */
  readonly connection?: string;
  /** Name in logs and in the registry. Default `Class.method`. */
  readonly id?: string;
  /** Class of the payload for validation, where the compiler cannot tell (class form). */
  readonly payloadType?: Type<unknown>;
}
