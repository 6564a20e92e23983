import type { ConsistencyStorage } from './consistency-storage.js';
import { SqlStorage } from './sql-storage.js';
import type { RunSql, TableOptions } from './sql-tables.js';

/** What is used of a client of the package `pg`. */
export interface PgClientLike {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  release(error?: Error | boolean): void;
}

/** What is used of a `Pool` of the package `pg`; `C` is its client. */
export interface PgPoolLike<C extends PgClientLike = PgClientLike> {
  connect(): Promise<C>;
  connect(callback: (error: Error | undefined, client: never, release: never) => void): void;
}

/**
 * Keeps the tables of the toolkit in a PostgreSQL database that is reached by the package `pg`.
 * What `once`, `execute` and the outbox hand to your code as `tx` is a client of the pool, inside
 * a transaction.
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString });
 * RocketMQConsistencyModule.forRoot({ storage: pgStorage(pool), migrate: true });
 * ```
 *
 * @param options schema and names of the tables.
 */
export function pgStorage<C extends PgClientLike>(
  pool: PgPoolLike<C>,
  options?: TableOptions,
): ConsistencyStorage<C> {
  return new SqlStorage<C>(
    {
      transaction: (work) => inTransaction(pool, work),
      inside,
      run: async (text, values) => {
        const client = await pool.connect();
        let failure: Error | undefined;
        try {
          return await inside(client)(text, values);
        } catch (error) {
          failure = brokenBy(error);
          throw error;
        } finally {
          client.release(failure);
        }
      },
    },
    options,
  );
}

function inside(client: PgClientLike): RunSql {
  return async (text, values) => {
    const { rows } = await client.query(text, values === undefined ? undefined : [...values]);
    return rows as readonly Record<string, unknown>[];
  };
}

async function inTransaction<C extends PgClientLike, T>(
  pool: PgPoolLike<C>,
  work: (tx: C) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    failure = brokenBy(error);
    await client.query('ROLLBACK').catch((second: unknown) => {
      // A client that cannot even roll back is of no use to the next one.
      failure = second instanceof Error ? second : new Error(String(second));
    });
    throw error;
  } finally {
    client.release(failure);
  }
}

/** PostgreSQL's own refusals carry a five-digit code; what else fails may be the connection. */
function brokenBy(error: unknown): Error | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  const isRefusal = typeof code === 'string' && severity === 'ERROR';
  return isRefusal || !(error instanceof Error) ? undefined : connectionError(error);
}

function connectionError(error: Error): Error | undefined {
  return /connection|socket|ECONN|EPIPE|terminat/i.test(error.message) ? error : undefined;
}
