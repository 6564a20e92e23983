import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, LessThanOrEqual } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { NotFoundError } from '../sample.errors.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { Charge } from './gateway.entities.js';
import type { ChargeState } from './gateway.entities.js';

/** How the payer and the gateway behave; for trying things out. */
export const OUTCOMES = ['ok', 'fail', 'later', 'twice', 'never', 'wrongAmount'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The payment provider, simulated: it takes the money and remembers whom to tell. */
@Injectable()
export class GatewayService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** The merchant announces a payment; again and again makes no difference. */
  async register(payId: string, amount: number): Promise<void> {
    await this.dataSource.manager
      .createQueryBuilder()
      .insert()
      .into(Charge)
      .values({
        payId,
        amount,
        state: 'OPEN',
        reference: `gw-${randomUUID().slice(0, 18)}`,
        isAcknowledged: false,
        notifyAt: null,
        capturedAt: null,
      })
      .orIgnore()
      .execute();
  }

  /** @throws NotFoundError when the merchant never announced it. */
  async charge(payId: string): Promise<Charge> {
    const charge = await this.dataSource.manager.findOneBy(Charge, { payId });
    if (charge === null) {
      throw new NotFoundError(`The gateway knows no payment ${payId}.`, { details: { payId } });
    }
    return charge;
  }

  /**
   * The payer pays: the money is taken once, and the merchant will be told as the outcome says.
   * The outcome `fail` takes nothing; the payer may try again.
   */
  async capture(payId: string, outcome: Outcome): Promise<ChargeState> {
    const charge = await this.charge(payId);
    if (outcome === 'fail' || charge.state !== 'OPEN') return charge.state;
    const now = await databaseTime(this.dataSource.manager);
    const notifyAt =
      outcome === 'never'
        ? null
        : outcome === 'later'
          ? new Date(now.getTime() + this.settings.gatewayLate)
          : now;
    await this.dataSource.manager.update(
      Charge,
      { payId, state: 'OPEN' },
      { state: 'CAPTURED', capturedAt: now, notifyAt },
    );
    return 'CAPTURED';
  }

  /** Charges whose merchant is to be called now. */
  async due(limit: number): Promise<Charge[]> {
    const now = await databaseTime(this.dataSource.manager);
    return this.dataSource.manager.find(Charge, {
      where: { state: 'CAPTURED', notifyAt: LessThanOrEqual(now) },
      order: { notifyAt: 'ASC' },
      take: limit,
    });
  }

  /** The merchant said that it knows: no more calls. */
  async acknowledge(payId: string): Promise<void> {
    await this.dataSource.manager.update(
      Charge,
      { payId },
      { isAcknowledged: true, notifyAt: null },
    );
  }

  /** The merchant did not answer well: call again after the pause. */
  async postpone(payId: string): Promise<void> {
    const now = await databaseTime(this.dataSource.manager);
    await this.dataSource.manager.update(
      Charge,
      { payId, isAcknowledged: false },
      { notifyAt: new Date(now.getTime() + this.settings.gatewayRetry) },
    );
  }

  /** The merchant refused: stop calling; it may still ask by itself. */
  async giveUp(payId: string): Promise<void> {
    await this.dataSource.manager.update(Charge, { payId }, { notifyAt: null });
  }

  /** Charges captured this long ago of which the merchant has not said that it knows. */
  async unacknowledged(olderThanMs: number, limit: number): Promise<Charge[]> {
    const now = await databaseTime(this.dataSource.manager);
    return this.dataSource.manager.find(Charge, {
      where: {
        isAcknowledged: false,
        state: 'CAPTURED',
        capturedAt: LessThanOrEqual(new Date(now.getTime() - olderThanMs)),
      },
      order: { capturedAt: 'ASC' },
      take: limit,
    });
  }

  /** Gives the money back, once however often asked. */
  async refund(payId: string): Promise<void> {
    await this.dataSource.manager.update(
      Charge,
      { payId, state: 'CAPTURED' },
      { state: 'REFUNDED' },
    );
  }
}
