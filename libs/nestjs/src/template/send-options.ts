import type { QueueSelector } from '@nestjs-rocketmq/client';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { HashKey, SendResult } from '../client-port.js';
import type { MessageConverter } from '../converter/message-converter.js';
import type { Duration } from '../options/duration.js';
import type { TransactionVerdict } from '../transaction/transaction-handler.js';
import type { MessageProperties } from './topics.js';

/** What a call of the template may say besides destination and payload. */
export interface CallOptions<P extends object = MessageProperties> {
  /** The tag; also possible as `topic:tag`. */
  readonly tags?: string;
  /** Keys to find the message by; none may contain a blank. */
  readonly keys?: string | readonly string[];
  /**
   * Properties of your own; listeners read them by `@MessageProperty`. Numbers and booleans become
   * texts, undefined ones are left out; names that RocketMQ reserves are refused.
   */
  readonly properties?: P;
  /** Messages of one hash key go to one queue, in order. Not beside `queue` or `selector`. */
  readonly hashKey?: HashKey;
  /** Exactly this queue. */
  readonly queue?: MessageQueue;
  /** Chooses one of the queues given; must answer at once. */
  readonly selector?: QueueSelector;
  /** Time for the call with its retries. Default `producer.sendTimeout`. */
  readonly timeout?: Duration;
  /**
   * Gives up waiting: the call rejects with the signal's reason. What is on its way then may still
   * arrive.
   */
  readonly signal?: AbortSignal;
  /** Format of the body. Default: that of the module, `text/plain` for texts, none for bytes. */
  readonly contentType?: string;
  /** Writes the body of this call, under its own content type. Not beside `contentType`. */
  readonly converter?: MessageConverter;
  /** A number of your own in the message's header. Default 0. */
  readonly flag?: number;
  /** False: the broker answers before the message is as safe as it is configured to be. Default true. */
  readonly waitStoreOk?: boolean;
}

/** When a message is delivered, if not at once. At most one of the three times is given. */
export interface DelayOptions {
  /** A level of the broker, from 1. */
  readonly delayLevel?: number;
  /**
   * A time from now: rounded up to the next delay level, which every broker has. Beyond the longest
   * level (2h), or with `exact`, it goes as a timer message, as `deliverAt` does.
   */
  readonly delayMs?: Duration;
  /** `delayMs` as a timer message rather than a level. Default false. */
  readonly exact?: boolean;
  /**
   * A moment (`Date`, or milliseconds since 1970), to the second. Needs a broker with timers
   * (Apache RocketMQ 5.x); others refuse it. The result has a `recallHandle` from 5.3.2 on.
   */
  readonly deliverAt?: Date | number;
}

/** What may go with a message; everything can be combined. */
export interface SendOptions<P extends object = MessageProperties>
  extends CallOptions<P>, DelayOptions {}

/** A delay: a time (`'30s'`, milliseconds), a moment, or one of `DelayOptions`. */
export type Delay =
  | Duration
  | Date
  | { readonly delayLevel: number }
  | { readonly delayMs: Duration; readonly exact?: boolean }
  | { readonly deliverAt: Date | number };

/** A value for every message of a batch, or a function of the payload and its place. */
export type PerPayload<T, V> = V | ((payload: T, index: number) => V);

/** Options of `sendBatch`. A batch goes to one topic, cannot be delayed, and is never compressed. */
export interface BatchOptions<T, P extends object = MessageProperties> extends Omit<
  CallOptions<P>,
  'keys' | 'tags' | 'properties'
> {
  readonly tags?: PerPayload<T, string | undefined>;
  readonly keys?: PerPayload<T, string | readonly string[] | undefined>;
  readonly properties?: PerPayload<T, P | undefined>;
  /** Bytes of one request at most; larger batches are cut. Default 1 MiB. */
  readonly maxBatchBytes?: number;
}

/** Options of `sendInTransaction` and `transaction`: a transactional message cannot be delayed. */
export interface TransactionSendOptions<
  P extends object = MessageProperties,
> extends CallOptions<P> {
  /** Name of the transaction listener. Default: the one of the topic. */
  readonly listener?: string;
}

export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  /** What the local transaction said; `unknown` also when it threw. */
  readonly verdict: TransactionVerdict;
  /**
   * The local transaction ran. False: the half message was not safely stored (see `status`), so it
   * was withdrawn, and the verdict is `rollback`.
   */
  readonly executed: boolean;
  /** What `execute` threw. The broker will ask `check` about the message. */
  readonly error?: unknown;
}

/** Told how a send ended; the callback of `asyncSend` for those who do not want the promise. */
export interface SendCallback {
  onSuccess(result: SendResult): void;
  onException(error: unknown): void;
}
