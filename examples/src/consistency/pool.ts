import { PGlite, type Results } from '@electric-sql/pglite';

/** What the storage of the toolkit needs of a client of `pg`. */
export interface Client {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  release(): void;
}

/**
 * A PostgreSQL inside this process, so that the example needs no server. It has one connection, which
 * is lent to one at a time. In an application this is `new Pool({ connectionString })` of `pg`.
 */
export class EmbeddedPool {
  private readonly database = new PGlite();
  private last: Promise<void> = Promise.resolve();

  async connect(): Promise<Client> {
    const before = this.last;
    let release: () => void = () => undefined;
    this.last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return { query: (text, values) => this.run(text, values), release };
  }

  async end(): Promise<void> {
    await this.database.close();
  }

  /** Statements without values may be several at once. */
  private async run(text: string, values?: unknown[]): Promise<{ rows: readonly unknown[] }> {
    if (values !== undefined) return this.database.query(text, values);
    const results = await this.database.exec(text);
    return (results.at(-1) as Results | undefined) ?? { rows: [] };
  }
}
