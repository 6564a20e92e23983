import 'reflect-metadata';
import { LISTENER_METADATA } from '../rocketmq.constants.js';
import type { RocketMQListenerOptions } from '../options/listener-options.js';

/**
 * Makes a method a listener, or a class: then its method `onMessage`, or `handle`, is called. May stand
 * several times on one method. The class must be a provider or controller of the application.
 *
 * @example
 * ```ts
 * @RocketMQListener({ topic: 'orders', group: 'payments', tags: 'placed' })
 * async onOrderPlaced(@MessagePayload() order: OrderPlaced) {}
 * ```
 */
export function RocketMQListener(
  options: RocketMQListenerOptions,
): MethodDecorator & ClassDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    // On a method the metadata sits on the function, where Nest's own decorators put theirs.
    const host = (descriptor?.value ?? target) as object;
    const others = (Reflect.getOwnMetadata(LISTENER_METADATA, host) ?? []) as unknown[];
    Reflect.defineMetadata(LISTENER_METADATA, [options, ...others], host);
  };
}
