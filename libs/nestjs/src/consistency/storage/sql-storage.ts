import { StorageConflictError } from '../consistency.errors.js';
import type {
  Claim,
  ConsistencyStorage,
  Decision,
  IdempotencyEntry,
  LeaseRequest,
  LeasedRecord,
  OutboxLag,
  OutboxRecord,
  PoisonedMessage,
  Retention,
  SendFailure,
} from './consistency-storage.js';
import { migrateUp, versionOf } from './sql-migrations.js';
import { SqlOutbox } from './sql-outbox.js';
import { SqlTables, type RunSql, type TableOptions } from './sql-tables.js';

/** A PostgreSQL database as its driver gives access to it. */
export interface SqlDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs statements inside a transaction. */
  inside(tx: Tx): RunSql;
  /** Runs one statement in a transaction of its own. */
  readonly run: RunSql;
}

/** The storage on PostgreSQL, whatever driver leads there. */
export class SqlStorage<Tx> implements ConsistencyStorage<Tx> {
  private readonly tables: SqlTables;
  private readonly outbox: SqlOutbox;

  constructor(
    private readonly database: SqlDatabase<Tx>,
    options?: TableOptions,
  ) {
    this.tables = new SqlTables(options);
    this.outbox = new SqlOutbox(this.tables);
  }

  migrate(): Promise<void> {
    return this.transaction((tx) => migrateUp(this.database.inside(tx), this.tables));
  }

  version(): Promise<number> {
    return versionOf(this.database.run, this.tables);
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  async claim(tx: Tx, { scope, key }: IdempotencyEntry): Promise<Claim> {
    const run = this.database.inside(tx);
    const { idempotency } = this.tables;
    const inserted = await run(
      `INSERT INTO ${idempotency} (scope, key) VALUES ($1, $2)
       ON CONFLICT DO NOTHING RETURNING key`,
      [scope, key],
    );
    if (inserted.length > 0) return { isFirst: true };
    const [row] = await run(`SELECT outcome FROM ${idempotency} WHERE scope = $1 AND key = $2`, [
      scope,
      key,
    ]);
    if (row === undefined) throw conflict(`The idempotency entry ${scope} ${key}`);
    return { isFirst: false, outcome: row['outcome'] as string | null };
  }

  async keepOutcome(tx: Tx, { scope, key }: IdempotencyEntry, outcome: string): Promise<void> {
    await this.database.inside(tx)(
      `UPDATE ${this.tables.idempotency} SET outcome = $3 WHERE scope = $1 AND key = $2`,
      [scope, key, outcome],
    );
  }

  markDone(tx: Tx, txKey: string): Promise<boolean> {
    return this.decide(this.database.inside(tx), txKey, 'DONE');
  }

  async markAborted(txKey: string): Promise<Decision> {
    if (await this.decide(this.database.run, txKey, 'ABORTED')) return 'ABORTED';
    const { state } = await this.decision(txKey, 0);
    if (state === undefined) throw conflict(`The decision about ${txKey}`);
    return state;
  }

  async decision(txKey: string, bornAt: number): ReturnType<ConsistencyStorage['decision']> {
    const [row] = await this.database.run(
      `SELECT (SELECT state FROM ${this.tables.fence} WHERE tx_key = $1) AS state,
              (extract(epoch FROM clock_timestamp()) * 1000 - $2::float8)::float8 AS age`,
      [txKey, bornAt],
    );
    const state = (row?.['state'] ?? undefined) as Decision | undefined;
    return { state, ageMs: row?.['age'] as number };
  }

  append(tx: Tx, message: OutboxRecord): Promise<void> {
    return this.outbox.append(this.database.inside(tx), message);
  }

  lease(request: LeaseRequest): Promise<readonly LeasedRecord[]> {
    return this.outbox.lease(this.database.run, request);
  }

  removeSent(ids: readonly string[]): Promise<void> {
    return this.outbox.removeSent(this.database.run, ids);
  }

  noteFailure(failure: SendFailure): Promise<void> {
    return this.outbox.noteFailure(this.database.run, failure);
  }

  release(owner: string, ids: readonly string[]): Promise<void> {
    return this.outbox.release(this.database.run, owner, ids);
  }

  lag(): Promise<OutboxLag> {
    return this.outbox.lag(this.database.run);
  }

  poisoned(limit: number): Promise<readonly PoisonedMessage[]> {
    return this.outbox.poisoned(this.database.run, limit);
  }

  revive(id: string): Promise<boolean> {
    return this.outbox.revive(this.database.run, id);
  }

  discard(id: string): Promise<boolean> {
    return this.outbox.discard(this.database.run, id);
  }

  async removeOld({ idempotencyMs, fenceMs, limit }: Retention): Promise<number> {
    const { idempotency, fence } = this.tables;
    const done = await this.removeRows(idempotency, 'done_at', idempotencyMs, limit);
    return done + (await this.removeRows(fence, 'decided_at', fenceMs, limit));
  }

  private async decide(run: RunSql, txKey: string, state: Decision): Promise<boolean> {
    const inserted = await run(
      `INSERT INTO ${this.tables.fence} (tx_key, state) VALUES ($1, $2)
       ON CONFLICT DO NOTHING RETURNING tx_key`,
      [txKey, state],
    );
    return inserted.length > 0;
  }

  private async removeRows(
    table: string,
    column: string,
    ageMs: number,
    limit: number,
  ): Promise<number> {
    const rows = await this.database.run(
      `WITH gone AS (
         DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM ${table}
           WHERE ${column} < clock_timestamp() - $1::float8 * interval '1 millisecond'
           ORDER BY ${column} LIMIT $2::int FOR UPDATE SKIP LOCKED))
         RETURNING 1)
       SELECT count(*)::int AS count FROM gone`,
      [ageMs, limit],
    );
    return rows[0]?.['count'] as number;
  }
}

/** The row was there and is gone: its retention ended in the very moment. */
function conflict(what: string): StorageConflictError {
  return new StorageConflictError(`${what} was removed while it was read; try again.`, {
    retriable: true,
  });
}
