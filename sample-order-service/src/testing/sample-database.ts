import { DataSource } from 'typeorm';
import { pgliteDriver } from '../database/pglite-pool.js';
import { gatewayEntities } from '../gateway/gateway.entities.js';
import { inventoryEntities } from '../inventory/inventory.entities.js';
import { orderEntities } from '../orders/order.entities.js';
import { paymentEntities } from '../payments/payment.entities.js';
import { pointsEntities } from '../points/points.entities.js';
import { sampleMigrations } from '../database/database.module.js';
import { openEmptyDatabase } from './empty-database.js';

/**
 * All tables in an embedded database of their own, for specs. `destroy()` closes it.
 *
 * @param pool how long to wait for the one connection; may be changed later.
 */
export async function openSampleDatabase(
  pool: { leaseTimeoutMs: number } = { leaseTimeoutMs: 60_000 },
): Promise<DataSource> {
  const { database, remove } = await openEmptyDatabase();
  const dataSource = new DataSource({
    type: 'postgres',
    driver: pgliteDriver({
      database,
      onClosed: remove,
      get leaseTimeoutMs() {
        return pool.leaseTimeoutMs;
      },
    }),
    entities: [
      ...orderEntities,
      ...inventoryEntities,
      ...paymentEntities,
      ...gatewayEntities,
      ...pointsEntities,
    ],
    migrations: sampleMigrations,
    migrationsRun: true,
    installExtensions: false,
  });
  return dataSource.initialize();
}
