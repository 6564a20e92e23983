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

/** What a class under `@RocketMQTransactionListener` implements. */
export interface TransactionHandler<T = unknown, A = unknown> {
  /**
   * The local transaction; runs when the half message is stored. An error means `unknown`: the
   * broker asks `check` later.
   */
  execute(
    payload: T,
    arg: A,
    context: TransactionContext,
  ): TransactionVerdict | Promise<TransactionVerdict>;
  /** What became of it? Asked of any process of the group: answer from the database, not memory. */
  check(payload: T, context: TransactionContext): TransactionVerdict | Promise<TransactionVerdict>;
}
