import { type Clock, type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { SqlFilter } from '@nestjs-rocketmq/filter';
import type { SubscriptionData } from '@nestjs-rocketmq/protocol';
import { type JsonObject, objectMember, type TableStorage } from '../table-file.js';
import { BloomFilter, isSameData, setBits } from './bloom-filter.js';
import type { ConsumerFilter } from './consumer-filter.js';
import { AnnouncedPullFilter } from './pull-filter.js';

export interface ConsumerFiltersOptions {
  /** A filter that no consumer has used for so long is forgotten, ms. */
  readonly filterDataCleanTimeSpan: number;
  readonly maxErrorRateOfBloomFilter: number;
  readonly expectConsumerNumUseFilter: number;
  /** Whether messages get a bit map that says which filters let them pass. */
  readonly enableCalcFilterBitMap: boolean;
}

/** A group that came back within this time before a start was alive for us. */
const grace = 30_000;

/**
 * The SQL92 filters that heartbeats announced, compiled: `config/consumerFilter.json`. The newest
 * version of a subscription counts. One whose expression is wrong is not kept, so that the next
 * pull of its consumer is told.
 */
export class ConsumerFilters {
  private readonly topics = new Map<string, Map<string, AnnouncedPullFilter>>();
  private readonly bloom: BloomFilter;
  private readonly map: Uint8Array;
  private isDirty = false;
  private isLoaded = false;
  /** The latest store time of a message that got a bit map. */
  private newest = 0;

  constructor(
    private readonly file: TableStorage,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: ConsumerFiltersOptions,
  ) {
    const { maxErrorRateOfBloomFilter, expectConsumerNumUseFilter } = options;
    this.bloom = new BloomFilter(maxErrorRateOfBloomFilter, expectConsumerNumUseFilter);
    this.map = this.bloom.emptyMap();
  }

  /** Reads the file, the first time. */
  load(): void {
    if (this.isLoaded) return;
    this.isLoaded = true;
    const stored = objectMember(this.file.read(), 'filterDataByTopic');
    const now = this.clock.now();
    for (const topic of Object.keys(stored)) {
      const groups = objectMember(objectMember(stored, topic), 'groupFilterData');
      for (const group of Object.keys(groups)) {
        const { expression, expressionType, bloomFilterData, ...times } = objectMember(
          groups,
          group,
        );
        if (typeof expression !== 'string' || expressionType !== 'SQL92') continue;
        const kept = this.compiled(topic, group, expression, numberOf(times, 'clientVersion'));
        if (kept === undefined) continue;
        const { data } = kept;
        // Bit maps that were made with other options do not speak of this filter.
        const isSame = isSameData(bloomFilterData, data.bloomFilterData);
        if (isSame) data.bornTime = numberOf(times, 'bornTime');
        data.deadTime = numberOf(times, 'deadTime') || Math.max(now - grace, data.bornTime);
        this.put(kept);
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

  /** The filter of a group, or undefined. */
  find(topic: string, group: string): AnnouncedPullFilter | undefined {
    return this.topics.get(topic)?.get(group);
  }

  /**
   * The bit map of a message: which filters of its topic let it pass. Undefined when there are none.
   * The property text stands from `from` up to `to`. Reused by the next call.
   */
  readonly bitMapOf = (
    topic: string,
    storeTime: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): Uint8Array | undefined => {
    if (!this.options.enableCalcFilterBitMap) return undefined;
    // Recovery asks before anything else does.
    this.load();
    this.newest = Math.max(this.newest, storeTime);
    const groups = this.topics.get(topic);
    if (groups === undefined || groups.size === 0) return undefined;
    this.map.fill(0);
    for (const filter of groups.values()) {
      if (filter.accepts(bytes, from, to)) setBits(filter.data.bloomFilterData, this.map);
    }
    return this.map;
  };

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
    if (kept !== undefined) this.put(kept);
    else this.topics.get(topic)?.delete(group);
    this.isDirty = true;
    // A crash must not bring an older filter back that bit maps no longer speak of.
    if (this.options.enableCalcFilterBitMap) this.persistNow();
  }

  private persistNow(): void {
    try {
      this.persist();
    } catch (error) {
      // It is tried again with the other tables.
      this.logger.warn('the filters of consumers could not be saved', { error: messageOf(error) });
    }
  }

  private compiled(
    topic: string,
    consumerGroup: string,
    expression: string,
    clientVersion: number,
  ): AnnouncedPullFilter | undefined {
    try {
      const filter = SqlFilter.parse(expression);
      const data: ConsumerFilter = {
        bloomFilterData: this.bloom.dataOf(`${consumerGroup}#${topic}`),
        // The clock may have been set back since the last message came.
        bornTime: Math.max(this.clock.now(), this.newest),
        clientVersion,
        consumerGroup,
        deadTime: 0,
        expression,
        expressionType: 'SQL92',
        topic,
      };
      return new AnnouncedPullFilter(filter, data);
    } catch (error) {
      const details = { group: consumerGroup, topic, error: messageOf(error) };
      this.logger.warn('a consumer announced a filter that cannot be understood', details);
      return undefined;
    }
  }

  private put(kept: AnnouncedPullFilter): void {
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
