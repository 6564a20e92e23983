import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { Tags, Topics } from '../contracts.js';
import type { OrderEvent, PaymentPaid, RefundRequested } from '../contracts.js';
import { databaseTime } from '../database/database-time.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import { KeyTakenError, NotFoundError } from '../sample.errors.js';
import { Idempotency, Order, OrderHistory, OrderItem } from './order.entities.js';
import type { OrderStatus } from './order.entities.js';
import type { NewOrder } from './order-flow.js';
import { OrderOutbox } from './order-outbox.js';

/** A change of status: every arrow of the state machine is one conditional update. */
interface Change {
  readonly orderId: string;
  readonly from: OrderStatus;
  readonly to: OrderStatus;
  readonly cause: string;
  readonly payId?: string;
}

/** Orders: the only writer of their tables. */
@Injectable()
export class OrdersService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly outbox: OrderOutbox,
  ) {}

  /** @throws NotFoundError when there is none. */
  async byId(orderId: string): Promise<Order> {
    const order = await this.find(this.dataSource.manager, orderId);
    if (order === undefined) {
      throw new NotFoundError(`There is no order ${orderId}.`, { details: { orderId } });
    }
    return order;
  }

  async find(manager: EntityManager, orderId: string): Promise<Order | undefined> {
    return (await manager.findOneBy(Order, { orderId })) ?? undefined;
  }

  items(orderId: string): Promise<OrderItem[]> {
    return this.dataSource.manager.find(OrderItem, { where: { orderId }, order: { line: 'ASC' } });
  }

  history(orderId: string): Promise<OrderHistory[]> {
    return this.dataSource.manager.find(OrderHistory, {
      where: { orderId },
      order: { seq: 'ASC' },
    });
  }

  /** The order that answered an earlier request with this key. */
  async byKey(userId: string, key: string): Promise<Idempotency | undefined> {
    return (await this.dataSource.manager.findOneBy(Idempotency, { userId, key })) ?? undefined;
  }

  /**
   * Writes a new order, inside the caller's transaction.
   *
   * @throws KeyTakenError when another request with its idempotency key came first.
   */
  async write(
    manager: EntityManager,
    order: NewOrder,
    now: Date,
    payDeadline: Date,
  ): Promise<void> {
    const { orderId, userId } = order;
    const { idempotencyKey: key, requestHash } = order;
    try {
      await manager.insert(Idempotency, { userId, key, orderId, requestHash });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new KeyTakenError(`The Idempotency-Key ${key} was used by another request.`, {
        cause: error,
        details: { userId, key },
      });
    }
    await manager.insert(Order, {
      orderId,
      userId,
      status: 'AWAITING_PAYMENT',
      refundStatus: 'NONE',
      goodsAmount: order.goodsAmount,
      shippingFee: order.shippingFee,
      payAmount: order.payAmount,
      payId: null,
      payDeadline,
      version: 1,
      createdAt: now,
      updatedAt: now,
    });
    await manager.insert(
      OrderItem,
      order.lines.map((line, index) => ({ orderId, line: index + 1, ...line })),
    );
    const cause = 'placed';
    const toStatus = 'AWAITING_PAYMENT';
    await manager.insert(OrderHistory, {
      orderId,
      seq: 1,
      fromStatus: null,
      toStatus,
      cause,
      at: now,
    });
  }

  /**
   * Money for an order has arrived, inside the caller's transaction: the order becomes PAID and
   * will tell so, or the money is asked to go back.
   */
  async applyPaid(manager: EntityManager, paid: PaymentPaid): Promise<void> {
    const { orderId, payId } = paid;
    const cause = `payment ${payId}`;
    const isPaid = await this.change(manager, {
      orderId,
      from: 'AWAITING_PAYMENT',
      to: 'PAID',
      cause,
      payId,
    });
    if (isPaid) return;
    const order = await this.find(manager, orderId);
    if (order === undefined) {
      throw new NotFoundError(`Payment ${payId} is for an order ${orderId} that does not exist.`, {
        details: { ...paid },
      });
    }
    if (order.status === 'PAID' && order.payId === payId) return;
    await this.requestRefund(manager, order, paid);
  }

  /**
   * Cancels an order that waits for its payment, inside the caller's transaction.
   *
   * @returns false when it does not wait any more.
   */
  cancel(manager: EntityManager, orderId: string, cause: string): Promise<boolean> {
    const from = 'AWAITING_PAYMENT';
    return this.change(manager, { orderId, from, to: 'CANCELLED', cause });
  }

  /** The refund that was requested is done, inside the caller's transaction. */
  async applyRefunded(manager: EntityManager, orderId: string): Promise<void> {
    const updatedAt = await databaseTime(manager);
    await manager.update(
      Order,
      { orderId, refundStatus: 'REQUESTED' },
      { refundStatus: 'DONE', updatedAt },
    );
  }

  private async change(manager: EntityManager, change: Change): Promise<boolean> {
    const { orderId, from, to, cause, payId } = change;
    const at = await databaseTime(manager);
    const changed = await manager.update(
      Order,
      { orderId, status: from },
      {
        status: to,
        version: () => 'version + 1',
        updatedAt: at,
        ...(payId === undefined ? {} : { payId }),
      },
    );
    if (changed.affected !== 1) return false;
    const order = await manager.findOneByOrFail(Order, { orderId });
    const seq = order.version;
    await manager.insert(OrderHistory, { orderId, seq, fromStatus: from, toStatus: to, cause, at });
    await this.oweEvent(manager, order);
    return true;
  }

  private async oweEvent(manager: EntityManager, order: Order): Promise<void> {
    const { orderId, userId, payAmount: amount, version: sequence } = order;
    const type = order.status === 'PAID' ? 'PAID' : 'CANCELLED';
    const eventId = `${orderId}#${sequence}`;
    const event: OrderEvent = { eventId, type, orderId, userId, amount, sequence };
    const destination = `${Topics.OrderEvent}:${type === 'PAID' ? Tags.Paid : Tags.Cancelled}`;
    await this.outbox.owe(manager, order, { destination, payload: event, key: eventId });
  }

  private async requestRefund(
    manager: EntityManager,
    order: Order,
    paid: PaymentPaid,
  ): Promise<void> {
    const { orderId, payId, amount } = paid;
    if (order.refundStatus === 'NONE') {
      const updatedAt = await databaseTime(manager);
      await manager.update(Order, { orderId }, { refundStatus: 'REQUESTED', updatedAt });
    }
    const request: RefundRequested = { payId, orderId, amount };
    const destination = `${Topics.Refund}:${Tags.RefundRequested}`;
    await this.outbox.owe(manager, order, { destination, payload: request, key: payId });
  }
}
