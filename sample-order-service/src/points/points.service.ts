import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { PointsAccount, PointsEntry } from './points.entities.js';

/** One point for every whole 1.00. */
export function pointsFor(amountInCents: number): number {
  return Math.floor(amountInCents / 100);
}

/** Loyalty points: the only writer of its tables. */
@Injectable()
export class PointsService {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Books the points of a paid order, inside the caller's transaction. */
  async give(
    manager: EntityManager,
    order: { readonly orderId: string; readonly userId: string; readonly amount: number },
  ): Promise<void> {
    const { orderId, userId } = order;
    const points = pointsFor(order.amount);
    const givenAt = await databaseTime(manager);
    await manager.insert(PointsEntry, { orderId, kind: 'PAID', userId, points, givenAt });
    await manager
      .createQueryBuilder()
      .insert()
      .into(PointsAccount)
      .values({ userId, balance: 0 })
      .orIgnore()
      .execute();
    await manager.increment(PointsAccount, { userId }, 'balance', points);
  }

  async balance(userId: string): Promise<number> {
    const account = await this.dataSource.manager.findOneBy(PointsAccount, { userId });
    return account?.balance ?? 0;
  }

  /** Points given for an order; undefined when none were booked yet. */
  async ofOrder(orderId: string): Promise<number | undefined> {
    const entry = await this.dataSource.manager.findOneBy(PointsEntry, { orderId });
    return entry?.points;
  }
}
