import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import type { QueueOffset } from './offset-store.js';

/** Messages of one queue in the order of their offsets, as `poll` hands them out; never empty. */
export class MessageBatch implements Iterable<StoredMessage>, QueueOffset {
  constructor(
    readonly queue: MessageQueue,
    readonly messages: readonly StoredMessage[],
    /** One past the last message: where the group stands when the batch is finished. */
    readonly offset: number,
  ) {}

  get length(): number {
    return this.messages.length;
  }

  [Symbol.iterator](): Iterator<StoredMessage> {
    return this.messages[Symbol.iterator]();
  }
}
