import { EventEmitter } from 'node:events';
import { timer } from 'rxjs';
import type { PGlite, QueryOptions } from '@electric-sql/pglite';
import { LeaseEndedError, LeaseTimeoutError } from '../sample.errors.js';
import { parametersToText, pgParsers, pgSerializers } from './pg-values.js';

/** What a query answers, as the `pg` package would. */
export interface PoolResult {
  readonly command: string;
  readonly rowCount: number;
  readonly rows: readonly Record<string, unknown>[];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

type QueryText = string | { readonly text: string; readonly values?: readonly unknown[] };
type ResultCallback = (error: Error | null, result?: PoolResult) => void;
type Release = (error?: unknown) => void;
type LeaseCallback = (error: Error | undefined, lease?: PgliteLease, release?: Release) => void;

export interface PglitePoolOptions {
  readonly database: PGlite;
  /** How long `connect` waits for the one connection, in milliseconds. */
  readonly leaseTimeoutMs: number;
  /** Runs after the database is closed, for example to let go of a lock file. */
  readonly onClosed?: () => void;
}

/** The one connection, lent to one user at a time; looks like a client of the `pg` package. */
export class PgliteLease extends EventEmitter {
  private isEnded = false;
  private mayBeInTransaction = false;

  constructor(
    private readonly database: PGlite,
    private readonly queryOptions: QueryOptions,
    private readonly onRelease: () => void,
  ) {
    super();
  }

  query(text: QueryText, values?: readonly unknown[]): Promise<PoolResult>;
  query(
    text: QueryText,
    values: readonly unknown[] | ResultCallback,
    callback?: ResultCallback,
  ): void;
  query(
    text: QueryText,
    values?: readonly unknown[] | ResultCallback,
    callback?: ResultCallback,
  ): Promise<PoolResult> | undefined {
    const sql = typeof text === 'string' ? text : text.text;
    const given = typeof text === 'string' ? undefined : text.values;
    const parameters = typeof values === 'function' ? given : (values ?? given);
    const done = typeof values === 'function' ? values : callback;
    const result = this.run(sql, parameters ?? []);
    if (done === undefined) return result;
    result.then(
      (answer) => done(null, answer),
      (error: Error) => done(error),
    );
    return undefined;
  }

  /** Gives the connection back; a transaction left open is rolled back first. */
  release: Release = () => {
    if (this.isEnded) return;
    this.isEnded = true;
    if (!this.mayBeInTransaction) {
      this.onRelease();
      return;
    }
    this.database
      .query('ROLLBACK')
      .catch((error: unknown) => this.emit('error', error))
      .finally(this.onRelease);
  };

  private async run(sql: string, parameters: readonly unknown[]): Promise<PoolResult> {
    if (this.isEnded) {
      throw new LeaseEndedError('This database connection was already given back.', {
        details: { sql },
      });
    }
    if (/^\s*(BEGIN|START)\b/i.test(sql)) this.mayBeInTransaction = true;
    const answer = await this.database.query<Record<string, unknown>>(
      sql,
      parametersToText(parameters),
      this.queryOptions,
    );
    const command = answer.command ?? '';
    const ends = command === 'COMMIT' || (command === 'ROLLBACK' && !/\bTO\b/i.test(sql));
    if (ends) this.mayBeInTransaction = false;
    return {
      command,
      rowCount: answer.rowCount ?? answer.affectedRows ?? 0,
      rows: answer.rows,
      fields: answer.fields,
    };
  }
}

/**
 * A pool in the shape of the `pg` package over a PGlite database, which has one session only: one
 * lease at a time, first come first served. Whoever waits longer than the lease time-out gets an
 * error with a text instead of a silent dead-lock; the usual cause is a query inside a transaction
 * that does not go through the transaction's own EntityManager.
 */
export class PglitePool extends EventEmitter {
  private readonly queryOptions: QueryOptions;
  private readonly waiting: ((lease: PgliteLease | Error) => void)[] = [];
  private isLeased = false;
  private isEnding = false;
  private ended: Promise<void> | undefined;
  private onIdle: (() => void) | undefined;

  constructor(private readonly options: PglitePoolOptions) {
    super();
    const { database } = options;
    this.queryOptions = {
      parsers: pgParsers(Object.keys(database.parsers).map(Number)),
      serializers: pgSerializers(Object.keys(database.serializers).map(Number)),
    };
  }

  /** Lends the connection; with a callback as `pg` has it, else as a promise of the lease. */
  connect(): Promise<PgliteLease>;
  connect(callback: LeaseCallback): void;
  connect(callback?: LeaseCallback): Promise<PgliteLease> | undefined {
    const leased = this.lease();
    if (callback === undefined) return leased;
    leased.then(
      (lease) => callback(undefined, lease, lease.release),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  /** One statement on a lease of its own. */
  async query(text: QueryText, values?: readonly unknown[]): Promise<PoolResult> {
    const lease = await this.lease();
    try {
      return await lease.query(text, values);
    } finally {
      lease.release();
    }
  }

  /** Waits for the lease that is out, then closes the database. */
  end(): Promise<void>;
  end(callback: (error?: Error) => void): void;
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    this.ended ??= this.close();
    if (callback === undefined) return this.ended;
    this.ended.then(
      () => callback(),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  private lease(): Promise<PgliteLease> {
    if (this.isEnding) {
      return Promise.reject(new LeaseEndedError('The database is closing; no query is taken.'));
    }
    if (!this.isLeased) return Promise.resolve(this.lend());
    return new Promise((resolve, reject) => {
      const timeout = timer(this.options.leaseTimeoutMs).subscribe(() => {
        this.waiting.splice(this.waiting.indexOf(answer), 1);
        reject(this.timeoutError());
      });
      const answer = (lease: PgliteLease | Error): void => {
        timeout.unsubscribe();
        if (lease instanceof Error) reject(lease);
        else resolve(lease);
      };
      this.waiting.push(answer);
    });
  }

  private timeoutError(): LeaseTimeoutError {
    const { leaseTimeoutMs } = this.options;
    return new LeaseTimeoutError(
      `The embedded database has one connection and nobody gave it back for ${leaseTimeoutMs} ms. ` +
        "Inside a transaction use only the transaction's EntityManager, and call nothing remote.",
      { details: { leaseTimeoutMs, waiting: this.waiting.length } },
    );
  }

  private lend(): PgliteLease {
    this.isLeased = true;
    return new PgliteLease(this.options.database, this.queryOptions, () => {
      this.isLeased = false;
      const next = this.waiting.shift();
      if (next !== undefined) next(this.lend());
      else this.onIdle?.();
    });
  }

  private async close(): Promise<void> {
    this.isEnding = true;
    for (const answer of this.waiting.splice(0)) {
      answer(new LeaseEndedError('The database is closing; no query is taken.'));
    }
    if (this.isLeased) await new Promise<void>((resolve) => (this.onIdle = resolve));
    await this.options.database.close();
    this.options.onClosed?.();
  }
}

/** What TypeORM takes as its `driver` in place of the `pg` package. */
export function pgliteDriver(options: PglitePoolOptions): { Pool: new () => PglitePool } {
  return {
    Pool: class extends PglitePool {
      constructor() {
        super(options);
      }
    },
  };
}
