import { FilterError, TagFilter } from '@nestjs-rocketmq/filter';
import { PullSysFlag, ResponseCode, type SubscriptionGroupConfig } from '@nestjs-rocketmq/protocol';
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

export function isRefused(value: TagFilter | Refusal): value is Refusal {
  return !(value instanceof TagFilter);
}

/** Expressions are few; a bound keeps a client that makes them up from filling the memory. */
const maxFilters = 10_000;

/**
 * Which subscription counts for a pull, and the filter that follows from it: the one in the
 * request, or else the one that the group's heartbeats announced. Filters are kept by expression.
 */
export class PullSubscriptions {
  private readonly filters = new Map<string, TagFilter>();

  constructor(private readonly clients: ClientDirectory) {}

  /** The filter of a pull, or why it is refused. */
  of(asked: SubscriptionAsk, config: SubscriptionGroupConfig): TagFilter | Refusal {
    if ((asked.sysFlag & PullSysFlag.subscription) !== 0) {
      return this.filterOf(asked.subscription, asked.expressionType);
    }
    return this.announced(asked, config);
  }

  private announced(asked: SubscriptionAsk, config: SubscriptionGroupConfig): TagFilter | Refusal {
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
    return this.filterOf(subscription.subString, subscription.expressionType);
  }

  private filterOf(expression: string | undefined, type: string | undefined): TagFilter | Refusal {
    if (type !== undefined && type !== '' && type !== 'TAG') {
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `The broker does not support consumer to filter message by ${type}`,
      };
    }
    const text = expression ?? '';
    const known = this.filters.get(text);
    if (known !== undefined) return known;
    try {
      const filter = TagFilter.parse(text);
      if (this.filters.size >= maxFilters) this.filters.clear();
      this.filters.set(text, filter);
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
