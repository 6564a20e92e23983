import type {
  LeaseRequest,
  LeasedRecord,
  OutboxLag,
  OutboxRecord,
  PoisonedMessage,
  SendFailure,
} from './consistency-storage.js';
import type { RunSql, SqlTables } from './sql-tables.js';

/** As much of an error as is kept. */
const ERROR_LENGTH = 1_000;

/** The statements of the outbox. */
export class SqlOutbox {
  constructor(private readonly tables: SqlTables) {}

  async append(run: RunSql, message: OutboxRecord): Promise<void> {
    const { id, orderKey, destination, body, options } = message;
    // A number drawn from the sequence says nothing about who commits first; the lock does.
    await run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `${this.tables.outbox} ${orderKey}`,
    ]);
    await run(
      `INSERT INTO ${this.tables.outbox} (id, order_key, destination, body, options)
       VALUES ($1, $2, $3, $4, $5)`,
      [id, orderKey, destination, Buffer.from(body), options],
    );
  }

  /**
   * The oldest row of a key stands for the key: whoever has locked and leased it has the rows
   * behind it, too. A row whose lease another relay took meanwhile is looked at again by
   * PostgreSQL before it is locked, and left out.
   */
  async lease(run: RunSql, request: LeaseRequest): Promise<readonly LeasedRecord[]> {
    const { outbox } = this.tables;
    const { owner, leaseMs, keys, perKey, isHeld, isForced, orderKey } = request;
    const rows = await run(
      `WITH heads AS (
         SELECT o.order_key FROM ${outbox} o
         WHERE o.state = 'WAITING'
           AND ($7::boolean OR o.next_at <= clock_timestamp())
           AND (o.leased_until IS NULL OR o.leased_until <= clock_timestamp())
           AND ($6::text IS NULL OR o.order_key = $6::text)
           AND NOT EXISTS (
             SELECT 1 FROM ${outbox} e
             WHERE e.order_key = o.order_key AND e.seq < o.seq
               AND (e.state = 'WAITING' OR $5::boolean))
         ORDER BY o.seq LIMIT $3::int
         FOR UPDATE SKIP LOCKED
       ), places AS (
         SELECT o.seq, row_number() OVER (PARTITION BY o.order_key ORDER BY o.seq) AS place
         FROM ${outbox} o
         WHERE o.state = 'WAITING' AND o.order_key IN (SELECT order_key FROM heads)
       ), leased AS (
         UPDATE ${outbox} o
         SET leased_by = $1,
             leased_until = clock_timestamp() + $2::float8 * interval '1 millisecond'
         FROM places p
         WHERE p.seq = o.seq AND p.place <= $4::int
         RETURNING o.seq, o.id, o.order_key, o.destination, o.body, o.options, o.attempts
       )
       SELECT * FROM leased ORDER BY seq`,
      [owner, leaseMs, keys, perKey, isHeld, orderKey ?? null, isForced],
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      orderKey: row['order_key'] as string,
      destination: row['destination'] as string,
      body: row['body'] as Uint8Array,
      options: row['options'] as string,
      attempts: row['attempts'] as number,
    }));
  }

  async removeSent(run: RunSql, ids: readonly string[]): Promise<void> {
    await run(`DELETE FROM ${this.tables.outbox} WHERE id = ANY($1::text[])`, [[...ids]]);
  }

  async noteFailure(run: RunSql, failure: SendFailure): Promise<void> {
    const { id, owner, error, retryInMs } = failure;
    const state = retryInMs === undefined ? 'POISONED' : 'WAITING';
    await run(
      `UPDATE ${this.tables.outbox}
       SET attempts = attempts + 1, last_error = $3, state = $4, leased_by = NULL,
           leased_until = NULL,
           next_at = clock_timestamp() + $5::float8 * interval '1 millisecond'
       WHERE id = $1 AND leased_by = $2`,
      [id, owner, error.slice(0, ERROR_LENGTH), state, retryInMs ?? 0],
    );
  }

  async release(run: RunSql, owner: string, ids: readonly string[]): Promise<void> {
    await run(
      `UPDATE ${this.tables.outbox} SET leased_by = NULL, leased_until = NULL
       WHERE id = ANY($1::text[]) AND leased_by = $2`,
      [[...ids], owner],
    );
  }

  async lag(run: RunSql): Promise<OutboxLag> {
    const [row] = await run(
      `SELECT (count(*) FILTER (WHERE state = 'WAITING'))::int AS waiting,
              (count(*) FILTER (WHERE state = 'POISONED'))::int AS poisoned,
              (extract(epoch FROM clock_timestamp()
                - min(created_at) FILTER (WHERE state = 'WAITING')) * 1000)::float8 AS age
       FROM ${this.tables.outbox}`,
    );
    return {
      waiting: row?.['waiting'] as number,
      poisoned: row?.['poisoned'] as number,
      oldestAgeMs: (row?.['age'] ?? undefined) as number | undefined,
    };
  }

  async poisoned(run: RunSql, limit: number): Promise<readonly PoisonedMessage[]> {
    const rows = await run(
      `SELECT id, order_key, destination, attempts, last_error,
              (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age
       FROM ${this.tables.outbox} WHERE state = 'POISONED' ORDER BY seq LIMIT $1::int`,
      [limit],
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      orderKey: row['order_key'] as string,
      destination: row['destination'] as string,
      attempts: row['attempts'] as number,
      error: row['last_error'] as string,
      ageMs: row['age'] as number,
    }));
  }

  async revive(run: RunSql, id: string): Promise<boolean> {
    const rows = await run(
      `WITH changed AS (
         UPDATE ${this.tables.outbox}
         SET state = 'WAITING', attempts = 0, next_at = clock_timestamp()
         WHERE id = $1 AND state = 'POISONED' RETURNING id)
       SELECT id FROM changed`,
      [id],
    );
    return rows.length > 0;
  }

  async discard(run: RunSql, id: string): Promise<boolean> {
    const rows = await run(
      `WITH gone AS (
         DELETE FROM ${this.tables.outbox} WHERE id = $1 AND state = 'POISONED' RETURNING id)
       SELECT id FROM gone`,
      [id],
    );
    return rows.length > 0;
  }
}
