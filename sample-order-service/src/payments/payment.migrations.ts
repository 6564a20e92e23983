import type { MigrationInterface, QueryRunner } from 'typeorm';
import { int, key, table, text, time } from '../database/tables.js';

const SCHEMA = 'payments';

export class CreatePayments1763700000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createSchema(SCHEMA, true);
    await runner.createTable(
      table(SCHEMA, 'payments', {
        columns: [
          text('pay_id', 40, key),
          text('order_id', 40),
          int('amount'),
          text('state', 10),
          text('gateway_reference', 40, { isNullable: true }),
          time('updated_at'),
        ],
        indices: [{ columns: ['order_id'], isUnique: true }, { columns: ['state'] }],
      }),
    );
    await runner.createTable(
      table(SCHEMA, 'refunds', {
        columns: [text('pay_id', 40, key), int('amount'), text('state', 10), time('updated_at')],
      }),
    );
    await runner.createTable(
      table(SCHEMA, 'refused_callbacks', {
        columns: [text('id', 40, key), text('pay_id', 40), text('reason', 200), time('refused_at')],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['refused_callbacks', 'refunds', 'payments']) {
      await runner.dropTable(`${SCHEMA}.${name}`);
    }
    await runner.dropSchema(SCHEMA);
  }
}
