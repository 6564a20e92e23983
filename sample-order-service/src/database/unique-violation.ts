import { QueryFailedError } from 'typeorm';

/** PostgreSQL's code for a row whose key is taken. */
const UNIQUE_VIOLATION = '23505';

/**
 * Whether an error says that a key is taken.
 *
 * @param constraint only this one counts, when given.
 */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const cause = error.driverError as { code?: string; constraint?: string };
  if (cause.code !== UNIQUE_VIOLATION) return false;
  return constraint === undefined || cause.constraint === constraint;
}
