import type { StoredMessage } from '@nestjs-rocketmq/message';

/** `commit` delivers the message, `rollback` drops it, `unknown` lets the broker ask again. */
export type TransactionVerdict = 'commit' | 'rollback' | 'unknown';

/** What `execute` and `check` learn besides the payload. */
export interface TransactionContext {
  readonly topic: string;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly transactionId: string;
  /** The half message as the broker keeps it; only in `check`. */
  readonly message?: StoredMessage;
  /** How often the broker has asked; 0 in `execute`. */
  readonly checkTimes: number;
}

/** Answers the broker's questions about transactions; enough for `template.transaction`. */
export interface TransactionChecker<T = unknown> {
  /** What became of it? Asked of any process of the group: answer from the database, not memory. */
  check(payload: T, context: TransactionContext): TransactionVerdict | Promise<TransactionVerdict>;
}

/** What a class under `@RocketMQTransactionListener` implements to serve `sendInTransaction`. */
export interface TransactionHandler<T = unknown, A = unknown> extends TransactionChecker<T> {
  /**
   * The local transaction; runs when the half message is safely stored. An error means `unknown`:
   * the broker asks `check` later.
   */
  execute(
    payload: T,
    arg: A,
    context: TransactionContext,
  ): TransactionVerdict | Promise<TransactionVerdict>;
}

/**
 * The local transaction as a function, for `template.transaction`. `'rollback'` and `'unknown'`
 * decide so; anything else that it returns commits. An error means `unknown`.
 */
export type LocalTransaction = (context: TransactionContext) => unknown;
