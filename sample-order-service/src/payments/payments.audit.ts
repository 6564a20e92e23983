import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In, LessThan } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { Payment, Refund } from './payment.entities.js';

/** Questions of the checker about payments' own tables. */
@Injectable()
export class PaymentsAudit {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Payments that gave back more often, or more, than they took. */
  async refundedTwice(): Promise<string[]> {
    const rows = await this.dataSource.manager
      .createQueryBuilder()
      .select('r.payId', 'id')
      .from(Refund, 'r')
      .innerJoin(Payment, 'p', 'p.payId = r.payId')
      .groupBy('r.payId, p.amount')
      .having('COUNT(*) > 1 OR SUM(r.amount) <> p.amount')
      .getRawMany<{ id: string }>();
    return rows.map((row) => row.id);
  }

  /** Money that is here for longer than the bound and was not given back, by order. */
  async captured(boundMs: number): Promise<{ payId: string; orderId: string }[]> {
    const now = await databaseTime(this.dataSource.manager);
    const rows = await this.dataSource.manager.find(Payment, {
      where: {
        state: In(['PAID', 'LATE_PAID']),
        updatedAt: LessThan(new Date(now.getTime() - boundMs)),
      },
    });
    return rows.map(({ payId, orderId }) => ({ payId, orderId }));
  }
}
