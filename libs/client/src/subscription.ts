import { messageOf } from '@nestjs-rocketmq/foundation';
import { SqlFilter, TagFilter } from '@nestjs-rocketmq/filter';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';

/** A topic and what of it is wanted. */
export interface TopicSubscription {
  readonly topic: string;
  /** As heartbeats carry it. */
  readonly data: SubscriptionData;
  /** True when the client need not look at messages again. */
  readonly acceptsAll: boolean;
  accepts(tag: string | undefined): boolean;
}

/** What of a topic is wanted: tags (`*` for all, `a || b`), or an SQL92 filter over properties. */
export type MessageFilter = string | { readonly sql: string };

/** Throws `FilterError`. `version`: when the wish was made, ms; brokers keep the newest. */
export function subscriptionOf(
  topic: string,
  filter: MessageFilter,
  version: number,
): TopicSubscription {
  return typeof filter === 'string'
    ? new TagSubscription(topic, filter, version)
    : new SqlSubscription(topic, filter.sql, version);
}

/**
 * By tags. The broker compares only the hashes of tags; `accepts` is the exact test.
 */
export class TagSubscription implements TopicSubscription {
  readonly data: SubscriptionData;
  private readonly filter: TagFilter;

  /**
   * `version`: when the subscription was made or last changed, ms; brokers keep the newest.
   * Throws `FilterError` when the expression names no tag.
   */
  constructor(
    readonly topic: string,
    readonly expression: string,
    version: number,
  ) {
    this.filter = TagFilter.parse(expression);
    this.data = {
      classFilterMode: false,
      topic,
      subString: this.filter.expression,
      tagsSet: [...this.filter.tags],
      codeSet: this.filter.tagCodes,
      subVersion: version,
      expressionType: 'TAG',
    };
  }

  /** True when no message is held back, so that nobody needs to look at tags. */
  get acceptsAll(): boolean {
    return this.filter.passesAll;
  }

  accepts(tag: string | undefined): boolean {
    return this.filter.matches(tag);
  }
}

/** By an SQL92 filter, which the broker judges alone. */
export class SqlSubscription implements TopicSubscription {
  readonly data: SubscriptionData;
  readonly acceptsAll = true;

  /** Throws `FilterError`, which says the column, when the expression is wrong. */
  constructor(
    readonly topic: string,
    expression: string,
    version: number,
  ) {
    this.data = {
      classFilterMode: false,
      topic,
      subString: SqlFilter.parse(expression).expression,
      tagsSet: [],
      codeSet: [],
      subVersion: version,
      expressionType: 'SQL92',
    };
  }

  accepts(): boolean {
    return true;
  }
}

/** What is wrong with an SQL92 filter, with its column; undefined when brokers will take it. */
export function sqlFilterProblem(expression: string): string | undefined {
  try {
    SqlFilter.parse(expression);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
