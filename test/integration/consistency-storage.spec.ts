import {
  consistencyMigrations,
  pgStorage,
  typeOrmStorage,
  type ConsistencyStorage,
} from 'nestjs-rocketmq/consistency';
import { openEmptyDatabase, pgliteDriver, PglitePool } from 'sample-order-service/testing';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { contract } from '../consistency/contract.js';

const opened = await openEmptyDatabase();
const pool = new PglitePool({ database: opened.database, leaseTimeoutMs: 60_000 });
const dataSource = new DataSource({
  type: 'postgres',
  driver: pgliteDriver({ database: opened.database, leaseTimeoutMs: 60_000 }),
  migrations: consistencyMigrations({ schema: 'by_typeorm' }),
  installExtensions: false,
});

afterAll(async () => {
  await pool.end();
  opened.remove();
});

describe('the consistency storage by pg', () => {
  const storage: ConsistencyStorage = pgStorage(pool, { tablePrefix: 'by_pg_' });
  beforeAll(() => storage.migrate());

  for (const { title, run } of contract) it(title, () => run(storage));
});

describe('the consistency storage by TypeORM', () => {
  let storage: ConsistencyStorage;
  beforeAll(async () => {
    await dataSource.initialize();
    await dataSource.runMigrations();
    storage = typeOrmStorage(dataSource, { schema: 'by_typeorm' });
  });

  for (const { title, run } of contract) it(title, () => run(storage));

  it('takes its tables away again when the migration is reverted', async () => {
    await dataSource.undoLastMigration();
    expect(await storage.version()).toBe(0);
    await dataSource.runMigrations();
    expect(await storage.version()).toBe(1);
  });
});

describe('what work inside a transaction is given', () => {
  it("is the driver's own type, found by the compiler", () => {
    const byPg = (real: Pool) =>
      pgStorage(real).transaction((tx) => Promise.resolve(tx.escapeLiteral('x')));
    const byTypeOrm = (real: DataSource) =>
      typeOrmStorage(real).transaction((tx) =>
        Promise.resolve(tx.queryRunner?.isTransactionActive),
      );
    expect([byPg, byTypeOrm]).toHaveLength(2);
  });
});
