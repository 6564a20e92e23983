import { ConsistencySetupError } from '../consistency.errors.js';

/** Where the tables of the toolkit lie. */
export interface TableOptions {
  /** Schema of the tables. Default: the first of the connection's search path. */
  readonly schema?: string;
  /** What the names of the tables begin with. Default `rocketmq_`. */
  readonly tablePrefix?: string;
}

/** One statement: its text and its values. */
export type RunSql = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Record<string, unknown>[]>;

const NAME = /^[a-z_][a-z0-9_]{0,40}$/;

/** The names of the tables as they stand in statements. */
export class SqlTables {
  readonly schema: string | undefined;
  readonly version: string;
  readonly idempotency: string;
  readonly fence: string;
  readonly outbox: string;
  private readonly prefix: string;

  /** Throws `ConsistencySetupError` for names that would need quoting. */
  constructor({ schema, tablePrefix = 'rocketmq_' }: TableOptions = {}) {
    for (const [option, name] of Object.entries({ schema, tablePrefix })) {
      if (name === undefined || NAME.test(name)) continue;
      throw new ConsistencySetupError(
        `The option '${option}' of the consistency storage must be a name of small letters, ` +
          `digits and _ (at most 41), but is ${JSON.stringify(name)}.`,
        { details: { [option]: name } },
      );
    }
    this.schema = schema;
    this.prefix = tablePrefix;
    this.version = this.table('consistency_version');
    this.idempotency = this.table('idempotency');
    this.fence = this.table('tx_log');
    this.outbox = this.table('outbox');
  }

  /** The name of an index; indexes lie in the schema of their table. */
  index(name: string): string {
    return `ix_${this.prefix}${name}`;
  }

  private table(name: string): string {
    const bare = `${this.prefix}${name}`;
    return this.schema === undefined ? bare : `${this.schema}.${bare}`;
  }
}
