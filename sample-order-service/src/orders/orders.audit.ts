import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In, LessThan } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { Order, OrderHistory } from './order.entities.js';
import type { OrderStatus } from './order.entities.js';
import { OrderOutbox } from './order-outbox.js';

/** Questions of the checker about orders' own tables. */
@Injectable()
export class OrdersAudit {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly outbox: OrderOutbox,
  ) {}

  /** Orders that were once PAID and once CANCELLED, by their whole history. */
  async paidAndCancelled(): Promise<string[]> {
    const rows = await this.dataSource.manager
      .createQueryBuilder()
      .select('h.orderId', 'id')
      .from(OrderHistory, 'h')
      .where("h.toStatus IN ('PAID', 'CANCELLED')")
      .groupBy('h.orderId')
      .having('COUNT(DISTINCT h.toStatus) > 1')
      .getRawMany<{ id: string }>();
    return rows.map((row) => row.id);
  }

  /** Orders that wait for a payment longer than their time and the bound. */
  async unclosed(boundMs: number): Promise<string[]> {
    const rows = await this.dataSource.manager.find(Order, {
      select: { orderId: true },
      where: { status: 'AWAITING_PAYMENT', payDeadline: LessThan(await this.before(boundMs)) },
    });
    return rows.map((row) => row.orderId);
  }

  /** Orders that have had a status for longer than the bound. */
  async settled(status: OrderStatus, boundMs: number): Promise<string[]> {
    const rows = await this.dataSource.manager.find(Order, {
      select: { orderId: true },
      where: { status, updatedAt: LessThan(await this.before(boundMs)) },
    });
    return rows.map((row) => row.orderId);
  }

  /** Those of these orders that are paid. */
  async paidAmong(orderIds: readonly string[]): Promise<Map<string, string | null>> {
    if (orderIds.length === 0) return new Map();
    const rows = await this.dataSource.manager.find(Order, {
      select: { orderId: true, payId: true },
      where: { orderId: In([...orderIds]), status: 'PAID' },
    });
    return new Map(rows.map((row) => [row.orderId, row.payId]));
  }

  /** Names the outbox when it owes something for longer than the bound. */
  async unsent(boundMs: number): Promise<string[]> {
    return (await this.outbox.isLate(boundMs)) ? ['outbox'] : [];
  }

  private async before(boundMs: number): Promise<Date> {
    const now = await databaseTime(this.dataSource.manager);
    return new Date(now.getTime() - boundMs);
  }
}
