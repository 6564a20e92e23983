import type { PgClientLike, PgPoolLike } from 'nestjs-rocketmq/consistency';

/** The connection is gone, as `pg` tells it. */
export class ConnectionLostError extends Error {
  constructor(when: string) {
    super(`Connection terminated unexpectedly (${when})`);
  }
}

/**
 * A pool whose connections break: before a statement, or after it, when nobody knows whether it was
 * done. A broken connection stays broken, and the server rolls back what it had begun.
 */
export class FaultyPool implements PgPoolLike {
  /** Asked before and after every statement; true: the connection breaks now. */
  breaks: (when: 'before' | 'after', sql: string) => boolean = () => false;

  constructor(private readonly pool: PgPoolLike) {}

  connect(): Promise<PgClientLike>;
  connect(callback: (error: Error | undefined, client: never, release: never) => void): void;
  async connect(): Promise<PgClientLike> {
    return this.wrap(await this.pool.connect());
  }

  private wrap(client: PgClientLike): PgClientLike {
    let broken: ConnectionLostError | undefined;
    const pass = (when: 'before' | 'after', sql: string): void => {
      if (this.breaks(when, sql)) broken = new ConnectionLostError(`${when} ${sql.slice(0, 40)}`);
      if (broken !== undefined) throw broken;
    };
    return {
      query: async (sql, values) => {
        if (broken !== undefined) throw broken;
        pass('before', sql);
        const result = await client.query(sql, values);
        pass('after', sql);
        return result;
      },
      release: (error) => client.release(broken ?? error),
    };
  }
}
