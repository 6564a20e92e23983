import { Injectable } from '@nestjs/common';
import { InventoryService } from '../inventory/inventory.service.js';
import type { Order } from '../orders/order.entities.js';
import { OrdersService } from '../orders/orders.service.js';
import { PaymentsService } from '../payments/payments.service.js';
import { PointsService } from '../points/points.service.js';

/** An order as a buyer sees it: one answer put together from what each module knows. */
@Injectable()
export class OrderView {
  constructor(
    private readonly orders: OrdersService,
    private readonly inventory: InventoryService,
    private readonly payments: PaymentsService,
    private readonly points: PointsService,
  ) {}

  async of(order: Order) {
    const { orderId } = order;
    const items = await this.orders.items(orderId);
    const payment = await this.payments.ofOrder(orderId);
    return {
      orderId,
      userId: order.userId,
      status: order.status,
      refundStatus: order.refundStatus,
      items: items.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice })),
      goodsAmount: order.goodsAmount,
      shippingFee: order.shippingFee,
      payAmount: order.payAmount,
      payDeadline: order.payDeadline,
      stock: (await this.inventory.stateOf(orderId)) ?? null,
      payment: payment === undefined ? null : { payId: payment.payId, state: payment.state },
      points: (await this.points.ofOrder(orderId)) ?? null,
      createdAt: order.createdAt,
      updatedAt: order.updatedAt,
    };
  }
}
