import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { MessagePayload, RetryLaterError, RocketMQListener } from 'nestjs-rocketmq';
import { IdempotencyService } from 'nestjs-rocketmq/consistency';
import { DataSource, EntityManager } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { CloseUnpaid, PaymentPaid, PaymentRefunded } from '../contracts.js';
import { databaseTime } from '../database/database-time.js';
import { OrderClosing } from './order-closing.js';
import { OrderOutbox } from './order-outbox.js';
import { OrdersService } from './orders.service.js';

/** What happens to an order by messages: it is paid, its time is over, its money went back. */
@Injectable()
export class OrderEventsListener {
  private readonly logger = new Logger('Orders');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly idempotency: IdempotencyService<EntityManager>,
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
  async onPaid(@MessagePayload() paid: PaymentPaid): Promise<void> {
    const once = { scope: Groups.OrderPaid, key: paid.payId };
    const { isFirst } = await this.idempotency.once(once, (manager) =>
      this.orders.applyPaid(manager, paid),
    );
    if (isFirst) {
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
  async onRefunded(@MessagePayload() { payId: key, orderId }: PaymentRefunded): Promise<void> {
    await this.idempotency.once({ scope: Groups.OrderRefunded, key }, (manager) =>
      this.orders.applyRefunded(manager, orderId),
    );
  }
}
