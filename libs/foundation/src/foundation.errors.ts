import { CodedError, type CodedErrorOptions } from './errors.js';

/** One or more options are wrong; `problems` has a sentence for each. */
export class OptionsError extends CodedError {
  readonly code = 'OPTIONS_INVALID';
  readonly problems: readonly string[];

  constructor(subject: string, problems: readonly string[], options?: CodedErrorOptions) {
    super(`${subject}: ${problems.join('; ')}`, options);
    this.problems = problems;
  }
}

/** A read or write would have left its buffer. */
export class BytesError extends CodedError {
  readonly code = 'BYTES_OUT_OF_RANGE';
}

/** A JSON file and its backup are both unreadable. */
export class DurableJsonError extends CodedError {
  readonly code = 'DURABLE_JSON_BROKEN';
}

/** Another living process holds the lock file. */
export class FileLockedError extends CodedError {
  readonly code = 'FILE_LOCKED';
}

/** Something waited longer than its deadline. */
export class DeadlineError extends CodedError {
  readonly code = 'DEADLINE_EXCEEDED';
}

/** A bounded queue has no room left. */
export class QueueFullError extends CodedError {
  readonly code = 'QUEUE_FULL';
}

/** The thing asked was closed before. */
export class ClosedError extends CodedError {
  readonly code = 'CLOSED';
}

/** A `.properties` text cannot be read. */
export class PropertiesError extends CodedError {
  readonly code = 'PROPERTIES_BROKEN';
}

/** The port for metrics and health cannot be taken. */
export class StatusPortError extends CodedError {
  readonly code = 'STATUS_PORT';
}
