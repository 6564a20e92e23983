import type { RocketMQContext } from '../rocketmq.context.js';

/** Where `@Idempotent` leaves its options; a plain text, as for every decorator of this package. */
export const IDEMPOTENT_METADATA = 'rocketmq:idempotent';

/** The options of `@Idempotent` as they are read. */
export interface IdempotentMetadata {
  readonly key?:
    string | ((payload: unknown, context: RocketMQContext) => string | Promise<string>);
  readonly scope?: string;
}

/** Where a context keeps the transaction of the call in hand. */
const TRANSACTION = Symbol('rocketmq:transaction');

type WithTransaction = { [TRANSACTION]?: unknown };

export function transactionOf(context: RocketMQContext): unknown {
  return (context as WithTransaction)[TRANSACTION];
}

export function setTransaction(context: RocketMQContext, tx: unknown): void {
  (context as WithTransaction)[TRANSACTION] = tx;
}
