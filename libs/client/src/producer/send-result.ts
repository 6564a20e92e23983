import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import type { Duration } from '../client-options.js';

/**
 * How safely a message was stored. Everything but `SEND_OK` means: stored on the master, but the
 * flush, or the copy on a slave, was not confirmed in time.
 */
export type SendStatus =
  'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

export interface SendResult {
  readonly status: SendStatus;
  /** The message's unique key (`UNIQ_KEY`); of a batch all keys joined by `,`. */
  readonly msgId: string;
  /** The broker's id: address and position in its log; of a batch all ids joined by `,`. */
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  /** Place in the queue; of a batch that of the first message. */
  readonly queueOffset: number;
  readonly transactionId?: string;
  readonly regionId?: string;
  /** False when the broker does not want this message traced. */
  readonly traceOn?: boolean;
  /** Of a timer message: takes it back before it is due (`producer.recall`). */
  readonly recallHandle?: string;
}

/** Counters of one producer since its start. A batch counts as one send. */
export interface ProducerStatistics {
  /** Sends that brokers stored; of one-way ones those that a connection took. */
  readonly sent: number;
  /** Sends that were rejected after they had been let in. */
  readonly failed: number;
  /** Attempts that followed a failed one of the same send. */
  readonly retried: number;
  /** Under way now. */
  readonly running: number;
  /** Waiting to be let in. */
  readonly waiting: number;
  /** Replies that came when nobody waited for them any more. */
  readonly lateReplies: number;
}

/** Chooses the queue of a message; must answer one of `queues` (sorted by broker name and id). */
export type QueueSelector = (
  queues: readonly MessageQueue[],
  message: OutgoingMessage,
) => MessageQueue;

/** What messages that belong together have in common; numbers are whole. */
export type HashKey = string | number | bigint;

/** At most one of `queue`, `hashKey` and `selector` may be given. */
export interface SendOptions {
  /** Send to exactly this queue. */
  readonly queue?: MessageQueue;
  /** Messages with the same key go to the same queue, by Java's hash of it (`selectByHash`). */
  readonly hashKey?: HashKey;
  readonly selector?: QueueSelector;
  /** Instead of the producer's `sendTimeout`. */
  readonly timeout?: Duration;
}

/** Options of a batch: the same choices of a queue, for the batch as a whole. */
export type BatchSendOptions = SendOptions;

/** Options of a batch that may be cut. */
export interface BatchesSendOptions extends BatchSendOptions {
  /** Longest encoded request in bytes [1048576, or `maxMessageSize` when that is less]. */
  readonly maxBatchBytes?: number;
}

export interface CloseOptions {
  /** How long running work may take to end before it is abandoned. */
  readonly deadline?: Duration;
}
