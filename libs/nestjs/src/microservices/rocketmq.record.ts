import type { SendOptions } from '../template/send-options.js';

/**
 * A payload with options of its send, where `emit` and `send` of a `ClientProxy` take only a payload.
 *
 * @example
 * ```ts
 * client.emit('orders:placed', new RocketMQRecord(order, { keys: order.id, delayMs: '10s' }));
 * ```
 */
export class RocketMQRecord<T = unknown> {
  constructor(
    readonly payload: T,
    readonly options: SendOptions = {},
  ) {}
}
