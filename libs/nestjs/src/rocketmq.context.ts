import type { ArgumentsHost } from '@nestjs/common';
import { PropertyName, type MessageQueue, type StoredMessage } from '@nestjs-rocketmq/message';
import { ROCKETMQ_CONTEXT_TYPE } from './rocketmq.constants.js';

/** Who handles: the listener as the registry knows it. */
export interface ListenerIdentity {
  readonly id: string;
  readonly group: string;
  readonly connection: string;
}

/** Where messages came from and how long their handler may work on them. */
export interface MessageDelivery {
  readonly queue: MessageQueue;
  readonly signal: AbortSignal;
}

/** Everything about the message in hand besides its payload; injected by `@MessageContext()`. */
export class RocketMQContext {
  private done = 0;

  constructor(
    /** The message, or all of them for a batch listener. */
    readonly messages: readonly StoredMessage[],
    private readonly delivery: MessageDelivery,
    readonly listener: ListenerIdentity,
  ) {}

  /** The queue that the message came from. */
  get queue(): MessageQueue {
    return this.delivery.queue;
  }

  /**
   * Aborted when this try is over before the handler is: time-out, queue given to another member,
   * shutdown past its deadline. Pass it on to what you wait for.
   */
  get signal(): AbortSignal {
    // Asked for only when somebody wants it: the client makes it then.
    return this.delivery.signal;
  }

  /** The message as the broker delivered it; the first one of a batch. */
  get message(): StoredMessage {
    return this.messages[0] as StoredMessage;
  }

  /** The topic it was sent to, also when it comes back through the retry topic. */
  get topic(): string {
    return this.message.property(PropertyName.RETRY_TOPIC) ?? this.message.topic;
  }

  get tag(): string | undefined {
    return this.message.tags;
  }

  get keys(): readonly string[] {
    return this.message.keys;
  }

  get messageId(): string {
    return this.message.msgId;
  }

  get queueId(): number {
    return this.message.queueId;
  }

  get queueOffset(): number {
    return this.message.queueOffset;
  }

  /** When the producer made it. */
  get bornAt(): Date {
    return new Date(this.message.bornTimestamp);
  }

  /** When the broker stored it. */
  get storedAt(): Date {
    return new Date(this.message.storeTimestamp);
  }

  /** How often it was delivered before: 0 the first time. */
  get reconsumeTimes(): number {
    return this.message.reconsumeTimes;
  }

  get properties(): Readonly<Record<string, string>> {
    return this.message.properties;
  }

  property(name: string): string | undefined {
    return this.message.property(name);
  }

  /**
   * For batch listeners: the first `count` messages are done, whatever becomes of the rest. A
   * handler that fails afterwards gets only the rest again.
   */
  acknowledge(count: number): void {
    this.done = Math.min(Math.max(Math.trunc(count), this.done), this.messages.length);
  }

  /** How many messages from the front are done. */
  get acknowledged(): number {
    return this.done;
  }
}

/** For guards, interceptors and filters that serve HTTP and messages: true for a message. */
export function isRocketMQContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === ROCKETMQ_CONTEXT_TYPE;
}

/** The message and its payload behind a `switchToRocketMQ`. */
export interface RocketMQArgumentsHost {
  /** The payload as decoded, before pipes; an array for a batch listener. */
  getData<T = unknown>(): T;
  getContext(): RocketMQContext;
}

/**
 * For guards, interceptors and filters: like Nest's `switchToHttp`, for messages. Throws a
 * `TypeError` when it is no message; ask `isRocketMQContext` before.
 *
 * @example
 * ```ts
 * const { topic, keys } = switchToRocketMQ(host).getContext();
 * ```
 */
export function switchToRocketMQ(host: ArgumentsHost): RocketMQArgumentsHost {
  if (!isRocketMQContext(host)) {
    throw new TypeError(
      `switchToRocketMQ was called for a context of type '${host.getType<string>()}'; ask ` +
        'isRocketMQContext(host) before.',
    );
  }
  return {
    getData: <T>() => host.getArgByIndex<T>(0),
    getContext: () => host.getArgByIndex<RocketMQContext>(1),
  };
}
