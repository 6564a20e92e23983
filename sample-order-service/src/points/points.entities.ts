import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a user has collected. */
@Entity({ schema: 'points', name: 'accounts' })
export class PointsAccount {
  @PrimaryColumn({ name: 'user_id', type: 'varchar', length: 64 })
  userId!: string;

  @Column({ type: 'int' })
  balance!: number;
}

/** Points given for one order; the key lets it happen once. */
@Entity({ schema: 'points', name: 'entries' })
export class PointsEntry {
  @PrimaryColumn({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @PrimaryColumn({ type: 'varchar', length: 16 })
  kind!: string;

  @Column({ name: 'user_id', type: 'varchar', length: 64 })
  userId!: string;

  @Column({ type: 'int' })
  points!: number;

  @Column({ name: 'given_at', type: 'timestamptz' })
  givenAt!: Date;
}

export const pointsEntities = [PointsAccount, PointsEntry];
