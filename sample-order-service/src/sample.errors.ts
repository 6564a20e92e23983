/**
 * Errors of the order service. `code` is stable; the message is a sentence that a reader can act
 * on; HTTP status codes are decided in `web/error.filter.ts` alone.
 */
export abstract class SampleError extends Error {
  abstract readonly code: string;
  /** The values at fault, by name. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    sentence: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.details = options.details ?? {};
  }
}

/** Settings that cannot be used, all of them named. */
export class SettingsError extends SampleError {
  override readonly code = 'SAMPLE_SETTINGS';
}

/** Nobody gave the one database connection back in time. */
export class LeaseTimeoutError extends SampleError {
  override readonly code = 'SAMPLE_LEASE_TIMEOUT';
}

/** The database connection was used after it had been given back or closed. */
export class LeaseEndedError extends SampleError {
  override readonly code = 'SAMPLE_LEASE_ENDED';
}

/** The request cannot be understood or contradicts itself. */
export class RequestError extends SampleError {
  override readonly code = 'SAMPLE_REQUEST';
}

/** There is no such order, payment or product. */
export class NotFoundError extends SampleError {
  override readonly code = 'SAMPLE_NOT_FOUND';
}

/** Less on the shelf than was ordered. */
export class OutOfStockError extends SampleError {
  override readonly code = 'OUT_OF_STOCK';
}

/** The state of the order or payment does not allow this step. */
export class StateError extends SampleError {
  override readonly code = 'SAMPLE_STATE';
}

/** One idempotency key came with two different requests. */
export class IdempotencyError extends SampleError {
  override readonly code = 'SAMPLE_IDEMPOTENCY';
}

/** A callback whose signature or amount is wrong. */
export class CallbackRefusedError extends SampleError {
  override readonly code = 'SAMPLE_CALLBACK_REFUSED';
}

/** The step was not taken, or its outcome is not known yet; repeating the request is safe. */
export class UnavailableError extends SampleError {
  override readonly code = 'SAMPLE_UNAVAILABLE';
}

/** Another request with the same idempotency key came first. */
export class KeyTakenError extends SampleError {
  override readonly code = 'SAMPLE_KEY_TAKEN';
}
