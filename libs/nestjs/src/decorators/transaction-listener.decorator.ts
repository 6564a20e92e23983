import 'reflect-metadata';
import { TRANSACTION_LISTENER_METADATA } from '../rocketmq.constants.js';
import type { Setting } from '../options/setting.js';

/** Options of `@RocketMQTransactionListener`. */
export interface RocketMQTransactionListenerOptions {
  /** The topics it answers for. Default: every topic of the connection without one of its own. */
  readonly topic?: Setting<string> | readonly Setting<string>[];
  /** Name of a connection in the module options. Default: the one of `nameServers`. */
  readonly connection?: string;
}

/**
 * Makes a provider (a `TransactionHandler`) the one that does the local part of transactional
 * messages and answers the broker's questions about them.
 */
export function RocketMQTransactionListener(
  options: RocketMQTransactionListenerOptions = {},
): ClassDecorator {
  return (target): void => {
    Reflect.defineMetadata(TRANSACTION_LISTENER_METADATA, options, target);
  };
}
