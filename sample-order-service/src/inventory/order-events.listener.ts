import { Injectable, Logger } from '@nestjs/common';
import { MessagePayload, RocketMQListener } from 'nestjs-rocketmq';
import { IdempotencyService } from 'nestjs-rocketmq/consistency';
import { EntityManager } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { OrderEvent } from '../contracts.js';
import { InventoryService } from './inventory.service.js';

/**
 * What became of an order decides about its pieces. The events of one order come in order, but
 * nothing here depends on it: PAID and CANCELLED exclude each other and each is applied once. So the
 * listener is a concurrent one, which after a crash goes on at once, where the queues of an orderly
 * one would stay locked for a minute.
 */
@Injectable()
export class InventoryOrderListener {
  private readonly logger = new Logger('Inventory');

  constructor(
    private readonly idempotency: IdempotencyService<EntityManager>,
    private readonly inventory: InventoryService,
  ) {}

  @RocketMQListener({
    topic: Topics.OrderEvent,
    tags: [Tags.Paid, Tags.Cancelled],
    group: Groups.InventoryOrder,
    from: 'first',
  })
  async onOrderEvent(@MessagePayload() event: OrderEvent): Promise<void> {
    const { eventId: key, orderId } = event;
    const once = { scope: Groups.InventoryOrder, key };
    const { isFirst } = await this.idempotency.once(once, (manager) =>
      event.type === 'PAID'
        ? this.inventory.sell(manager, orderId)
        : this.inventory.release(manager, orderId),
    );
    if (isFirst)
      this.logger.log(`${orderId}: pieces ${event.type === 'PAID' ? 'sold' : 'released'}`);
  }
}
