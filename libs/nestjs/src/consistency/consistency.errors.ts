import { CodedError } from '@nestjs-rocketmq/foundation';

/** The consistency toolkit cannot be used as it is set up; the sentence says what to change. */
export class ConsistencySetupError extends CodedError {
  readonly code = 'ROCKETMQ_CONSISTENCY_SETUP';
}

/** A row of the toolkit's tables went away while it was read; trying again helps. */
export class StorageConflictError extends CodedError {
  readonly code = 'ROCKETMQ_CONSISTENCY_CONFLICT';
}

/** The local transaction came too late: a check-back has already answered that it did not happen. */
export class TransactionFencedError extends CodedError {
  readonly code = 'ROCKETMQ_TRANSACTION_FENCED';
}

/** A key of an idempotent call, a transaction or an outbox message is empty or too long. */
export class ConsistencyKeyError extends CodedError {
  readonly code = 'ROCKETMQ_CONSISTENCY_KEY';
}

/** A message cannot be added to the outbox, or sent from it, as it was given. */
export class OutboxMessageError extends CodedError {
  readonly code = 'ROCKETMQ_OUTBOX_MESSAGE';
}

/** `flush` could not send every message of the key; they stay in the outbox. */
export class OutboxFlushError extends CodedError {
  readonly code = 'ROCKETMQ_OUTBOX_FLUSH';
}
