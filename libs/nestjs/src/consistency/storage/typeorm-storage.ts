import { ConsistencySetupError } from '../consistency.errors.js';
import type { ConsistencyStorage } from './consistency-storage.js';
import { migrateDown, migrateUp } from './sql-migrations.js';
import { SqlStorage } from './sql-storage.js';
import { SqlTables, type RunSql, type TableOptions } from './sql-tables.js';

/** What is used of TypeORM's `EntityManager` and `QueryRunner`. */
export interface TypeOrmQueryable {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/** What is used of TypeORM's `DataSource`; `M` is its `EntityManager`. */
export interface TypeOrmDataSourceLike<M extends TypeOrmQueryable = TypeOrmQueryable> {
  readonly options: { readonly type: string };
  readonly manager: M;
  transaction<T>(work: (manager: M) => Promise<T>): Promise<T>;
}

/** What TypeORM runs as a migration. */
export interface TypeOrmMigration {
  readonly name: string;
  up(runner: TypeOrmQueryable): Promise<void>;
  down(runner: TypeOrmQueryable): Promise<void>;
}

const dialects = ['postgres', 'aurora-postgres'];

/**
 * Keeps the tables of the toolkit in the PostgreSQL database of a TypeORM `DataSource`. What
 * `once`, `execute` and the outbox hand to your code as `tx` is the transaction's `EntityManager`.
 *
 * @example
 * ```ts
 * RocketMQConsistencyModule.forRootAsync({
 *   inject: [DataSource],
 *   useFactory: (dataSource: DataSource) => ({ storage: typeOrmStorage(dataSource) }),
 * });
 * ```
 *
 * @param options schema and names of the tables; give the migrations the same.
 */
export function typeOrmStorage<M extends TypeOrmQueryable>(
  dataSource: TypeOrmDataSourceLike<M>,
  options?: TableOptions,
): ConsistencyStorage<M> {
  const { type } = dataSource.options;
  if (!dialects.includes(type)) {
    throw new ConsistencySetupError(
      `typeOrmStorage speaks PostgreSQL, but the DataSource is of type '${type}'; implement ` +
        'ConsistencyStorage for it, or give the toolkit a PostgreSQL database.',
      { details: { type } },
    );
  }
  return new SqlStorage<M>(
    {
      transaction: (work) => dataSource.transaction(work),
      inside,
      run: (text, values) => inside(dataSource.manager)(text, values),
    },
    options,
  );
}

/** TypeORM gives the rows, except for UPDATE and DELETE; those statements are written as SELECT. */
function inside(queryable: TypeOrmQueryable): RunSql {
  return async (text, values) => {
    const rows = await queryable.query(text, values === undefined ? undefined : [...values]);
    return (rows ?? []) as Record<string, unknown>[];
  };
}

/**
 * The toolkit's tables as migrations of TypeORM: `migrations: [...consistencyMigrations(), ...]`.
 * The same names and the same options every time; a new release adds further ones at the end.
 */
export function consistencyMigrations(options?: TableOptions): (new () => TypeOrmMigration)[] {
  const tables = new SqlTables(options);
  return [
    class RocketMQConsistency1763740800000 implements TypeOrmMigration {
      readonly name = 'RocketMQConsistency1763740800000';

      up(runner: TypeOrmQueryable): Promise<void> {
        return migrateUp(inside(runner), tables);
      }

      down(runner: TypeOrmQueryable): Promise<void> {
        return migrateDown(inside(runner), tables);
      }
    },
  ];
}
