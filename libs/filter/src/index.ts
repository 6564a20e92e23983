export * from './filter.errors.js';
export * from './tag-filter.js';
export type { PropertyValues } from './sql-operands.js';
export * from './sql-filter.js';
