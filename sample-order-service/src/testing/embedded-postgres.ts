/** PostgreSQL inside the process for tests of other packages: `sample-order-service/testing`. */
export { pgliteDriver, PglitePool, type PglitePoolOptions } from '../database/pglite-pool.js';
export { openEmptyDatabase, putEmptyDatabase } from './empty-database.js';
