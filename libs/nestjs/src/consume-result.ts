import type { Duration } from './options/duration.js';

/** When a message shall come again: a delay level, or a time that is rounded up to the next level. */
export interface RetryDelay {
  readonly delayLevel?: number;
  readonly delayMs?: Duration;
}

/**
 * What a handler may return to decide about its message. Any other returned value means success.
 */
export class ConsumeResult {
  private constructor(
    readonly kind: 'success' | 'retry' | 'dead-letter',
    readonly delay: RetryDelay,
    readonly reason: string | undefined,
  ) {}

  /** The message is done. */
  static success(): ConsumeResult {
    return new ConsumeResult('success', {}, undefined);
  }

  /** The message comes again; without a delay by the broker's ladder. */
  static retryLater(delay: RetryDelay = {}): ConsumeResult {
    return new ConsumeResult('retry', delay, undefined);
  }

  /** The message goes to the group's dead letters at once; the reason is logged. */
  static deadLetter(reason?: string): ConsumeResult {
    return new ConsumeResult('dead-letter', {}, reason);
  }
}
