import type { PushConsumerOptions } from '@nestjs-rocketmq/client';
import type { PassedOnConsumerOptions } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import type {
  DeadLetterHook,
  InvalidMessagePolicy,
  ListenerErrorHook,
} from '../options/listener-options.js';
import type { RocketMQConnection } from '../rocketmq.connections.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { FoundListener } from './rocketmq.explorer.js';

/**
 * One topic and its tags, in normal form: `*`, or sorted tags with ` || ` between them. Or, with
 * `sql`, the SQL92 filter that stands instead of tags.
 */
export interface Subscription {
  readonly topic: string;
  readonly expression?: string;
  readonly sql?: string;
}

/** A number for every failure, or what gives it; the result of a function is checked when it is used. */
export type FailureValue = number | ((context: RocketMQContext, error: unknown) => unknown);

/** What the listeners of one group have in common, because one consumer serves them. */
export interface GroupPlan {
  readonly group: string;
  readonly mode: 'concurrent' | 'orderly';
  readonly model: 'clustering' | 'broadcasting';
  readonly from: 'last' | 'first' | { readonly timestamp: number };
  readonly concurrency: number;
  /** Undefined: the handler gets single messages. */
  readonly batch: number | undefined;
  readonly batchWait: number;
  readonly pullBatchSize: number;
  readonly maxReconsumeTimes: number;
  readonly consumeTimeout: number;
  readonly shutdownTimeout: number;
  readonly offsetDirectory: string | undefined;
  readonly autoStart: boolean;
  /** Options of the client by its own names. */
  readonly passedOn: PassedOnConsumerOptions;
  readonly configure:
    ((options: PushConsumerOptions) => PushConsumerOptions | undefined | void) | undefined;
}

/** A listener with everything decided: what its container needs. Times in milliseconds. */
export interface ListenerPlan extends GroupPlan {
  readonly id: string;
  /** What sentences call it: `Class.method`, or the id of one that was added at run time. */
  readonly name: string;
  /** Undefined for a listener that was added at run time. */
  readonly found: FoundListener | undefined;
  readonly connection: RocketMQConnection;
  /** The listener's own before the module's. */
  readonly converters: MessageConverters;
  readonly subscriptions: readonly Subscription[];
  readonly retryDelayLevel: FailureValue;
  readonly suspend: FailureValue;
  readonly enabled: boolean;
  readonly onInvalid: InvalidMessagePolicy;
  readonly nonRetryable: (error: unknown) => boolean;
  /** The listener's own, then the connection's. */
  readonly onError: readonly ListenerErrorHook[];
  readonly onDeadLetter: readonly DeadLetterHook[];
}

/** Tags in normal form, so that the order of writing them makes no difference. */
export function normalTags(expression: string | readonly string[] | undefined): string {
  const given = typeof expression === 'string' ? expression.split('||') : (expression ?? []);
  const tags = [...new Set(given.map((tag) => tag.trim()).filter((tag) => tag !== ''))];
  return tags.length === 0 || tags.includes('*') ? '*' : tags.toSorted().join(' || ');
}

/** `orders (paid || placed), refunds (*)`, for sentences. */
export function describeSubscriptions(subscriptions: readonly Subscription[]): string {
  return subscriptions
    .map(({ topic, expression, sql }) => `${topic} (${sql ?? expression ?? '*'})`)
    .join(', ');
}
