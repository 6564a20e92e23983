import 'reflect-metadata';
import { TRANSACTION_LISTENER_METADATA } from '../rocketmq.constants.js';
import type { Setting } from '../options/setting.js';

/** Options of `@RocketMQTransactionListener`. */
export interface RocketMQTransactionListenerOptions {
  /**
   * The topics it answers for. Default: every topic of the connection without one of its own; none
   * when it has a name.
   */
  readonly topic?: Setting<string> | readonly Setting<string>[];
  /**
   * A name that sends may ask for (`{ listener: 'refund' }`), for several kinds of transactions on
   * one topic. It travels with the message, so that check-backs find the listener too.
   */
  readonly name?: string;
  /** Name of a connection in the module options. Default: the one of `nameServers`. */
  readonly connection?: string;
}

/**
 * Makes a provider (a `TransactionHandler`, or a `TransactionChecker` for `template.transaction`) the one that does the local part of transactional
 * messages and answers the broker's questions about them.
 */
export function RocketMQTransactionListener(
  options: RocketMQTransactionListenerOptions = {},
): ClassDecorator {
  return (target): void => {
    Reflect.defineMetadata(TRANSACTION_LISTENER_METADATA, options, target);
  };
}
