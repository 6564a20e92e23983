import type { DataSource, EntityManager, EntityTarget } from 'typeorm';
import { databaseTime } from './database-time.js';
import { isUniqueViolation } from './unique-violation.js';
import type { TransactionLogColumns } from './log-entities.js';
import { FencedError } from '../sample.errors.js';

export type CheckAnswer = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

/** A half message that the broker asks about. */
export interface HalfMessage {
  readonly txKey: string;
  readonly kind: string;
  /** When the producer made it. */
  readonly bornAt: Date;
}

/**
 * Writes, inside the local transaction, that it happened.
 *
 * @throws FencedError when a check-back has already answered that it did not.
 */
export async function recordDone(
  manager: EntityManager,
  log: EntityTarget<TransactionLogColumns>,
  txKey: string,
  kind: string,
): Promise<void> {
  try {
    await manager.insert(log, {
      txKey,
      kind,
      state: 'DONE',
      decidedAt: await databaseTime(manager),
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FencedError(`The attempt ${txKey} came too late and was undone; please try again.`, {
      cause: error,
      details: { txKey, kind },
    });
  }
}

/**
 * Answers a check-back from the database, never from memory: any process of the group may be
 * asked. "No row, so roll back" alone would be wrong, since the local transaction may still be
 * running; therefore an old half message without a row gets an ABORTED row first, and the local
 * transaction, should it still come, fails on that key.
 *
 * @param localDeadlineMs how long a local transaction may take before it is fenced.
 */
export async function answerCheck(
  dataSource: DataSource,
  log: EntityTarget<TransactionLogColumns>,
  half: HalfMessage,
  localDeadlineMs: number,
): Promise<CheckAnswer> {
  const found = await decided(dataSource.manager, log, half.txKey);
  if (found !== undefined) return found;
  const now = await databaseTime(dataSource.manager);
  if (now.getTime() - half.bornAt.getTime() < localDeadlineMs) return 'UNKNOWN';
  try {
    await dataSource.manager.insert(log, {
      txKey: half.txKey,
      kind: half.kind,
      state: 'ABORTED',
      decidedAt: now,
    });
    return 'ROLLBACK';
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return (await decided(dataSource.manager, log, half.txKey)) ?? 'UNKNOWN';
  }
}

async function decided(
  manager: EntityManager,
  log: EntityTarget<TransactionLogColumns>,
  txKey: string,
): Promise<CheckAnswer | undefined> {
  const row = await manager.findOneBy(log, { txKey });
  if (row === null) return undefined;
  return row.state === 'DONE' ? 'COMMIT' : 'ROLLBACK';
}
