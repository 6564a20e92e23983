/** What an error may carry besides its sentence. */
export interface CodedErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** The values at fault, by name; printed in logs, so no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Overrides whether trying the same again may help. */
  readonly retriable?: boolean;
}

/**
 * The base of every error that this project throws on purpose.
 *
 * `code` is stable: programs may compare it, `docs/errors.md` lists it. The message is a sentence
 * that a user can act on.
 */
export abstract class CodedError extends Error {
  abstract readonly code: string;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retriable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.retriable = options.retriable ?? false;
    this.details = options.details ?? {};
  }
}

/** The message of anything that was thrown, an `Error` or not. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
