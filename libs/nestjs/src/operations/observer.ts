import type { MessageQueue, OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import type { PortBatch, PortConsumeContext, PortConsumeVerdict } from '../client-port.js';

/** A call of a producer, as those see it who look on. */
export interface SendCall {
  readonly kind: 'send' | 'one-way' | 'batch' | 'transaction' | 'request';
  readonly connection: string;
  /** The producer group. */
  readonly group: string;
  readonly topic: string;
  readonly messages: readonly OutgoingMessage[];
  /** Given when messages of one key go to one queue. */
  readonly hashKey: string | undefined;
}

/** A call of a listener, as those see it who look on. */
export interface ConsumeCall {
  readonly connection: string;
  readonly group: string;
  /** The topic the messages were sent to. */
  readonly topic: string;
  readonly model: 'clustering' | 'broadcasting';
  readonly mode: 'concurrent' | 'orderly';
  /** The handler gets arrays. */
  readonly isBatch: boolean;
  readonly messages: readonly StoredMessage[];
  readonly port: PortConsumeContext;
}

/** Messages that a pull of a listener's consumer brought. */
export interface Receipt {
  readonly group: string;
  readonly queue: MessageQueue;
  /** Never empty. */
  readonly messages: readonly StoredMessage[];
  /** When the pull began, ms since 1970; undefined: not known. */
  readonly startedAt: number | undefined;
}

/** A call of a pull consumer that has ended. */
export interface PullCall {
  readonly connection: string;
  readonly group: string;
  /** What it subscribes to. */
  readonly topics: readonly string[];
  /** When it began, ms since 1970. */
  readonly startedAt: number;
  /** How long it lasted, ms. */
  readonly took: number;
  /** What it rejected with; undefined: it did not. */
  readonly error?: unknown;
}

/** What a pull consumer says is processed. */
export interface PullCommit {
  readonly queues: readonly { readonly queue: MessageQueue; readonly offset: number }[];
  /** The broker has it; false: it gets it soon. */
  readonly persist: boolean;
}

/** What becomes of each message of a call, in order. */
export type Verdicts = readonly PortConsumeVerdict[];

/**
 * Looks on while messages are sent and consumed: metrics, spans. Whoever looks on goes on with
 * `next` and gives back what it gives; the messages of a send may be others.
 */
export interface Observer {
  send<T>(call: SendCall, next: (messages: readonly OutgoingMessage[]) => Promise<T>): Promise<T>;
  consume(call: ConsumeCall, next: () => Promise<Verdicts>): Promise<Verdicts>;
  received?(receipt: Receipt): void;
  /** A pull consumer has asked; `batch` is undefined when nothing came, or it failed. */
  pulled?(call: PullCall, batch: PortBatch | undefined): void;
  /** A pull consumer has committed. */
  committed?(call: PullCall, commit: PullCommit): void;
}

/** The first observer is the outermost. */
export function throughSend<T>(
  observers: readonly Observer[],
  call: SendCall,
  last: (messages: readonly OutgoingMessage[]) => Promise<T>,
): Promise<T> {
  const step = (at: number, messages: readonly OutgoingMessage[]): Promise<T> => {
    const observer = observers[at];
    if (observer === undefined) return last(messages);
    return observer.send({ ...call, messages }, (changed) => step(at + 1, changed));
  };
  return step(0, call.messages);
}

/** The same for a call of a listener. */
export function throughConsume(
  observers: readonly Observer[],
  call: ConsumeCall,
  last: () => Promise<Verdicts>,
): Promise<Verdicts> {
  const step = (at: number): Promise<Verdicts> => {
    const observer = observers[at];
    return observer === undefined ? last() : observer.consume(call, () => step(at + 1));
  };
  return step(0);
}
