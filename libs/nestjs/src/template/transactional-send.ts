import { RocketMQSendError, TransactionNotStoredError } from '../nestjs.errors.js';
import {
  TRANSACTION_LISTENER_PROPERTY,
  type LocalWork,
  type TransactionDispatcher,
} from '../transaction/transaction-dispatcher.js';
import type { TransactionVerdict } from '../transaction/transaction-handler.js';
import { parseDestination } from './destination.js';
import { optionNames } from './send-option-table.js';
import type { SendOptions, TransactionSendOptions, TransactionSendResult } from './send-options.js';
import type { Sending } from './sending.js';

/** A transactional send as the template got it. */
export interface TransactionalCall {
  /** `method to 'destination'`, for sentences. */
  readonly call: string;
  readonly destination: string;
  readonly work: LocalWork;
  readonly options: TransactionSendOptions<object>;
}

/** Sends the half message, lets the local part run, tells what became of both. */
export async function sendInTransaction(
  sending: Sending,
  transactions: TransactionDispatcher,
  { call, destination, work, options }: TransactionalCall,
): Promise<TransactionSendResult> {
  refuseDelay(destination, options as SendOptions);
  const { listener, ...values } = sending.read(call, options, optionNames.transaction);
  const { topic } = parseDestination(destination, values.tags);
  // Before anything is sent: a half message that nobody can answer for would be asked about in vain.
  if (work.inline === undefined) transactions.executorFor(topic, listener);
  else transactions.hostFor(topic, listener);
  const properties =
    listener === undefined
      ? values.properties
      : { ...values.properties, [TRANSACTION_LISTENER_PROPERTY]: listener };
  const all = properties === undefined ? values : { ...values, properties };
  const result = await sending.one(
    'transaction',
    destination,
    work.payload,
    all,
    (producer, message, port) => producer.sendInTransaction(message, work, port),
  );
  const verdict = result.verdict.toLowerCase() as TransactionVerdict;
  const { wasExecuted: executed, failure } = work;
  if (work.inline !== undefined) {
    if (failure !== undefined) throw failure.error;
    if (!executed) {
      throw new TransactionNotStoredError(
        `The half message to '${destination}' was not safely stored (${result.status}): the local ` +
          'transaction did not run, and the broker was told to withdraw the message.',
        { details: { destination, status: result.status, msgId: result.msgId } },
      );
    }
  }
  return { ...result, verdict, executed, ...(failure === undefined ? {} : failure) };
}

function refuseDelay(destination: string, options: SendOptions): void {
  const { delayLevel, delayMs, deliverAt } = options;
  if ((delayLevel ?? delayMs ?? deliverAt) === undefined) return;
  throw new RocketMQSendError(
    `A transactional message cannot be delayed ('${destination}'): brokers drop the delay. ` +
      'Send a delayed message from the listener of the first one.',
    { details: { destination, delayLevel, delayMs, deliverAt } },
  );
}
