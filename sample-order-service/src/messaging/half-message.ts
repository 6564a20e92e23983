import type { TransactionContext } from 'nestjs-rocketmq';
import { TX_KEY_PROPERTY } from '../contracts.js';
import { RequestError } from '../sample.errors.js';

/** The key of the local transaction that a half message carries, chosen before it was sent. */
export function txKeyOf(context: TransactionContext): string {
  const txKey = context.properties[TX_KEY_PROPERTY];
  if (txKey !== undefined) return txKey;
  throw new RequestError(
    `A half message of ${context.topic} names no ${TX_KEY_PROPERTY}; it is not one of ours.`,
    { details: { transactionId: context.transactionId } },
  );
}
