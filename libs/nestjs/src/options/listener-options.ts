import type { MessageConverter } from '../converter/message-converter.js';
import type { Type } from '@nestjs/common';
import type { AllocationStrategy, PushConsumerOptions } from '@nestjs-rocketmq/client';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { StandardSchema } from '../decorators/standard-schema.js';
import type { EnhancerKind } from '../listener/message-enhancers.js';
import type { Duration } from './duration.js';
import type { Setting, SettingSource } from './setting.js';

export type ConsumeMode = 'concurrent' | 'orderly';
export type ConsumeModel = 'clustering' | 'broadcasting';
/** Where a group without a position starts: the newest message, the oldest, or a moment (ms, Date). */
export type ConsumeFrom = 'last' | 'first' | { readonly timestamp: number | Date };
/** What happens to a message that cannot be read or fails validation. */
export type InvalidMessagePolicy = 'dead-letter' | 'retry' | 'skip';

/**
 * A value for every failure (placeholders are looked up at start), or a function that is asked at
 * each failure.
 */
export type FailureSetting<T> = T | string | ((context: RocketMQContext, error: unknown) => T);

/** How a handler gets several messages in one call. */
export interface ListenerBatch {
  /** The most messages of one call, 1 to 1024. */
  readonly maxSize: Setting<number>;
  /**
   * How long a call waits, from its first message on, for more of the same queue. Default 0: what
   * one pull brought is a batch.
   */
  readonly maxWait?: Setting<Duration>;
}

/** Whether messages of a listener are traced, and where to. */
export interface ListenerTrace {
  /** The trace topic. Default `RMQ_SYS_TRACE_TOPIC`. */
  readonly topic: Setting<string>;
}

/** Told of an error of a handler; `context` has the message, or the batch. */
export type ListenerErrorHook = (error: unknown, context: RocketMQContext) => unknown;

/** Told that the message of `context` goes to the dead letters, and why; `error` when one was thrown. */
export type DeadLetterHook = (context: RocketMQContext, reason: string, error?: unknown) => unknown;

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
  /** Given, the handler gets arrays of up to so many messages, all of one queue. */
  readonly batch?: Setting<number> | ListenerBatch;
  /** How many messages one pull asks for. Default 32. */
  readonly pullBatchSize?: Setting<number>;
  /** How many bytes one pull asks for (5.x brokers). Default 256 KiB. */
  readonly pullBatchBytes?: Setting<number>;
  /** Pause between two pulls that found messages. Default 0. */
  readonly pullInterval?: Setting<Duration>;
  /** Messages held per queue before pulling pauses. Default 1000. */
  readonly pullThresholdForQueue?: Setting<number>;
  /** MiB held per queue before pulling pauses. Default 100. */
  readonly pullThresholdSizeForQueue?: Setting<number>;
  /** Messages held per topic, shared out over its queues here. Default -1: none. */
  readonly pullThresholdForTopic?: Setting<number>;
  /** MiB held per topic, shared out over its queues here. Default -1: none. */
  readonly pullThresholdSizeForTopic?: Setting<number>;
  /** Concurrent: distance of offsets in hand before pulling pauses. Default 2000. */
  readonly consumeConcurrentlyMaxSpan?: Setting<number>;
  /** How queues are shared out; the same for all members of a group. Default `averagely`. */
  readonly strategy?: AllocationStrategy;
  /** True: what becomes of messages is told in the trace topic of the cluster. Default false. */
  readonly trace?: Setting<boolean> | ListenerTrace;
  /**
   * How often a message may come again before it goes to the dead letters. Default -1: 16 times
   * when concurrent, without end when orderly.
   */
  readonly maxReconsumeTimes?: Setting<number>;
  /** How long a handler may take before its signal fires and the message comes back. Default 15m. */
  readonly consumeTimeout?: Setting<Duration>;
  /** Where a new group starts. Default `last`. */
  readonly from?: ConsumeFrom | Setting<'last' | 'first'>;
  /**
   * Delay level of a failed message, 0 (default): the broker's ladder by number of tries, -1: to the
   * dead letters at once. A function is asked at each failure.
   */
  readonly retryDelayLevel?: FailureSetting<number>;
  /** How long an orderly queue rests after a failure, 10 ms to 30 s. Default 1s. */
  readonly suspend?: FailureSetting<Duration>;
  /** How long a stop waits for the handlers in hand. Default 30s. */
  readonly shutdownTimeout?: Setting<Duration>;
  /**
   * Folder where a broadcasting listener keeps how far it has read; one for each application on a
   * machine. Default `~/.nestjs-rocketmq/offsets`.
   */
  readonly offsetDirectory?: Setting<string>;
  /** False: the listener is checked, but never started. Default true. */
  readonly enabled?: Setting<boolean>;
  /** False: it waits for `RocketMQListenerRegistry.start(id)`. Default true. */
  readonly autoStart?: Setting<boolean>;
  /**
   * Which of the application's global guards, interceptors, pipes and filters messages meet. Default
   * all (true); false: none. Those of a listener's class and method always stand.
   */
  readonly globalEnhancers?: boolean | readonly EnhancerKind[];
  /** Messages that cannot be decoded or fail validation. Default `dead-letter`. */
  readonly onInvalid?: InvalidMessagePolicy;
  /**
   * Says which errors will not go away by trying again, so that their messages go the way of
   * `onInvalid`. Default: HTTP exceptions 400 and 422, which Nest's validation pipes throw.
   */
  readonly nonRetryable?: (error: unknown) => boolean;
  /**
   * Told of every error of a handler, of a body that cannot be read, and of failed validation, before
   * the outcome is told to the broker; may be asynchronous. Changes nothing: its own error is logged.
   * The one in `consumer` of the connection is told as well.
   */
  readonly onError?: ListenerErrorHook;
  /**
   * Told of every message that goes to the dead letters: by its outcome or because it was tried too
   * often. May be asynchronous. Changes nothing: its own error is logged. The one in `consumer` of
   * the connection is told as well.
   */
  readonly onDeadLetter?: DeadLetterHook;
  /**
   * The last word on the options of the client's consumer, for what has no option here (hooks, offset
   * store, intervals); answers those to use, or changes nothing by answering nothing.
   */
  readonly configure?: (options: PushConsumerOptions) => PushConsumerOptions | undefined | void;
}

