import type { TransactionContext, TransactionVerdict } from 'nestjs-rocketmq';
import { TX_KEY_PROPERTY } from '../contracts.js';
import type { CheckAnswer, HalfMessage } from '../database/transaction-fence.js';
import { RequestError } from '../sample.errors.js';

/** What a check-back is about, as the transaction log knows it. */
export function halfMessage(context: TransactionContext, kind: string): HalfMessage {
  const txKey = context.properties[TX_KEY_PROPERTY];
  if (txKey === undefined || context.message === undefined) {
    throw new RequestError(
      `A half message of ${context.topic} names no ${TX_KEY_PROPERTY}; it is not one of ours.`,
      { details: { transactionId: context.transactionId } },
    );
  }
  return { txKey, kind, bornAt: new Date(context.message.bornTimestamp) };
}

export function toVerdict(answer: CheckAnswer): TransactionVerdict {
  if (answer === 'COMMIT') return 'commit';
  return answer === 'ROLLBACK' ? 'rollback' : 'unknown';
}
