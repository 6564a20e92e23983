import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { nodeFileSystem } from '@nestjs-rocketmq/embedded';
import { consistencyMigrations } from 'nestjs-rocketmq/consistency';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { CreateGateway1763700000300 } from '../gateway/gateway.migrations.js';
import { CreateInventory1763700000100 } from '../inventory/inventory.migrations.js';
import { CreateOrders1763700000500 } from '../orders/order.migrations.js';
import { CreatePayments1763700000200 } from '../payments/payment.migrations.js';
import { CreatePoints1763700000400 } from '../points/points.migrations.js';
import { openPglite } from './embedded-database.js';
import { pgliteDriver } from './pglite-pool.js';

/** The schema of what makes messages and tables agree. */
export const MESSAGING_SCHEMA = 'messaging';

/** Every module brings its own tables, and so does the consistency toolkit. */
export const sampleMigrations = [
  CreateInventory1763700000100,
  CreatePayments1763700000200,
  CreateGateway1763700000300,
  CreatePoints1763700000400,
  CreateOrders1763700000500,
  ...consistencyMigrations({ schema: MESSAGING_SCHEMA }),
];

/** The part of the options that both kinds of database share. */
const common = {
  type: 'postgres',
  autoLoadEntities: true,
  migrations: sampleMigrations,
  migrationsRun: true,
  installExtensions: false,
} as const satisfies TypeOrmModuleOptions;

/** A PostgreSQL server by its URL, or PGlite in a folder of ours: the same code on either. */
export async function databaseOptions(settings: Settings): Promise<TypeOrmModuleOptions> {
  const { databaseUrl, dataDir, leaseTimeout } = settings;
  if (databaseUrl !== undefined) return { ...common, url: databaseUrl, poolSize: 10 };
  const folder = join(dataDir, 'database');
  const { database, unlock } = await openPglite(nodeFileSystem, folder);
  const driver = pgliteDriver({ database, leaseTimeoutMs: leaseTimeout, onClosed: unlock });
  return { ...common, driver };
}

@Module({
  imports: [TypeOrmModule.forRootAsync({ inject: [SETTINGS], useFactory: databaseOptions })],
})
export class DatabaseModule {}
