import type { EntityManager } from 'typeorm';

/**
 * The time by the database's clock. Deadlines are set and compared by this one clock, so a service
 * whose own clock is wrong closes nothing early.
 */
export async function databaseTime(manager: EntityManager): Promise<Date> {
  const [row] = await manager.query<{ now: Date }[]>('SELECT CURRENT_TIMESTAMP AS now');
  if (row === undefined) throw new Error('The database did not tell the time.');
  return row.now;
}
