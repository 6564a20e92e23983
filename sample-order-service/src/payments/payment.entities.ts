import { Column, Entity, PrimaryColumn } from 'typeorm';

/** CLOSED: not to be paid any more; LATE_PAID: money came all the same and has to go back. */
export type PaymentState = 'CREATED' | 'PAID' | 'CLOSED' | 'LATE_PAID' | 'REFUNDED';

/** The one payment of an order. Money is cents. */
@Entity({ schema: 'payments', name: 'payments' })
export class Payment {
  @PrimaryColumn({ name: 'pay_id', type: 'varchar', length: 40 })
  payId!: string;

  @Column({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @Column({ type: 'int' })
  amount!: number;

  @Column({ type: 'varchar', length: 10 })
  state!: PaymentState;

  @Column({ name: 'gateway_reference', type: 'varchar', length: 40, nullable: true })
  gatewayReference!: string | null;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}

export type RefundState = 'REQUESTED' | 'DONE';

/** Money given back; the key lets it happen once for a payment. */
@Entity({ schema: 'payments', name: 'refunds' })
export class Refund {
  @PrimaryColumn({ name: 'pay_id', type: 'varchar', length: 40 })
  payId!: string;

  @Column({ type: 'int' })
  amount!: number;

  @Column({ type: 'varchar', length: 10 })
  state!: RefundState;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}

/** Callbacks that were refused, and why; only ever added to. */
@Entity({ schema: 'payments', name: 'refused_callbacks' })
export class RefusedCallback {
  @PrimaryColumn({ type: 'varchar', length: 40 })
  id!: string;

  @Column({ name: 'pay_id', type: 'varchar', length: 40 })
  payId!: string;

  @Column({ type: 'varchar', length: 200 })
  reason!: string;

  @Column({ name: 'refused_at', type: 'timestamptz' })
  refusedAt!: Date;
}

export const paymentEntities = [Payment, Refund, RefusedCallback];
