import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { MessageContext, MessagePayload, RocketMQContext, RocketMQListener } from 'nestjs-rocketmq';
import { DataSource } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { OrderEvent } from '../contracts.js';
import { consumeOnce } from '../database/consume-once.js';
import { InventoryConsumeLog } from './inventory.entities.js';
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
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly inventory: InventoryService,
  ) {}

  @RocketMQListener({
    topic: Topics.OrderEvent,
    tags: [Tags.Paid, Tags.Cancelled],
    group: Groups.InventoryOrder,
    from: 'first',
  })
  async onOrderEvent(
    @MessagePayload() event: OrderEvent,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    const { eventId: key, orderId } = event;
    const message = { group: Groups.InventoryOrder, key, messageId: context.messageId };
    const isNew = await consumeOnce(this.dataSource, InventoryConsumeLog, message, (manager) =>
      event.type === 'PAID'
        ? this.inventory.sell(manager, orderId)
        : this.inventory.release(manager, orderId),
    );
    if (isNew) this.logger.log(`${orderId}: pieces ${event.type === 'PAID' ? 'sold' : 'released'}`);
  }
}
