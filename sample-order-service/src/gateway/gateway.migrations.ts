import { TableColumn } from 'typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { int, key, table, text, time } from '../database/tables.js';

const SCHEMA = 'gateway';

export class CreateGateway1763700000300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createSchema(SCHEMA, true);
    await runner.createTable(
      table(SCHEMA, 'charges', {
        columns: [
          text('pay_id', 40, key),
          int('amount'),
          text('state', 10),
          text('reference', 40),
          new TableColumn({ name: 'is_acknowledged', type: 'boolean' }),
          time('notify_at', { isNullable: true }),
          time('captured_at', { isNullable: true }),
        ],
        indices: [{ columns: ['notify_at'] }, { columns: ['is_acknowledged'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(`${SCHEMA}.charges`);
    await runner.dropSchema(SCHEMA);
  }
}
