import { Column, Entity, PrimaryColumn } from 'typeorm';

export type OrderStatus = 'AWAITING_PAYMENT' | 'PAID' | 'CANCELLED';
export type RefundStatus = 'NONE' | 'REQUESTED' | 'DONE';

/** An order. Money is cents. */
@Entity({ schema: 'orders', name: 'orders' })
export class Order {
  @PrimaryColumn({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @Column({ name: 'user_id', type: 'varchar', length: 64 })
  userId!: string;

  @Column({ type: 'varchar', length: 20 })
  status!: OrderStatus;

  @Column({ name: 'refund_status', type: 'varchar', length: 10 })
  refundStatus!: RefundStatus;

  @Column({ name: 'goods_amount', type: 'int' })
  goodsAmount!: number;

  @Column({ name: 'shipping_fee', type: 'int' })
  shippingFee!: number;

  @Column({ name: 'pay_amount', type: 'int' })
  payAmount!: number;

  /** The payment that paid it. */
  @Column({ name: 'pay_id', type: 'varchar', length: 40, nullable: true })
  payId!: string | null;

  @Column({ name: 'pay_deadline', type: 'timestamptz' })
  payDeadline!: Date;

  /** Grows with every change of status; the place of the next history row. */
  @Column({ type: 'int' })
  version!: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}

@Entity({ schema: 'orders', name: 'order_items' })
export class OrderItem {
  @PrimaryColumn({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @PrimaryColumn({ type: 'int' })
  line!: number;

  @Column({ type: 'varchar', length: 32 })
  sku!: string;

  @Column({ type: 'int' })
  quantity!: number;

  @Column({ name: 'unit_price', type: 'int' })
  unitPrice!: number;
}

/** Every change of status there ever was; only ever added to. */
@Entity({ schema: 'orders', name: 'order_history' })
export class OrderHistory {
  @PrimaryColumn({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @PrimaryColumn({ type: 'int' })
  seq!: number;

  @Column({ name: 'from_status', type: 'varchar', length: 20, nullable: true })
  fromStatus!: OrderStatus | null;

  @Column({ name: 'to_status', type: 'varchar', length: 20 })
  toStatus!: OrderStatus;

  @Column({ type: 'varchar', length: 80 })
  cause!: string;

  @Column({ type: 'timestamptz' })
  at!: Date;
}

/** Which order answered a request that came with this key. */
@Entity({ schema: 'orders', name: 'idempotency' })
export class Idempotency {
  @PrimaryColumn({ name: 'user_id', type: 'varchar', length: 64 })
  userId!: string;

  @PrimaryColumn({ name: 'idempotency_key', type: 'varchar', length: 80 })
  key!: string;

  @Column({ name: 'order_id', type: 'varchar', length: 40 })
  orderId!: string;

  @Column({ name: 'request_hash', type: 'varchar', length: 64 })
  requestHash!: string;
}

export const orderEntities = [Order, OrderItem, OrderHistory, Idempotency];
