import { openEmptyDatabase, PglitePool } from 'sample-order-service/testing';

/** A request of the application's pool. */
export interface SqlRequest {
  readonly id: number;
  readonly what: 'connect' | 'query' | 'release';
  readonly lease: number;
  readonly text?: string;
  readonly values?: unknown[];
}

type Answer = (answer: object) => void;
interface Client {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
  release(): void;
}

/** The database of all applications of a campaign. */
export class Database {
  private constructor(
    private readonly pool: PglitePool,
    private readonly remove: () => void,
  ) {}

  static async open(): Promise<Database> {
    const opened = await openEmptyDatabase();
    const pool = new PglitePool({ database: opened.database, leaseTimeoutMs: 120_000 });
    await pool.query('CREATE TABLE effects (topic text NOT NULL, id text NOT NULL)');
    return new Database(pool, () => opened.remove());
  }

  /** How many effects each order of a topic has had. */
  async effects(topic: string): Promise<Map<string, number>> {
    const text = 'SELECT id, count(*)::int AS n FROM effects WHERE topic = $1 GROUP BY id';
    const { rows } = await this.pool.query(text, [topic]);
    return new Map((rows as { id: string; n: number }[]).map(({ id, n }) => [id, n]));
  }

  /** The connections of one process. */
  connections(): ProcessConnections {
    return new ProcessConnections(this.pool);
  }

  async close(): Promise<void> {
    await this.pool.end();
    this.remove();
  }
}

/** What a server keeps of a client process: what it left open is rolled back when it is gone. */
export class ProcessConnections {
  private readonly leases = new Map<number, Client>();
  private isGone = false;

  constructor(private readonly pool: PglitePool) {}

  async serve(request: SqlRequest, answer: Answer): Promise<void> {
    const { id, what, lease, text = '', values } = request;
    try {
      if (what === 'connect') await this.lend(lease);
      const client = this.leases.get(lease);
      if (what === 'query') {
        const { rows } = (await client?.query(text, values)) ?? { rows: [] };
        return answer({ id, rows });
      }
      if (what === 'release') this.give(lease);
      answer({ id, rows: [] });
    } catch (error) {
      const { message, code } = error as { message: string; code?: string };
      answer({ id, error: { message, code } });
    }
  }

  /** The process has ended. */
  async gone(): Promise<void> {
    this.isGone = true;
    for (const [lease, client] of this.leases) {
      await client.query('ROLLBACK').catch(() => undefined);
      this.give(lease);
    }
  }

  private async lend(lease: number): Promise<void> {
    const client = (await (this.pool.connect() as Promise<unknown>)) as Client;
    if (this.isGone) client.release();
    else this.leases.set(lease, client);
  }

  private give(lease: number): void {
    this.leases.get(lease)?.release();
    this.leases.delete(lease);
  }
}
