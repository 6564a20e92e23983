import type { BloomFilterData } from './bloom-filter.js';

/** The SQL92 filter of a group for a topic. Names as in Apache's file. */
export interface ConsumerFilter {
  readonly bloomFilterData: BloomFilterData;
  /** Messages that were stored later have a bit map that speaks of this filter, if they have one. */
  bornTime: number;
  /** The version of the subscription that set it. */
  clientVersion: number;
  readonly consumerGroup: string;
  /** When the last consumer of the group went; 0 while there is one. */
  deadTime: number;
  readonly expression: string;
  readonly expressionType: string;
  readonly topic: string;
}
