import type { SendResult } from '../client-port.js';
import type { Duration } from '../options/duration.js';
import type { TransactionVerdict } from '../transaction/transaction-handler.js';

/** What may go with a message; everything can be combined. */
export interface SendOptions {
  /** The tag; also possible as `topic:tag`. */
  readonly tags?: string;
  /** Keys to find the message by. */
  readonly keys?: string | readonly string[];
  /** Properties of your own; listeners read them by `@MessageProperty`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Messages of one hash key go to one queue, in order. */
  readonly hashKey?: string;
  /** Deliver later: a level of the broker, from 1. */
  readonly delayLevel?: number;
  /** Deliver later: a time, rounded up to the next level. */
  readonly delayMs?: Duration;
  /** Time for the call with its retries. Default `producer.sendTimeout`. */
  readonly timeout?: Duration;
  /** Format of the body. Default: that of the module, `text/plain` for texts, none for bytes. */
  readonly contentType?: string;
  /** A number of your own in the message's header. */
  readonly flag?: number;
}

/** A value for every message of a batch, or a function of the payload. */
export type PerPayload<T, V> = V | ((payload: T, index: number) => V);

export interface BatchOptions<T> extends Omit<
  SendOptions,
  'delayLevel' | 'delayMs' | 'keys' | 'tags' | 'properties'
> {
  readonly tags?: PerPayload<T, string | undefined>;
  readonly keys?: PerPayload<T, string | readonly string[] | undefined>;
  readonly properties?: PerPayload<T, Readonly<Record<string, string>> | undefined>;
}

export type TransactionSendOptions = Omit<SendOptions, 'delayLevel' | 'delayMs'>;

/** A delay as a level, a time, or a time by itself (`'30s'`, milliseconds). */
export type Delay = Duration | { readonly delayLevel: number } | { readonly delayMs: Duration };

export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  /** What `execute` said; `unknown` also when it threw. */
  readonly verdict: TransactionVerdict;
  /** What `execute` threw. The broker will ask `check` about the message. */
  readonly error?: unknown;
}
