import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { GatewayService } from '../gateway/gateway.service.js';
import type { GatewayNotice } from '../gateway/signature.js';
import { NotFoundError } from '../sample.errors.js';
import { Payment, Refund, RefusedCallback } from './payment.entities.js';
import type { PaymentState } from './payment.entities.js';

/** Payments and refunds: the only writer of their tables. */
@Injectable()
export class PaymentsService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly gateway: GatewayService,
  ) {}

  /** The payment of an order; made, and announced at the gateway, when there is none yet. */
  async open(orderId: string, amount: number): Promise<Payment> {
    const payment = await this.makeIfAbsent(orderId, amount, 'CREATED');
    await this.gateway.register(payment.payId, payment.amount);
    return payment;
  }

  /**
   * From now on the order cannot be paid in time any more; money that comes all the same is a late
   * payment. This row is the fence between "paid" and "too late".
   *
   * @returns the state afterwards: CLOSED, or the one that came first.
   */
  async close(orderId: string, amount: number): Promise<PaymentState> {
    const payment = await this.makeIfAbsent(orderId, amount, 'CLOSED');
    if (payment.state !== 'CREATED') return payment.state;
    await this.move(this.dataSource.manager, payment.payId, ['CREATED'], 'CLOSED');
    return (await this.byId(payment.payId)).state;
  }

  /** @throws NotFoundError when there is none. */
  async byId(payId: string): Promise<Payment> {
    const payment = await this.dataSource.manager.findOneBy(Payment, { payId });
    if (payment === null) {
      throw new NotFoundError(`There is no payment ${payId}.`, { details: { payId } });
    }
    return payment;
  }

  async ofOrder(orderId: string): Promise<Payment | undefined> {
    return (await this.dataSource.manager.findOneBy(Payment, { orderId })) ?? undefined;
  }

  /**
   * Books a capture, inside the caller's transaction: in time or late, and only once.
   *
   * @returns false when it was booked before.
   */
  async book(manager: EntityManager, notice: GatewayNotice): Promise<boolean> {
    const { payId, reference } = notice;
    const isBooked =
      (await this.move(manager, payId, ['CREATED'], 'PAID', reference)) ||
      (await this.move(manager, payId, ['CLOSED'], 'LATE_PAID', reference));
    return isBooked;
  }

  /** Notes that a refund is owed; again and again makes no difference. */
  async oweRefund(payId: string, amount: number): Promise<void> {
    await this.dataSource.manager
      .createQueryBuilder()
      .insert()
      .into(Refund)
      .values({
        payId,
        amount,
        state: 'REQUESTED',
        updatedAt: await databaseTime(this.dataSource.manager),
      })
      .orIgnore()
      .execute();
  }

  /** Books that the money went back, inside the caller's transaction. */
  async bookRefund(manager: EntityManager, payId: string): Promise<void> {
    const updatedAt = await databaseTime(manager);
    await manager.update(Refund, { payId, state: 'REQUESTED' }, { state: 'DONE', updatedAt });
    await this.move(manager, payId, ['PAID', 'LATE_PAID'], 'REFUNDED');
  }

  /** Keeps a refused callback for the books. */
  async noteRefused(payId: string, reason: string): Promise<void> {
    await this.dataSource.manager.insert(RefusedCallback, {
      id: randomUUID(),
      payId: payId.slice(0, 40),
      reason: reason.slice(0, 200),
      refusedAt: await databaseTime(this.dataSource.manager),
    });
  }

  private async makeIfAbsent(
    orderId: string,
    amount: number,
    state: PaymentState,
  ): Promise<Payment> {
    const known = await this.ofOrder(orderId);
    if (known !== undefined) return known;
    await this.dataSource.manager
      .createQueryBuilder()
      .insert()
      .into(Payment)
      .values({
        payId: `P-${randomUUID()}`,
        orderId,
        amount,
        state,
        gatewayReference: null,
        updatedAt: await databaseTime(this.dataSource.manager),
      })
      .orIgnore()
      .execute();
    // whoever came first has decided id and state
    return this.dataSource.manager.findOneByOrFail(Payment, { orderId });
  }

  private async move(
    manager: EntityManager,
    payId: string,
    from: readonly PaymentState[],
    to: PaymentState,
    gatewayReference?: string,
  ): Promise<boolean> {
    const moved = await manager.update(
      Payment,
      { payId, state: In([...from]) },
      {
        state: to,
        updatedAt: await databaseTime(manager),
        ...(gatewayReference === undefined ? {} : { gatewayReference }),
      },
    );
    return moved.affected === 1;
  }
}
