import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { HashKey } from 'nestjs-rocketmq';

/** A message as a test looks at it. */
export interface TestMessage<T = unknown> {
  /** The topic it was sent to; also for one that came back by a retry, or lies in the dead letters. */
  readonly topic: string;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body by its content type, as a handler without a declared class gets it; bytes if unreadable. */
  readonly payload: T;
  /** The connection of the application. */
  readonly connection: string;
  /** When it was sent, delivered or put to the dead letters, by the kit's clock. */
  readonly at: Date;
}

/** A message that the application sent, and a broker took. */
export interface SentMessage<T = unknown> extends TestMessage<T> {
  readonly messageId: string;
  /** The hash key of an orderly send. */
  readonly hashKey: HashKey | undefined;
  /** The delay level, for a message that is delivered later. */
  readonly delayLevel: number | undefined;
}

/** A message that a handler was called with. */
export interface ConsumedMessage<T = unknown> extends TestMessage<T> {
  readonly group: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** What became of it; `lost` when a fault of the kit took it before the handler. */
  readonly outcome: 'success' | 'retry' | 'dead-letter' | 'lost';
  readonly message: StoredMessage;
}

/** A message that the group could not consume. */
export interface DeadLetter<T = unknown> extends TestMessage<T> {
  readonly group: string;
  /** How often it was delivered. */
  readonly attempts: number;
  readonly message: StoredMessage;
}
