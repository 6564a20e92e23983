/** Consistency toolkit: what an application needs beside messages to stay consistent. */
export * from './consistency.errors.js';
export { RocketMQConsistencyModule } from './consistency.module.js';
export * from './consistency.options.js';
export * from './consistency.tokens.js';
export * from './idempotency.service.js';
export * from './idempotent.decorator.js';
export { OUTBOX_ID_PROPERTY, messageKey, type OnceKey } from './keys.js';
export {
  OutboxRelay,
  type RelayFailure,
  type RelayRound,
  type RoundRequest,
} from './outbox/outbox-relay.js';
export * from './outbox/outbox.service.js';
export * from './storage/consistency-storage.js';
export * from './storage/pg-storage.js';
export { CONSISTENCY_VERSION } from './storage/sql-migrations.js';
export type { TableOptions } from './storage/sql-tables.js';
export * from './storage/typeorm-storage.js';
export * from './transaction-fence.js';
