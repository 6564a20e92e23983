import { Injectable, Logger } from '@nestjs/common';
import { MessagePayload, RocketMQListener, RocketMQTemplate } from 'nestjs-rocketmq';
import { IdempotencyService } from 'nestjs-rocketmq/consistency';
import { EntityManager } from 'typeorm';
import { Groups, Tags, Topics } from '../contracts.js';
import type { OrderPlaced, PaymentRefunded, RefundRequested } from '../contracts.js';
import { GatewayService } from '../gateway/gateway.service.js';
import { PaymentsService } from './payments.service.js';

/** What orders ask of payments: to be paid, and to give money back. */
@Injectable()
export class PaymentRequestsListener {
  private readonly logger = new Logger('Payments');

  constructor(
    private readonly idempotency: IdempotencyService<EntityManager>,
    private readonly payments: PaymentsService,
    private readonly gateway: GatewayService,
    private readonly template: RocketMQTemplate,
  ) {}

  /** Opening is idempotent by the order id, so it needs no row in the consume log. */
  @RocketMQListener({
    topic: Topics.OrderPlaced,
    tags: Tags.Placed,
    group: Groups.PaymentOrderPlaced,
    from: 'first',
  })
  async onOrderPlaced(@MessagePayload() order: OrderPlaced): Promise<void> {
    await this.payments.open(order.orderId, order.amount);
  }

  /**
   * Gives money back once. Every step may be repeated: the debt and the gateway's refund are
   * idempotent by the pay id, the booking has its row in the consume log, and the announcement is
   * sent again when the message comes again.
   */
  @RocketMQListener({
    topic: Topics.Refund,
    tags: Tags.RefundRequested,
    group: Groups.PaymentRefund,
    from: 'first',
  })
  async onRefundRequested(@MessagePayload() request: RefundRequested): Promise<void> {
    const { payId, orderId, amount } = request;
    await this.payments.oweRefund(payId, amount);
    await this.gateway.refund(payId);
    const once = { scope: Groups.PaymentRefund, key: payId };
    const { isFirst } = await this.idempotency.once(once, (manager) =>
      this.payments.bookRefund(manager, payId),
    );
    if (isFirst) this.logger.log(`${payId} of ${orderId}: ${amount} cents given back`);
    const refunded: PaymentRefunded = { payId, orderId };
    await this.template.send(`${Topics.Payment}:${Tags.Refunded}`, refunded, {
      keys: [payId, orderId],
    });
  }
}
