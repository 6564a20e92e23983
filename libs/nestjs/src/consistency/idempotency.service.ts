import { Inject, Injectable } from '@nestjs/common';
import { CONSISTENCY_STORAGE } from './consistency.tokens.js';
import { entryOf, type OnceKey } from './keys.js';
import type { ConsistencyStorage } from './storage/consistency-storage.js';

/** What became of a call of `once`. */
export interface OnceResult<T> {
  /** True when the work was done now; false when it had been done before. */
  readonly isFirst: boolean;
  /** What the first call gave back; read from the table (JSON) when this is not the first. */
  readonly outcome: T;
}

/**
 * Does things once. The row that says so and the effect are one database transaction: after a crash
 * at any moment both are there or neither is.
 *
 * `Tx` is what the storage hands out: `IdempotencyService<EntityManager>` with `typeOrmStorage`,
 * `IdempotencyService<PoolClient>` with `pgStorage`.
 */
@Injectable()
export class IdempotencyService<Tx = unknown> {
  constructor(@Inject(CONSISTENCY_STORAGE) private readonly storage: ConsistencyStorage<Tx>) {}

  /**
   * Runs `work` in a transaction unless it was done before under this key. What it gives back is
   * kept as JSON and given again to every later call. When it throws, nothing is kept, and the next
   * call does it.
   *
   * Use only `tx` inside, and call nothing remote: the transaction is open meanwhile. Messages go
   * into the outbox.
   *
   * @throws ConsistencyKeyError for a key that is empty or too long; whatever `work` throws.
   */
  async once<T>(key: OnceKey, work: (tx: Tx) => Promise<T>): Promise<OnceResult<T>> {
    return this.storage.transaction((tx) => this.onceIn(tx, key, work));
  }

  /** The same inside a transaction that your code has opened; it holds when that one commits. */
  async onceIn<T>(tx: Tx, key: OnceKey, work: (tx: Tx) => Promise<T>): Promise<OnceResult<T>> {
    const entry = entryOf(key);
    const claim = await this.storage.claim(tx, entry);
    if (!claim.isFirst) {
      const outcome = claim.outcome === null ? undefined : (JSON.parse(claim.outcome) as unknown);
      return { isFirst: false, outcome: outcome as T };
    }
    const outcome = await work(tx);
    const text = JSON.stringify(outcome) as string | undefined;
    if (text !== undefined) await this.storage.keepOutcome(tx, entry, text);
    return { isFirst: true, outcome };
  }
}
