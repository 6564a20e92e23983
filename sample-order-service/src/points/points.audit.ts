import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import { PointsAccount, PointsEntry } from './points.entities.js';

/** Questions of the checker about the points tables. */
@Injectable()
export class PointsAudit {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Orders that were given points twice, and users whose balance is not the sum of theirs. */
  async doubled(): Promise<string[]> {
    const twice = await this.dataSource.manager
      .createQueryBuilder()
      .select('e.orderId', 'id')
      .from(PointsEntry, 'e')
      .groupBy('e.orderId, e.kind')
      .having('COUNT(*) > 1')
      .getRawMany<{ id: string }>();
    const unequal = await this.dataSource.manager
      .createQueryBuilder()
      .select('a.userId', 'id')
      .from(PointsAccount, 'a')
      .leftJoin(PointsEntry, 'e', 'e.userId = a.userId')
      .groupBy('a.userId, a.balance')
      .having('a.balance <> COALESCE(SUM(e.points), 0)')
      .getRawMany<{ id: string }>();
    return [...twice, ...unequal].map((row) => row.id);
  }

  /** Those of these orders that were given no points. */
  async without(orderIds: readonly string[]): Promise<string[]> {
    if (orderIds.length === 0) return [];
    const rows = await this.dataSource.manager.findBy(PointsEntry, { orderId: In([...orderIds]) });
    const given = new Set(rows.map((row) => row.orderId));
    return orderIds.filter((id) => !given.has(id));
  }
}
