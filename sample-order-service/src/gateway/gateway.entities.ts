import { Column, Entity, PrimaryColumn } from 'typeorm';

export type ChargeState = 'OPEN' | 'CAPTURED' | 'REFUNDED';

/** A charge as the gateway keeps it: in life a table of somebody else's database. */
@Entity({ schema: 'gateway', name: 'charges' })
export class Charge {
  @PrimaryColumn({ name: 'pay_id', type: 'varchar', length: 40 })
  payId!: string;

  @Column({ type: 'int' })
  amount!: number;

  @Column({ type: 'varchar', length: 10 })
  state!: ChargeState;

  @Column({ type: 'varchar', length: 40 })
  reference!: string;

  /** The merchant knows of the capture. */
  @Column({ name: 'is_acknowledged', type: 'boolean' })
  isAcknowledged!: boolean;

  /** When the merchant is called next; null: not called. */
  @Column({ name: 'notify_at', type: 'timestamptz', nullable: true })
  notifyAt!: Date | null;

  @Column({ name: 'captured_at', type: 'timestamptz', nullable: true })
  capturedAt!: Date | null;
}

export const gatewayEntities = [Charge];
