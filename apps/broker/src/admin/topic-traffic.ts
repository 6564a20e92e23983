import { Histogram } from '@nestjs-rocketmq/foundation';
import { sizeBounds } from './histogram-bounds.js';

/** Apache's `message_type`, by number. */
export const messageTypes = ['normal', 'fifo', 'delay', 'transaction'] as const;

export const MessageType = { normal: 0, fifo: 1, delay: 2, transaction: 3 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** What the properties of a message say about its type. */
export interface TypeMarks {
  readonly isTransaction: boolean;
  readonly hasShardingKey: boolean;
  readonly isDelayed: boolean;
  readonly isTimer: boolean;
}

/** The type of a message by its properties, in Apache's order (source: `BrokerMetricsManager`). */
export function messageTypeOf(properties: TypeMarks): MessageType {
  if (properties.isTransaction) return MessageType.transaction;
  if (properties.hasShardingKey) return MessageType.fifo;
  if (properties.isDelayed || properties.isTimer) return MessageType.delay;
  return MessageType.normal;
}

/** Messages of one type that a topic took in. */
export class TypedTraffic {
  messages = 0;
  bytes = 0;
  /** Bytes of a message, one for each request. */
  readonly sizes = new Histogram(sizeBounds);
}

/** What a topic took in, by type of message. */
export class TopicTraffic {
  private readonly byType: (TypedTraffic | undefined)[] = messageTypes.map(() => undefined);

  /** Messages that came with one request. Allocates for the first of a type only. */
  add(type: MessageType, messages: number, bytes: number): void {
    const traffic = (this.byType[type] ??= new TypedTraffic());
    traffic.messages += messages;
    traffic.bytes += bytes;
    traffic.sizes.add(bytes / messages);
  }

  /** Types that came at all. */
  *all(): Generator<readonly [type: (typeof messageTypes)[number], traffic: TypedTraffic]> {
    for (const [at, type] of messageTypes.entries()) {
      const traffic = this.byType[at];
      if (traffic !== undefined) yield [type, traffic];
    }
  }
}
