import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { PaymentsService } from '../payments/payments.service.js';
import type { Order } from './order.entities.js';
import { OrdersService } from './orders.service.js';

/** Ends orders that nobody pays. */
@Injectable()
export class OrderClosing {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly orders: OrdersService,
    private readonly payments: PaymentsService,
  ) {}

  /**
   * Closes the payment first, then the order: whoever pays at the same instant is either in time
   * (then the order stays, the message is on its way) or too late (then the money goes back).
   *
   * @returns whether the order is cancelled now.
   */
  async close(order: Order, cause: string): Promise<boolean> {
    const { orderId } = order;
    if (order.status !== 'AWAITING_PAYMENT') return order.status === 'CANCELLED';
    const payment = await this.payments.close(orderId, order.payAmount);
    if (payment === 'PAID') return false;
    await this.dataSource.transaction((manager) => this.orders.cancel(manager, orderId, cause));
    return (await this.orders.byId(orderId)).status === 'CANCELLED';
  }
}
