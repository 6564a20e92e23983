import type { RunSql, SqlTables } from './sql-tables.js';

/** One number makes every process of one database wait for the same lock. */
const MIGRATION_LOCK = 7_620_911;

/** What leads from each version to the next; a released entry is never changed. */
const versions: readonly ((tables: SqlTables) => readonly string[])[] = [
  (tables) => [
    `CREATE TABLE ${tables.idempotency} (
       scope varchar(255) NOT NULL,
       key varchar(255) NOT NULL,
       outcome text,
       done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (scope, key))`,
    `CREATE INDEX ${tables.index('idempotency_done_at')} ON ${tables.idempotency} (done_at)`,
    `CREATE TABLE ${tables.fence} (
       tx_key varchar(255) PRIMARY KEY,
       state varchar(7) NOT NULL CHECK (state IN ('DONE', 'ABORTED')),
       decided_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    `CREATE INDEX ${tables.index('tx_log_decided_at')} ON ${tables.fence} (decided_at)`,
    `CREATE TABLE ${tables.outbox} (
       seq bigserial PRIMARY KEY,
       id varchar(64) NOT NULL UNIQUE,
       order_key varchar(255) NOT NULL,
       destination varchar(512) NOT NULL,
       body bytea NOT NULL,
       options text NOT NULL,
       state varchar(8) NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'POISONED')),
       attempts integer NOT NULL DEFAULT 0,
       last_error text,
       created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       leased_by varchar(64),
       leased_until timestamptz)`,
    `CREATE INDEX ${tables.index('outbox_order')} ON ${tables.outbox} (order_key, seq)`,
  ],
];

/** The version that this release works with. */
export const CONSISTENCY_VERSION = versions.length;

/** The version of the tables; 0 when there are none. */
export async function versionOf(run: RunSql, tables: SqlTables): Promise<number> {
  const [found] = await run('SELECT to_regclass($1) IS NOT NULL AS known', [tables.version]);
  if (found?.['known'] !== true) return 0;
  const [row] = await run(
    `SELECT coalesce(max(version), 0)::int AS version FROM ${tables.version}`,
  );
  return (row?.['version'] ?? 0) as number;
}

/** Applies what is missing; to be called inside a transaction. */
export async function migrateUp(run: RunSql, tables: SqlTables): Promise<void> {
  await run('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  if (tables.schema !== undefined) await createSchema(run, tables.schema);
  let version = await versionOf(run, tables);
  if (version === 0) {
    await run(`CREATE TABLE IF NOT EXISTS ${tables.version} (
      version integer PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  }
  for (const statements of versions.slice(version)) {
    for (const statement of statements(tables)) await run(statement);
    version += 1;
    await run(`INSERT INTO ${tables.version} (version) VALUES ($1)`, [version]);
  }
}

/** Drops the tables; to be called inside a transaction. A schema stays: others may live in it. */
export async function migrateDown(run: RunSql, tables: SqlTables): Promise<void> {
  for (const table of [tables.outbox, tables.fence, tables.idempotency, tables.version]) {
    await run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** Asked first: whoever may not make schemas may still use one that is there. */
async function createSchema(run: RunSql, schema: string): Promise<void> {
  const [found] = await run('SELECT to_regnamespace($1) IS NOT NULL AS known', [schema]);
  if (found?.['known'] !== true) await run(`CREATE SCHEMA ${schema}`);
}
