import type { MigrationInterface, QueryRunner } from 'typeorm';
import { int, key, table, text, time } from '../database/tables.js';

const SCHEMA = 'inventory';

/** The shelf at first: price in cents, pieces. */
export const FIRST_STOCK = [
  { sku: 'tea-green', name: 'Green tea, 100 g', price: 1250, onHand: 1000 },
  { sku: 'tea-black', name: 'Black tea, 100 g', price: 990, onHand: 1000 },
  { sku: 'teapot', name: 'Teapot of clay', price: 4900, onHand: 200 },
  { sku: 'phone', name: 'A phone', price: 100000, onHand: 999 },
] as const;

export class CreateInventory1763700000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createSchema(SCHEMA, true);
    await runner.createTable(
      table(SCHEMA, 'skus', {
        columns: [
          text('sku', 32, key),
          text('name', 80),
          int('price'),
          int('on_hand'),
          int('initial'),
          int('restocked'),
        ],
        checks: [{ name: 'ck_skus_on_hand', expression: 'on_hand >= 0' }],
      }),
    );
    await runner.createTable(
      table(SCHEMA, 'reservations', {
        columns: [
          text('order_id', 40, key),
          text('sku', 32, key),
          int('quantity'),
          text('state', 10),
          time('updated_at'),
        ],
        indices: [{ columns: ['state'] }],
      }),
    );
    for (const { sku, name, price, onHand } of FIRST_STOCK) {
      await runner.query(
        `INSERT INTO ${SCHEMA}.skus (sku, name, price, on_hand, initial, restocked)
         VALUES ($1, $2, $3, $4, $4, 0)`,
        [sku, name, price, onHand],
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['reservations', 'skus']) {
      await runner.dropTable(`${SCHEMA}.${name}`);
    }
    await runner.dropSchema(SCHEMA);
  }
}
