/** For tests of other packages (`sample-order-service/testing`): a database and a broker in memory. */
export { openPglite, type OpenedDatabase } from '../database/embedded-database.js';
export {
  pgliteDriver,
  PglitePool,
  type PgliteLease,
  type PglitePoolOptions,
} from '../database/pglite-pool.js';
export { openEmptyDatabase, putEmptyDatabase } from './empty-database.js';
export { MemoryCluster, type Faults } from './memory-cluster.js';
