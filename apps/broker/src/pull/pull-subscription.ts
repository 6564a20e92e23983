import { FilterError, SqlFilter, TagFilter } from '@nestjs-rocketmq/filter';
import { isRetryTopic } from '@nestjs-rocketmq/message';
import { PullSysFlag, ResponseCode, type SubscriptionGroupConfig } from '@nestjs-rocketmq/protocol';
import type { ConsumerFilters } from '../filters/consumer-filters.js';
import { type PullFilter, RetryPullFilter, SqlPullFilter } from '../filters/pull-filter.js';
import type { ClientDirectory } from '../membership/client-directory.js';

/** What a pull says of its subscription. */
export interface SubscriptionAsk {
  readonly consumerGroup: string;
  readonly topic: string;
  /** Bits of `PullSysFlag`. */
  readonly sysFlag: number;
  readonly subscription?: string | undefined;
  readonly subVersion: number;
  readonly expressionType?: string | undefined;
}

/** Why a pull is not served. */
export interface Refusal {
  readonly code: number;
  readonly remark: string;
  /** With NO_PERMISSION: 4 broadcasting, 5 subscription. */
  readonly forbiddenType?: number;
}

export interface FilterOptions {
  readonly enablePropertyFilter: boolean;
  readonly filterSupportRetry: boolean;
}

export function isRefused(value: PullFilter | Refusal): value is Refusal {
  return 'remark' in value;
}

/** Expressions are few; a bound keeps a client that makes them up from filling the memory. */
const maxFilters = 10_000;

/**
 * Which subscription counts for a pull, and the filter that follows from it: the one in the
 * request, or else the one that the group's heartbeats announced. Tag filters and the filters of
 * requests are kept by expression, the others with their announcement.
 */
export class PullSubscriptions {
  private readonly tagFilters = new Map<string, TagFilter>();
  private readonly sqlFilters = new Map<string, SqlPullFilter>();

  constructor(
    private readonly clients: ClientDirectory,
    private readonly filters: ConsumerFilters,
    private readonly options: FilterOptions,
  ) {}

  /** The filter of a pull, or why it is refused. */
  of(asked: SubscriptionAsk, config: SubscriptionGroupConfig): PullFilter | Refusal {
    if ((asked.sysFlag & PullSysFlag.subscription) === 0) return this.ofGroup(asked, config);
    const { subscription, expressionType } = asked;
    if (isTag(expressionType)) return this.byTags(subscription);
    if (expressionType !== 'SQL92') return unknownType(expressionType);
    const filter = this.parsed(this.sqlFilters, subscription ?? '', parseSql);
    return isRefused(filter) ? filter : this.bySql(asked, filter);
  }

  private ofGroup(asked: SubscriptionAsk, config: SubscriptionGroupConfig): PullFilter | Refusal {
    const { consumerGroup, topic } = asked;
    const group = this.clients.consumerGroup(consumerGroup);
    if (group === undefined) {
      return {
        code: ResponseCode.SUBSCRIPTION_NOT_EXIST,
        remark: `the consumer's group info not exist: no heartbeat of ${consumerGroup} was seen`,
      };
    }
    if (group.messageModel === 'BROADCASTING' && !config.consumeBroadcastEnable) {
      return {
        code: ResponseCode.NO_PERMISSION,
        remark: `the consumer group[${consumerGroup}] can not consume by broadcast way`,
        forbiddenType: 4,
      };
    }
    const subscription = group.subscriptionOf(topic);
    if (subscription === undefined) {
      return {
        code: ResponseCode.SUBSCRIPTION_NOT_EXIST,
        remark: `the consumer's subscription not exist: ${consumerGroup} has none of ${topic}`,
      };
    }
    if (subscription.subVersion < asked.subVersion) {
      return {
        code: ResponseCode.SUBSCRIPTION_NOT_LATEST,
        remark: `the consumer's subscription not latest: a heartbeat of ${consumerGroup} is due`,
      };
    }
    if (isTag(subscription.expressionType)) return this.byTags(subscription.subString);
    if (subscription.expressionType !== 'SQL92') return unknownType(subscription.expressionType);
    return this.announcedSql(asked);
  }

  private announcedSql(asked: SubscriptionAsk): PullFilter | Refusal {
    const { topic, consumerGroup, subVersion } = asked;
    const found = this.filters.find(topic, consumerGroup);
    if (found === undefined) {
      return {
        code: ResponseCode.FILTER_DATA_NOT_EXIST,
        remark:
          "The broker's consumer filter data is not exist!Your expression may be wrong! " +
          `(${consumerGroup}, ${topic})`,
      };
    }
    if (found.data.clientVersion < subVersion) {
      return {
        code: ResponseCode.FILTER_DATA_NOT_LATEST,
        remark: `the consumer's consumer filter data not latest: a heartbeat of ${consumerGroup} is due`,
      };
    }
    return this.bySql(asked, found);
  }

  private bySql(asked: SubscriptionAsk, filter: SqlPullFilter): PullFilter | Refusal {
    const { options, filters } = this;
    if (!options.enablePropertyFilter) return unknownType('SQL92');
    if (!options.filterSupportRetry || !isRetryTopic(asked.topic)) return filter;
    return new RetryPullFilter((topic) => filters.find(topic, asked.consumerGroup));
  }

  private byTags(expression: string | undefined): TagFilter | Refusal {
    return this.parsed(this.tagFilters, expression ?? '', parseTags);
  }

  private parsed<T>(known: Map<string, T>, text: string, parse: (text: string) => T): T | Refusal {
    const found = known.get(text);
    if (found !== undefined) return found;
    try {
      const filter = parse(text);
      if (known.size >= maxFilters) known.clear();
      known.set(text, filter);
      return filter;
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      return {
        code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        remark: `parse the consumer's subscription failed: ${error.message}`,
      };
    }
  }
}

const parseTags = (text: string): TagFilter => TagFilter.parse(text);
const parseSql = (text: string): SqlPullFilter => new SqlPullFilter(SqlFilter.parse(text));

function isTag(type: string | undefined): boolean {
  return type === undefined || type === '' || type === 'TAG';
}

function unknownType(type: string | undefined): Refusal {
  return {
    code: ResponseCode.SYSTEM_ERROR,
    remark: `The broker does not support consumer to filter message by ${type}`,
  };
}
