import type { DataSource, EntityManager, EntityTarget } from 'typeorm';
import type { ConsumeLogColumns } from './log-entities.js';
import { databaseTime } from './database-time.js';

/** A message as the consume log knows it. */
export interface Consumed {
  readonly group: string;
  /** The business key: two messages about the same fact have the same key. */
  readonly key: string;
  readonly messageId: string;
}

/**
 * Runs an effect exactly once for a group and key: the log row and the effect are one database
 * transaction, so a message that comes again finds the row and changes nothing. Only "done" is
 * recorded; a failed effect leaves no row and the message is delivered again.
 *
 * @returns false when it had been done before.
 */
export async function consumeOnce(
  dataSource: DataSource,
  log: EntityTarget<ConsumeLogColumns>,
  message: Consumed,
  effect: (manager: EntityManager) => Promise<void>,
): Promise<boolean> {
  return dataSource.transaction(async (manager) => {
    const inserted = await manager
      .createQueryBuilder()
      .insert()
      .into(log)
      .values({
        consumerGroup: message.group,
        messageKey: message.key,
        messageId: message.messageId,
        consumedAt: await databaseTime(manager),
      })
      .orIgnore()
      .returning('message_key')
      .execute();
    if ((inserted.raw as unknown[]).length === 0) return false;
    await effect(manager);
    return true;
  });
}
