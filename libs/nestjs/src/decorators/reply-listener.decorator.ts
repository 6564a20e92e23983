import 'reflect-metadata';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import type { Duration } from '../options/duration.js';
import type { Setting } from '../options/setting.js';
import { REPLY_LISTENER_METADATA } from '../rocketmq.constants.js';
import { RocketMQListener } from './listener.decorator.js';

/** What a reply listener has besides the options of a listener. */
export interface ReplyOptions {
  /** Time for sending a reply. Default `producer.sendTimeout` of the connection (3s). */
  readonly replyTimeout?: Setting<Duration>;
  /** Format of the reply. Default: that of the module, `text/plain` for texts, none for bytes. */
  readonly replyContentType?: string;
}

/** Options of `@RocketMQReplyListener`: those of a listener, save batches and broadcasting. */
export interface RocketMQReplyListenerOptions
  extends Omit<RocketMQListenerOptions, 'batch' | 'model'>, ReplyOptions {}

/** The reply options of one decorator, found again by the options of its listener. */
export interface MarkedReply {
  readonly listener: RocketMQListenerOptions;
  readonly reply: ReplyOptions;
}

/**
 * Makes a method a listener whose returned value is the reply to whoever asked with
 * `template.request`, or with a Java client. On a class it means the method `onMessage`.
 *
 * Returning nothing replies `null`. An error is told to the requester where that is one of ours
 * (its `request` rejects with `RequestFailedError`); others wait until their time is over. Either
 * way it is logged, and the request does not come again: whoever asks decides about that. Only
 * `RetryLaterError` and `ConsumeResult.retryLater` let it come again.
 *
 * @example
 * ```ts
 * @RocketMQReplyListener({ topic: 'prices', group: 'price-service' })
 * priceOf(@MessagePayload() { sku }: PriceQuestion): Price {
 *   return this.prices.of(sku);
 * }
 * ```
 */
export function RocketMQReplyListener(
  options: RocketMQReplyListenerOptions,
): MethodDecorator & ClassDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const { replyTimeout, replyContentType, ...listener } = options;
    const reply: ReplyOptions = {
      ...(replyTimeout === undefined ? {} : { replyTimeout }),
      ...(replyContentType === undefined ? {} : { replyContentType }),
    };
    const host = (descriptor?.value ?? target) as object;
    const others = (Reflect.getOwnMetadata(REPLY_LISTENER_METADATA, host) ?? []) as MarkedReply[];
    Reflect.defineMetadata(REPLY_LISTENER_METADATA, [{ listener, reply }, ...others], host);
    const decorate = RocketMQListener(listener) as (...args: unknown[]) => void;
    decorate(target, key, descriptor);
  };
}
