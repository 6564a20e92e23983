import { RocketMQContext } from '../rocketmq.context.js';
import { ConsistencyKeyError } from './consistency.errors.js';
import type { IdempotencyEntry } from './storage/consistency-storage.js';

/** The property that names a message of the outbox; the same for every time it is sent. */
export const OUTBOX_ID_PROPERTY = 'ROCKETMQ_OUTBOX_ID';

/** As long as a key may be; the columns of the tables have this length. */
export const LONGEST_KEY = 255;

/** Scope of calls that name none. */
const DEFAULT_SCOPE = 'default';

/**
 * What shall happen once: a key (of the scope `default`), a key in a scope, or the message in hand
 * (its consumer group is the scope, and `messageKey` tells its key).
 */
export type OnceKey = string | { readonly key: string; readonly scope?: string } | RocketMQContext;

/** Throws `ConsistencyKeyError` for a key that is empty, too long or no text. */
export function checkedKey(what: string, key: unknown): string {
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return key;
  const shown = typeof key === 'string' ? `${key.slice(0, 60)} (${key.length} characters)` : key;
  throw new ConsistencyKeyError(
    `${what} must be a text of 1 to ${LONGEST_KEY} characters, but is ${String(shown) || 'empty'}; ` +
      'take an id of the fact that the message is about, or a hash of what identifies it.',
    { details: { key: shown } },
  );
}

/**
 * The key of a message when nobody names another: the id that the outbox gave it, which stays the
 * same when a relay sends twice, or else the id that its producer gave it, which stays the same when
 * the broker delivers twice.
 */
export function messageKey(context: RocketMQContext): string {
  return context.property(OUTBOX_ID_PROPERTY) ?? context.messageId;
}

/** The row of the idempotency table. */
export function entryOf(given: OnceKey): IdempotencyEntry {
  if (given instanceof RocketMQContext) {
    return checkedEntry(given.listener.group, messageKey(given));
  }
  if (typeof given === 'string') return checkedEntry(DEFAULT_SCOPE, given);
  return checkedEntry(given.scope ?? DEFAULT_SCOPE, given.key);
}

export function checkedEntry(scope: string, key: unknown): IdempotencyEntry {
  return {
    scope: checkedKey('The scope of an idempotent call', scope),
    key: checkedKey('The key of an idempotent call', key),
  };
}
