import { TagFilter } from '@nestjs-rocketmq/filter';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';

/**
 * A topic and what of it is wanted, as heartbeats carry it. The broker compares only the hashes of
 * tags; `accepts` is the exact test.
 */
export class TagSubscription {
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
