import { Table, TableCheck, TableColumn, TableIndex } from 'typeorm';
import type { TableColumnOptions } from 'typeorm';

/** Short forms for migrations; the types are those that PostgreSQL and MySQL both have. */
export const text = (name: string, length: number, more: Partial<TableColumnOptions> = {}) =>
  new TableColumn({ name, type: 'varchar', length: String(length), ...more });

export const int = (name: string, more: Partial<TableColumnOptions> = {}) =>
  new TableColumn({ name, type: 'int', ...more });

export const time = (name: string, more: Partial<TableColumnOptions> = {}) =>
  new TableColumn({ name, type: 'timestamptz', ...more });

export const key = { isPrimary: true } as const;

export interface TableShape {
  readonly columns: TableColumn[];
  readonly checks?: readonly { readonly name: string; readonly expression: string }[];
  readonly indices?: readonly { readonly columns: string[]; readonly isUnique?: boolean }[];
}

/** A table in the schema of its module. */
export function table(schema: string, name: string, shape: TableShape): Table {
  return new Table({
    schema,
    name: `${schema}.${name}`,
    columns: shape.columns,
    checks: (shape.checks ?? []).map((check) => new TableCheck(check)),
    indices: (shape.indices ?? []).map(
      ({ columns, isUnique = false }) =>
        new TableIndex({
          name: `${isUnique ? 'uq' : 'ix'}_${name}_${columns.join('_')}`,
          columnNames: columns,
          isUnique,
        }),
    ),
  });
}
