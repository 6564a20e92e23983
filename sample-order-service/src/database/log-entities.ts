import { Column, PrimaryColumn } from 'typeorm';

/**
 * The columns of a consume log: one row for every message that a group has finished, written in
 * the transaction of the effect. Each module has a table of its own.
 */
export abstract class ConsumeLogColumns {
  @PrimaryColumn({ name: 'consumer_group', type: 'varchar', length: 64 })
  consumerGroup!: string;

  /** What the message is about (an order id, an event id), not its number at the broker. */
  @PrimaryColumn({ name: 'message_key', type: 'varchar', length: 96 })
  messageKey!: string;

  @Column({ name: 'message_id', type: 'varchar', length: 64 })
  messageId!: string;

  @Column({ name: 'consumed_at', type: 'timestamptz' })
  consumedAt!: Date;
}

export type TransactionState = 'DONE' | 'ABORTED';

/**
 * The columns of a transaction log: DONE is written together with the business change, ABORTED by
 * the check-back that came first. The primary key lets only one of the two happen.
 */
export abstract class TransactionLogColumns {
  /** Chosen before the half message is sent, and carried by it. */
  @PrimaryColumn({ name: 'tx_key', type: 'varchar', length: 96 })
  txKey!: string;

  @Column({ type: 'varchar', length: 8 })
  state!: TransactionState;

  @Column({ type: 'varchar', length: 32 })
  kind!: string;

  @Column({ name: 'decided_at', type: 'timestamptz' })
  decidedAt!: Date;
}
