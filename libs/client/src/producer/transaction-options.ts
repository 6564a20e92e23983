import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import { anObject, type Duration } from '../client-options.js';
import type { ProducerOptions } from './producer-options.js';
import type { SendOptions, SendResult } from './send-result.js';

/**
 * What becomes of a half message: `COMMIT` delivers it, `ROLLBACK` withdraws it, `UNKNOWN` lets the
 * broker ask again later.
 */
export type TransactionVerdict = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

/** What the local transaction learns about its message. */
export interface TransactionContext {
  /** The message's unique key; the check brings it back as `message.msgId`. */
  readonly transactionId: string;
  readonly send: SendResult;
}

/** Decides about transactional messages. A thrown error counts as `UNKNOWN`. */
export interface TransactionListener<A = unknown> {
  /** Runs the local transaction; only called when the half message is safely stored. */
  execute(
    message: OutgoingMessage,
    arg: A,
    transaction: TransactionContext,
  ): Promise<TransactionVerdict>;
  /**
   * Answers a broker that does not know the outcome. Any producer of the group may be asked, so
   * answer from durable data, never from memory.
   */
  check(message: StoredMessage): Promise<TransactionVerdict>;
}

/** Only the local part, for a single message; checks go to the producer's listener. */
export type TransactionExecutor<A = unknown> = Pick<TransactionListener<A>, 'execute'>;

export interface TransactionalProducerOptions extends ProducerOptions {
  /** Answers checks, and executes when a send brings no own listener. */
  readonly listener?: TransactionListener;
  /** Listeners of single topics; `listener` is for all others. */
  readonly listeners?: Readonly<Record<string, TransactionListener>>;
  /** Checks answered at once [4]. Java: checkThreadPoolMaxSize. */
  readonly checkConcurrency?: number;
  /** Checks waiting at most; more are dropped, the broker asks again [2000]. Java: checkRequestHoldMax. */
  readonly maxWaitingChecks?: number;
  /** Time for one check; then the verdict is UNKNOWN [30s]. */
  readonly checkTimeout?: Duration;
}

export interface TransactionSendOptions<A = unknown> extends SendOptions {
  /** Executes this message's local transaction instead of the producer's listener. */
  readonly listener?: TransactionExecutor<A>;
}

export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  readonly verdict: TransactionVerdict;
}

/** The options that a transactional producer has besides those of a producer. */
export const transactionOptionSet = defineOptions('transactional producer', {
  listener: anObject('Executes local transactions and answers checks.'),
  listeners: anObject('Listeners of single topics, by topic; `listener` is for all others.'),
  checkConcurrency: option.integer({
    meaning: 'Transaction checks answered at once.',
    default: 4,
    min: 1,
    max: 1000,
  }),
  maxWaitingChecks: option.integer({
    meaning: 'Transaction checks waiting at most; more are dropped, the broker asks again.',
    default: 2000,
    min: 1,
  }),
  checkTimeout: option.duration({
    meaning: 'Time for one transaction check; then the verdict is UNKNOWN.',
    default: 30_000,
    min: 1,
  }),
});

/** The options of a transactional producer apart from those of a producer. */
export function splitOptions(options: TransactionalProducerOptions): {
  readonly own: Record<string, unknown>;
  readonly common: ProducerOptions;
} {
  const own: Record<string, unknown> = {};
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    (name in transactionOptionSet.table ? own : common)[name] = value;
  }
  return { own, common: common as unknown as ProducerOptions };
}
