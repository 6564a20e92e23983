import 'reflect-metadata';
import type { RocketMQEventMap, RocketMQEventName } from '../operations/event-types.js';
import { EVENT_METADATA } from '../rocketmq.constants.js';

/** Which events a method with `@OnRocketMQEvent` gets. */
export interface OnRocketMQEventOptions {
  /** Only events of this connection. Default: of every one. */
  readonly connection?: string;
}

/** One `@OnRocketMQEvent` as it stands on a method. */
export interface EventMark {
  readonly name: RocketMQEventName;
  readonly options: OnRocketMQEventOptions;
}

type EventMethod<K extends RocketMQEventName> = (event: RocketMQEventMap[K]) => unknown;

/**
 * Calls the method at every event of the name, from before the first connection opens until the
 * application is closed. For methods of providers and controllers that Nest makes once.
 *
 * @example
 * ```ts
 * @OnRocketMQEvent('dead-letter')
 * onDeadLetter(event: DeadLetterEvent): void {
 *   this.pager.call(`${event.group}: ${event.reason}`);
 * }
 * ```
 */
export function OnRocketMQEvent<K extends RocketMQEventName>(
  name: K,
  options: OnRocketMQEventOptions = {},
) {
  return <M extends EventMethod<K>>(
    _target: object,
    _key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor.value as object;
    const others = (Reflect.getOwnMetadata(EVENT_METADATA, method) ?? []) as EventMark[];
    Reflect.defineMetadata(EVENT_METADATA, [{ name, options }, ...others], method);
  };
}
