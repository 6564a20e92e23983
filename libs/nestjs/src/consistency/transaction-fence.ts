import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { TransactionContext, TransactionVerdict } from '../transaction/transaction-handler.js';
import { ConsistencySetupError, TransactionFencedError } from './consistency.errors.js';
import type { ConsistencySettings } from './consistency.options.js';
import { CONSISTENCY_SETTINGS, CONSISTENCY_STORAGE } from './consistency.tokens.js';
import { checkedKey } from './keys.js';
import type { ConsistencyStorage, Decision } from './storage/consistency-storage.js';

/** A key chosen before the half message is sent, or the context that `execute` and `check` get. */
export type FenceKey = string | Pick<TransactionContext, 'transactionId'>;

/** What may be told about a local transaction. */
export interface ExecuteOptions {
  /** Hears what the local transaction failed with; without it the failure is logged. */
  readonly onError?: (error: unknown) => void;
}

const verdicts: Readonly<Record<Decision, TransactionVerdict>> = {
  DONE: 'commit',
  ABORTED: 'rollback',
};

/**
 * Keeps a transactional message and the local transaction together. The local transaction leaves a
 * row (DONE); a check-back answers from it. "No row, so roll back" would be wrong, because the local
 * transaction may still be running: so a check-back that finds no row after the deadline writes
 * ABORTED under the same primary key first, and the local transaction, should it come late, fails on
 * that key and is undone.
 *
 * @example
 * ```ts
 * execute(order: OrderPlaced, arg: NewOrder, context: TransactionContext) {
 *   return this.fence.execute(context, (tx) => this.orders.write(tx, arg));
 * }
 * check(_: OrderPlaced, context: TransactionContext) {
 *   return this.fence.check(context);
 * }
 * ```
 */
@Injectable()
export class TransactionFence<Tx = unknown> {
  private readonly logger = new Logger('RocketMQFence');

  constructor(
    @Inject(CONSISTENCY_STORAGE) private readonly storage: ConsistencyStorage<Tx>,
    @Inject(CONSISTENCY_SETTINGS) private readonly settings: ConsistencySettings,
  ) {}

  /**
   * Writes inside your own transaction that it happened.
   *
   * @throws TransactionFencedError when it is decided already; let it through, so that the
   *   transaction is rolled back.
   */
  async record(tx: Tx, key: FenceKey): Promise<void> {
    const txKey = keyOf(key);
    if (await this.storage.markDone(tx, txKey)) return;
    throw new TransactionFencedError(
      `The local transaction ${txKey} came too late and is undone: it was already decided ` +
        '(usually by a check-back after consistency.localDeadline). Try again with a new message.',
      { details: { txKey } },
    );
  }

  /**
   * Runs the local transaction together with its row, and gives the verdict for `execute`. When
   * anything fails, the row decides: a failure before the commit gives `rollback`, a commit whose
   * answer was lost gives `commit`. Rejects only when the database cannot be asked; the broker then
   * asks `check`.
   */
  async execute(
    key: FenceKey,
    work: (tx: Tx) => Promise<unknown>,
    options: ExecuteOptions = {},
  ): Promise<TransactionVerdict> {
    const txKey = keyOf(key);
    try {
      await this.storage.transaction(async (tx) => {
        await this.record(tx, txKey);
        await work(tx);
      });
      return 'commit';
    } catch (error) {
      const verdict = verdicts[await this.storage.markAborted(txKey)];
      if (verdict === 'commit') return verdict;
      if (options.onError !== undefined) options.onError(error);
      else this.logger.error(`The local transaction ${txKey} failed: ${messageOf(error)}`);
      return verdict;
    }
  }

  /**
   * The answer to a check-back: `commit`, `rollback`, or `unknown` while the half message is
   * younger than `localDeadline`.
   *
   * @param key another key than the transaction id, when `execute` or `record` used one.
   */
  async check(context: TransactionContext, key: FenceKey = context): Promise<TransactionVerdict> {
    const { message } = context;
    if (message === undefined) {
      throw new ConsistencySetupError(
        'TransactionFence.check needs the context of a check-back, which carries the half ' +
          "message; call it in the method 'check' of a transaction listener.",
        { details: { transactionId: context.transactionId } },
      );
    }
    const txKey = keyOf(key);
    const { state, ageMs } = await this.storage.decision(txKey, message.bornTimestamp);
    if (state !== undefined) return verdicts[state];
    if (ageMs < this.settings.localDeadline) return 'unknown';
    return verdicts[await this.storage.markAborted(txKey)];
  }

  /**
   * `check` as a function, for a checker that is registered by itself.
   *
   * @param key finds the key in payload and context; default the transaction id.
   */
  checker<T = unknown>(
    key: (payload: T, context: TransactionContext) => FenceKey = (_, context) => context,
  ): (payload: T, context: TransactionContext) => Promise<TransactionVerdict> {
    return async (payload, context) => this.check(context, key(payload, context));
  }
}

function keyOf(key: FenceKey): string {
  const text = typeof key === 'string' ? key : key.transactionId;
  return checkedKey('The key of a local transaction', text);
}
