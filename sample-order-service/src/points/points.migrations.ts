import type { MigrationInterface, QueryRunner } from 'typeorm';
import { int, key, table, text, time } from '../database/tables.js';

const SCHEMA = 'points';

export class CreatePoints1763700000400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createSchema(SCHEMA, true);
    await runner.createTable(
      table(SCHEMA, 'accounts', { columns: [text('user_id', 64, key), int('balance')] }),
    );
    await runner.createTable(
      table(SCHEMA, 'entries', {
        columns: [
          text('order_id', 40, key),
          text('kind', 16, key),
          text('user_id', 64),
          int('points'),
          time('given_at'),
        ],
        indices: [{ columns: ['user_id'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['entries', 'accounts']) {
      await runner.dropTable(`${SCHEMA}.${name}`);
    }
    await runner.dropSchema(SCHEMA);
  }
}
