import type { FoundListener } from './rocketmq.explorer.js';
import type { ConsumeFrom, InvalidMessagePolicy } from '../options/listener-options.js';
import type { RocketMQConnection } from '../rocketmq.connections.js';

/**
 * One topic and its tags, in normal form: `*`, or sorted tags with ` || ` between them. Or, with
 * `sql`, the SQL92 filter that stands instead of tags.
 */
export interface Subscription {
  readonly topic: string;
  readonly expression?: string;
  readonly sql?: string;
}

/** A listener with everything decided: what its container needs. Times in milliseconds. */
export interface ListenerPlan {
  readonly id: string;
  readonly found: FoundListener;
  readonly connection: RocketMQConnection;
  readonly group: string;
  readonly subscriptions: readonly Subscription[];
  readonly mode: 'concurrent' | 'orderly';
  readonly model: 'clustering' | 'broadcasting';
  readonly from: ConsumeFrom;
  readonly concurrency: number;
  /** Undefined: the handler gets single messages. */
  readonly batch: number | undefined;
  readonly pullBatchSize: number;
  readonly maxReconsumeTimes: number;
  readonly consumeTimeout: number;
  readonly retryDelayLevel: number;
  readonly suspend: number;
  readonly shutdownTimeout: number;
  readonly offsetDirectory: string | undefined;
  readonly enabled: boolean;
  readonly onInvalid: InvalidMessagePolicy;
  readonly nonRetryable: (error: unknown) => boolean;
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