/** A topic, several, or a map of topic to tag expression (`'paid || cancelled'`, `'*'`). */
export type ListenerTopic =
  | Setting<string>
  | ((source: SettingSource) => readonly string[])
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
  readonly connection?: Setting<string>;
  /** Name in logs and in the registry. Default `Class.method`. */
  readonly id?: string;
  /**
   * A Standard Schema (zod 4, valibot, ...) that every payload must keep to; the handler gets what
   * the schema makes of it. A payload that does not goes the way of `onInvalid`; of a batch only
   * that payload goes, and the handler gets the others.
   */
  readonly schema?: StandardSchema;
  /**
   * Converters of this listener, asked before those of its connection and of the module: one for a
   * content type that these have takes its place here. A reply listener also writes its replies with
   * them. Default none.
   */
  readonly converters?: readonly MessageConverter[];
  /** Class of the payload for validation, where the compiler cannot tell (class form). */
  readonly payloadType?: Type<unknown>;
}

/** Which listener options are asked for. */
export interface ListenerTarget {
  readonly id: string;
  /** Name of the class; undefined for a listener that is added at run time. */
  readonly className: string | undefined;
  /** Name of the method; undefined for a listener that is added at run time. */
  readonly method: string | undefined;
}

/** What the module options may change of a listener. */
export type ListenerOverrides = Partial<Omit<RocketMQListenerOptions, 'id' | 'payloadType'>>;

/**
 * `false`: this application has listeners, but none is started. Or, by id, what is different of
 * single listeners; `false` for one that is not started.
 */
export type ListenersSetting =
  Setting<boolean> | Readonly<Record<string, boolean | ListenerOverrides>>;

/** Gives the options of a listener from those of its decorator; nothing: they stay as they are. */
export type ListenerOptionsHook = (
  options: RocketMQListenerOptions,
  target: ListenerTarget,
) => RocketMQListenerOptions | undefined | void;
