import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import {
  MessageContext,
  MessagePayload,
  RetryLaterError,
  RocketMQContext,
  RocketMQListener,
} from 'nestjs-rocketmq';
import { DataSource } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { CloseUnpaid, PaymentPaid, PaymentRefunded } from '../contracts.js';
import { consumeOnce } from '../database/consume-once.js';
import { databaseTime } from '../database/database-time.js';
import { OrdersConsumeLog } from './order.entities.js';
import { OrderClosing } from './order-closing.js';
import { OrderOutbox } from './order-outbox.js';
import { OrdersService } from './orders.service.js';

/** What happens to an order by messages: it is paid, its time is over, its money went back. */
@Injectable()
export class OrderEventsListener {
  private readonly logger = new Logger('Orders');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly orders: OrdersService,
    private readonly closing: OrderClosing,
    private readonly outbox: OrderOutbox,
  ) {}

  /**
   * Only orders listen to payments; everybody else learns from orders. The events are sent before
   * the message is acknowledged: after a crash in between it comes again, finds its effect done,
   * and sends what is still owed.
   */
  @RocketMQListener({
    topic: Topics.Payment,
    tags: Tags.Paid,
    group: Groups.OrderPaid,
    from: 'first',
  })
  async onPaid(
    @MessagePayload() paid: PaymentPaid,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    const message = { group: Groups.OrderPaid, key: paid.payId, messageId: context.messageId };
    const isNew = await consumeOnce(this.dataSource, OrdersConsumeLog, message, (manager) =>
      this.orders.applyPaid(manager, paid),
    );
    if (isNew) {
      const { status, refundStatus } = await this.orders.byId(paid.orderId);
      const refund = refundStatus === 'NONE' ? '' : `, refund ${refundStatus}`;
      this.logger.log(`${paid.orderId} heard of its payment: ${status}${refund}`);
    }
    await this.outbox.flush(paid.orderId);
  }

  @RocketMQListener({
    topic: Topics.OrderTimeout,
    tags: Tags.CloseUnpaid,
    group: Groups.OrderClose,
    from: 'first',
  })
  async onTimeToPayIsOver(@MessagePayload() { orderId }: CloseUnpaid): Promise<void> {
    const order = await this.orders.find(this.dataSource.manager, orderId);
    if (order === undefined) return; // it was never placed
    const now = await databaseTime(this.dataSource.manager);
    const rest = order.payDeadline.getTime() - now.getTime();
    if (order.status === 'AWAITING_PAYMENT' && rest > 0) {
      throw new RetryLaterError(`Order ${orderId} may be paid for another ${rest} ms.`, {
        delayMs: rest,
      });
    }
    const isClosed = await this.closing.close(order, 'time to pay is over');
    if (isClosed) this.logger.log(`${orderId} was not paid in time: CANCELLED`);
    await this.outbox.flush(orderId);
  }

  @RocketMQListener({
    topic: Topics.Payment,
    tags: Tags.Refunded,
    group: Groups.OrderRefunded,
    from: 'first',
  })
  async onRefunded(
    @MessagePayload() refunded: PaymentRefunded,
    @MessageContext() context: RocketMQContext,
  ): Promise<void> {
    const { payId: key, orderId } = refunded;
    const message = { group: Groups.OrderRefunded, key, messageId: context.messageId };
    await consumeOnce(this.dataSource, OrdersConsumeLog, message, (manager) =>
      this.orders.applyRefunded(manager, orderId),
    );
  }
}
