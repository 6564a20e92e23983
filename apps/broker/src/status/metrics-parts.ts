import type { Clock } from '@nestjs-rocketmq/foundation';
import type { RequestLatencies } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { BrokerConfig } from '../broker.config.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { Arrivals } from '../pull/arrivals.js';
import type { GroupTable } from '../topics/group-table.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { HalfMessages } from '../transaction/half-messages.js';

export interface MetricsParts {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientDirectory;
  readonly figures: Figures;
  readonly halves: HalfMessages;
  readonly arrivals: Arrivals;
  readonly latencies: RequestLatencies | undefined;
  readonly clock: Clock;
}

export type Labels = Record<string, string | number>;
export type Sample = [labels: Labels, value: number];
