import { CodedError } from '@nestjs-rocketmq/foundation';

/** The base of everything a store refuses or fails with. */
export abstract class StoreError extends CodedError {}

/** The disk has no room. Nothing of the turn was stored; reads go on. */
export class StoreFullError extends StoreError {
  readonly code = 'STORE_FULL';
}

/** A message cannot be a record: too large, a property text or topic too long, a bad queue id. */
export class MessageIllegalError extends StoreError {
  readonly code = 'STORE_MESSAGE_ILLEGAL';
}

/** The store is closed, or closing. */
export class StoreClosedError extends StoreError {
  readonly code = 'STORE_CLOSED';
}

/** The log could not be written; nothing of the turn was stored. */
export class StoreWriteError extends StoreError {
  readonly code = 'STORE_WRITE_FAILED';
}

/** What was written could not be made durable, or not be taken back: the store has stopped. */
export class StoreFailedError extends StoreError {
  readonly code = 'STORE_FAILED';
}

/** Files of the store contradict each other, or a record is not what its queue entry says. */
export class StoreCorruptError extends StoreError {
  readonly code = 'STORE_CORRUPT';
}

/** The folder cannot be used as a store. */
export class StoreFolderError extends StoreError {
  readonly code = 'STORE_FOLDER_UNUSABLE';
}
