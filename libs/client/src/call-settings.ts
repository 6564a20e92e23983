import {
  CheckClientConfig,
  GetBrokerClusterInfo,
  GetRouteinfoByTopic,
  HeartBeat,
  LitePullMessage,
  PullMessage,
  RecallMessage,
  UnregisterClient,
  type Asking,
  type CommandDefinition,
} from '@nestjs-rocketmq/protocol';
import type { PullEvent } from './diagnostics.js';
import type { Namespace } from './namespace.js';

/** How calls leave. */
export interface CallSettings {
  /** Wraps the names that leave and unwraps those that come. */
  readonly namespace?: Namespace | undefined;
  /** Brokers are asked at their second port; pulls, heartbeats and verdicts go to the first, as in Java. */
  readonly vipChannelEnabled?: boolean;
}

/** Asked at the port of the address as it is, whatever the option says. */
export const atFirstPort: ReadonlySet<CommandDefinition> = new Set<CommandDefinition>([
  GetRouteinfoByTopic,
  GetBrokerClusterInfo,
  HeartBeat,
  UnregisterClient,
  CheckClientConfig,
  PullMessage,
  LitePullMessage,
  RecallMessage,
]);

/** The second port of a broker: two below the first. */
export function vipAddress(address: string): string {
  const colon = address.lastIndexOf(':');
  return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - 2}`;
}

/** What is told of a pull to those who watch. */
export function pullEvent(address: string, asked: Asking<typeof PullMessage>): PullEvent {
  const { consumerGroup: group, topic, queueId, queueOffset: offset, maxMsgNums: max } = asked;
  return { group, address, topic, queueId, offset, max };
}
