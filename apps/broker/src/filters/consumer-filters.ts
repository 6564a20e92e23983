import { type Clock, type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { SqlFilter } from '@nestjs-rocketmq/filter';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';
import { type JsonObject, objectMember, type TableStorage } from '../table-file.js';
import { BloomFilter, type BloomFilterData } from './bloom-filter.js';

export interface ConsumerFiltersOptions {
  /** A filter that no consumer has used for so long is forgotten, ms. */
  readonly filterDataCleanTimeSpan: number;
  readonly maxErrorRateOfBloomFilter: number;
  readonly expectConsumerNumUseFilter: number;
}

/** The SQL92 filter of a group for a topic. Names as in Apache's file. */
export interface ConsumerFilter {
  readonly bloomFilterData: BloomFilterData;
  readonly bornTime: number;
  /** The version of the subscription that set it. */
  clientVersion: number;
  readonly consumerGroup: string;
  /** When the last consumer of the group went; 0 while there is one. */
  deadTime: number;
  readonly expression: string;
  readonly expressionType: string;
  readonly topic: string;
}

interface Kept {
  readonly data: ConsumerFilter;
  readonly filter: SqlFilter;
}

/** A group that came back within this time before a start was alive for us. */
const grace = 30_000;

/**
 * The SQL92 filters that heartbeats announced, compiled: `config/consumerFilter.json`. The newest
 * version of a subscription counts. One whose expression is wrong is not kept, so that the next
 * pull of its consumer is told.
 */
export class ConsumerFilters {
  private readonly topics = new Map<string, Map<string, Kept>>();
  private readonly bloom: BloomFilter;
  private isDirty = false;

  constructor(
    private readonly file: TableStorage,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: ConsumerFiltersOptions,
  ) {
    const { maxErrorRateOfBloomFilter, expectConsumerNumUseFilter } = options;
    this.bloom = new BloomFilter(maxErrorRateOfBloomFilter, expectConsumerNumUseFilter);
  }

  load(): void {
    const stored = objectMember(this.file.read(), 'filterDataByTopic');
    const now = this.clock.now();
    for (const topic of Object.keys(stored)) {
      const groups = objectMember(objectMember(stored, topic), 'groupFilterData');
      for (const group of Object.keys(groups)) {
        const { expression, expressionType, ...times } = objectMember(groups, group);
        if (typeof expression !== 'string' || expressionType !== 'SQL92') continue;
        const kept = this.compiled(topic, group, expression, numberOf(times, 'clientVersion'));
        if (kept === undefined) continue;
        const bornTime = numberOf(times, 'bornTime');
        const deadTime = numberOf(times, 'deadTime') || Math.max(now - grace, bornTime);
        this.put({ ...kept, data: { ...kept.data, bornTime, deadTime } });
      }
    }
    this.isDirty = false;
  }

  /** Takes over what a heartbeat of a group says it listens to. */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    const named = new Set<string>();
    for (const { topic, subString, expressionType, subVersion } of subscriptions) {
      named.add(topic);
      if (expressionType === 'SQL92') this.announce(topic, group, subString, subVersion);
    }
    this.retire(group, (topic) => !named.has(topic));
  }

  /** The last consumer of the group is gone. */
  unregister(group: string): void {
    this.retire(group, () => true);
  }

  /** The filter of a group with the version that set it, or undefined. */
  find(topic: string, group: string): { filter: SqlFilter; version: number } | undefined {
    const kept = this.topics.get(topic)?.get(group);
    return kept && { filter: kept.filter, version: kept.data.clientVersion };
  }

  persist(): void {
    this.clean();
    if (!this.isDirty) return;
    this.file.write(this);
    this.isDirty = false;
  }

  toJSON(): { filterDataByTopic: JsonObject } {
    const entries = [...this.topics].map(([topic, groups]) => {
      const groupFilterData = Object.fromEntries(
        [...groups].map(([name, { data }]) => [
          name,
          { ...data, dead: data.deadTime >= data.bornTime },
        ]),
      );
      return [topic, { groupFilterData, topic }] as const;
    });
    return { filterDataByTopic: Object.fromEntries(entries) };
  }

  private announce(topic: string, group: string, expression: string, version: number): void {
    const known = this.topics.get(topic)?.get(group);
    if (known === undefined) return this.renew(topic, group, expression, version);
    const { data } = known;
    const isOther = data.expression !== expression;
    if (version > data.clientVersion) {
      if (isOther) return this.renew(topic, group, expression, version);
      data.clientVersion = version;
    } else if (version < data.clientVersion) return;
    else if (isOther) {
      this.logger.warn(
        'consumers of one group filter by different expressions; the first one counts',
        {
          group,
          topic,
          counts: data.expression,
          ignored: expression,
        },
      );
    }
    data.deadTime = 0;
    this.isDirty = true;
  }

  private renew(topic: string, group: string, expression: string, version: number): void {
    const kept = this.compiled(topic, group, expression, version);
    if (kept !== undefined) return this.put(kept);
    this.topics.get(topic)?.delete(group);
    this.isDirty = true;
  }

  private compiled(
    topic: string,
    consumerGroup: string,
    expression: string,
    clientVersion: number,
  ): Kept | undefined {
    try {
      const filter = SqlFilter.parse(expression);
      const data: ConsumerFilter = {
        bloomFilterData: this.bloom.dataOf(`${consumerGroup}#${topic}`),
        bornTime: this.clock.now(),
        clientVersion,
        consumerGroup,
        deadTime: 0,
        expression,
        expressionType: 'SQL92',
        topic,
      };
      return { data, filter };
    } catch (error) {
      const details = { group: consumerGroup, topic, error: messageOf(error) };
      this.logger.warn('a consumer announced a filter that cannot be understood', details);
      return undefined;
    }
  }

  private put(kept: Kept): void {
    const { topic, consumerGroup } = kept.data;
    const groups = this.topics.get(topic);
    if (groups === undefined) this.topics.set(topic, new Map([[consumerGroup, kept]]));
    else groups.set(consumerGroup, kept);
    this.isDirty = true;
  }

  private retire(group: string, isOver: (topic: string) => boolean): void {
    for (const [topic, groups] of this.topics) {
      const data = groups.get(group)?.data;
      if (data === undefined || data.deadTime !== 0 || !isOver(topic)) continue;
      data.deadTime = this.clock.now();
      this.isDirty = true;
    }
  }

  private clean(): void {
    const before = this.clock.now() - this.options.filterDataCleanTimeSpan;
    for (const [topic, groups] of this.topics) {
      for (const [group, { data }] of groups) {
        if (data.deadTime === 0 || data.deadTime > before) continue;
        groups.delete(group);
        this.isDirty = true;
      }
      if (groups.size === 0) this.topics.delete(topic);
    }
  }
}

function numberOf(table: JsonObject, name: string): number {
  return Number(table[name] ?? 0);
}
