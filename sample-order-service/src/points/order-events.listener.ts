import { Injectable, Logger } from '@nestjs/common';
import { MessagePayload, RocketMQListener } from 'nestjs-rocketmq';
import { Idempotent, MessageTransaction } from 'nestjs-rocketmq/consistency';
import { EntityManager } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { OrderEvent } from '../contracts.js';
import { pointsFor, PointsService } from './points.service.js';

/** A paid order earns points. */
@Injectable()
export class PointsOrderListener {
  private readonly logger = new Logger('Points');

  constructor(private readonly points: PointsService) {}

  /** The points and the note that they were given are one transaction. */
  @RocketMQListener({
    topic: Topics.OrderEvent,
    tags: Tags.Paid,
    group: Groups.PointsPaid,
    from: 'first',
  })
  @Idempotent({ key: 'eventId' })
  async onOrderPaid(
    @MessagePayload() event: OrderEvent,
    @MessageTransaction() manager: EntityManager,
  ): Promise<void> {
    await this.points.give(manager, event);
    this.logger.log(`${event.orderId}: ${pointsFor(event.amount)} points for ${event.userId}`);
  }
}
