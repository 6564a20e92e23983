import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { MessageContext, MessagePayload, RocketMQContext, RocketMQListener } from 'nestjs-rocketmq';
import { DataSource } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { OrderEvent } from '../contracts.js';
import { consumeOnce } from '../database/consume-once.js';
import { PointsConsumeLog } from './points.entities.js';
import { pointsFor, PointsService } from './points.service.js';

/** A paid order earns points. */
@Injectable()
export class PointsOrderListener {
  private readonly logger = new Logger('Points');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly points: PointsService,
  ) {}

  @RocketMQListener({
    topic: Topics.OrderEvent,
    tags: Tags.Paid,
    group: Groups.PointsPaid,
    from: 'first',
  })
  async onOrderPaid(
    @MessagePayload() event: OrderEvent,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    const message = {
      group: Groups.PointsPaid,
      key: event.eventId,
      messageId: context.messageId,
    };
    const isNew = await consumeOnce(this.dataSource, PointsConsumeLog, message, (manager) =>
      this.points.give(manager, event),
    );
    if (isNew) {
      this.logger.log(`${event.orderId}: ${pointsFor(event.amount)} points for ${event.userId}`);
    }
  }
}
