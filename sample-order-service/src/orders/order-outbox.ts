import { Injectable, Logger } from '@nestjs/common';
import { OutboxService } from 'nestjs-rocketmq/consistency';
import { EntityManager } from 'typeorm';
import type { Order } from './order.entities.js';

/** A message that a change of an order owes to the world. */
export interface OwedMessage {
  readonly destination: string;
  readonly payload: object;
  /** Keys to find it by, besides the order's. */
  readonly key: string;
}

/**
 * Sends what changes of status owe, in their order. The change and its message are one transaction,
 * and the toolkit's relay sends what a crash left over; so sending at once is only for speed.
 */
@Injectable()
export class OrderOutbox {
  private readonly logger = new Logger('OrderOutbox');

  constructor(private readonly outbox: OutboxService<EntityManager>) {}

  /** Owes a message, inside the caller's transaction. */
  async owe(manager: EntityManager, { orderId }: Order, message: OwedMessage): Promise<void> {
    const { destination, payload, key } = message;
    await this.outbox.add(manager, destination, payload, {
      orderKey: orderId,
      keys: [orderId, key],
    });
  }

  /** Sends everything that one order owes; throws when the broker does not take it. */
  async flush(orderId: string): Promise<void> {
    await this.outbox.flush(orderId);
  }

  /** The same for callers that are already done; what fails is sent by the relay. */
  async flushSoon(orderId: string): Promise<void> {
    try {
      await this.flush(orderId);
    } catch (error) {
      this.logger.warn(`Events of order ${orderId} are sent later: ${String(error)}`);
    }
  }

  /** Whether something is owed for longer than this. */
  async isLate(boundMs: number): Promise<boolean> {
    const { poisoned, oldestAgeMs = 0 } = await this.outbox.lag();
    return poisoned > 0 || oldestAgeMs > boundMs;
  }
}
