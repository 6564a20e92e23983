import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import type { RocketMQContext } from '../rocketmq.context.js';

/** A message that was pulled, with its payload. */
export class ReceivedMessage<T = unknown> {
  private decoded: { readonly value: T } | undefined;

  constructor(
    /** Topic, tag, keys, properties, queue and the rest, as a listener gets them. */
    readonly context: RocketMQContext,
    private readonly decode: (message: StoredMessage) => unknown,
    /** Where the group stands in the queue when this message is done. */
    readonly nextOffset: number,
  ) {}

  /** As the broker delivered it. */
  get message(): StoredMessage {
    return this.context.message;
  }

  get queue(): MessageQueue {
    return this.context.queue;
  }

  /** Decoded by the content type when first asked for. Throws `MessageConversionError`. */
  get payload(): T {
    this.decoded ??= { value: this.decode(this.message) as T };
    return this.decoded.value;
  }
}

/** What `receive` gave: some messages in the order of their queues, perhaps none. */
export class ReceivedMessages<T = unknown> implements Iterable<ReceivedMessage<T>> {
  constructor(
    readonly messages: readonly ReceivedMessage<T>[],
    private readonly done: (messages: readonly ReceivedMessage<T>[]) => Promise<void>,
  ) {}

  get length(): number {
    return this.messages.length;
  }

  /** The payloads of all of them. Throws `MessageConversionError`. */
  get payloads(): T[] {
    return this.messages.map(({ payload }) => payload);
  }

  /**
   * Says that they are processed: after a restart the group goes on behind them. Without it they
   * come again then. Rejects when the broker does not store it.
   */
  async commit(): Promise<void> {
    await this.done(this.messages);
  }

  [Symbol.iterator](): Iterator<ReceivedMessage<T>> {
    return this.messages[Symbol.iterator]();
  }
}
