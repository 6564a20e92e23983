import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One thing on the shelf. Money is cents. */
@Entity({ schema: 'inventory', name: 'skus' })
export class Sku {
  @PrimaryColumn({ type: 'varchar', length: 32 })
  sku!: string;

  @Column({ type: 'varchar', length: 80 })
  name!: string;

  @Column({ name: 'price', type: 'int' })
  price!: number;

  /** Pieces that nobody has ordered. */
  @Column({ name: 'on_hand', type: 'int' })
  onHand!: number;

  /** Pieces there were at first. */
  @Column({ type: 'int' })
  initial!: number;

  /** Pieces that came later. */
  @Column({ type: 'int' })
  restocked!: number;
}

export type ReservationState = 'HELD' | 'SOLD' | 'RELEASED';

/** Pieces taken from the shelf for one line of an order. */
@Entity({ schema: 'inventory', name: 'reservations' })
export class Reservation {
  @PrimaryColumn({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @PrimaryColumn({ type: 'varchar', length: 32 })
  sku!: string;

  @Column({ type: 'int' })
  quantity!: number;

  @Column({ type: 'varchar', length: 10 })
  state!: ReservationState;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}

export const inventoryEntities = [Sku, Reservation];
