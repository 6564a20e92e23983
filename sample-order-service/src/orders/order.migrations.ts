import type { MigrationInterface, QueryRunner } from 'typeorm';
import { int, key, table, text, time } from '../database/tables.js';

const SCHEMA = 'orders';

export class CreateOrders1763700000500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createSchema(SCHEMA, true);
    await runner.createTable(ordersTable());
    await runner.createTable(
      table(SCHEMA, 'order_items', {
        columns: [
          text('order_id', 40, key),
          int('line', key),
          text('sku', 32),
          int('quantity'),
          int('unit_price'),
        ],
        checks: [{ name: 'ck_order_items_quantity', expression: 'quantity > 0' }],
      }),
    );
    await runner.createTable(
      table(SCHEMA, 'order_history', {
        columns: [
          text('order_id', 40, key),
          int('seq', key),
          text('from_status', 20, { isNullable: true }),
          text('to_status', 20),
          text('cause', 80),
          time('at'),
        ],
      }),
    );
    await runner.createTable(
      table(SCHEMA, 'idempotency', {
        columns: [
          text('user_id', 64, key),
          text('idempotency_key', 80, key),
          text('order_id', 40),
          text('request_hash', 64),
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const rest = ['idempotency', 'order_history', 'order_items'];
    for (const name of [...rest, 'orders']) await runner.dropTable(`${SCHEMA}.${name}`);
    await runner.dropSchema(SCHEMA);
  }
}

function ordersTable() {
  return table(SCHEMA, 'orders', {
    columns: [
      text('order_id', 40, key),
      text('user_id', 64),
      text('status', 20),
      text('refund_status', 10),
      int('goods_amount'),
      int('shipping_fee'),
      int('pay_amount'),
      text('pay_id', 40, { isNullable: true }),
      time('pay_deadline'),
      int('version'),
      time('created_at'),
      time('updated_at'),
    ],
    checks: [{ name: 'ck_orders_amount', expression: 'pay_amount = goods_amount + shipping_fee' }],
    indices: [{ columns: ['status', 'updated_at'] }],
  });
}
