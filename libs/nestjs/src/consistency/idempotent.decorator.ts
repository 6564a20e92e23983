import 'reflect-metadata';
import { applyDecorators, createParamDecorator, UseInterceptors } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { RocketMQContext } from '../rocketmq.context.js';
import { ConsistencySetupError } from './consistency.errors.js';
import { IdempotentInterceptor } from './idempotent.interceptor.js';
import {
  IDEMPOTENT_METADATA,
  transactionOf,
  type IdempotentMetadata,
} from './idempotent.metadata.js';

/** Options of `@Idempotent`. */
export interface IdempotentOptions<T = unknown> {
  /**
   * What the effect is about: the name of a property of the payload (`'orderId'`), or a function of
   * payload and context. Two messages with the same key have one effect. Default: the id that the
   * outbox gave the message, or else the message id.
   */
  readonly key?: string | ((payload: T, context: RocketMQContext) => string | Promise<string>);
  /** Who does it once. Default: the consumer group. */
  readonly scope?: string;
}

/**
 * A listener method whose effect happens once, however often its message comes. The method runs in
 * a database transaction together with the row that says that it was done; `@MessageTransaction()`
 * hands it the transaction. A repetition does not call the method: it succeeds, and a reply listener
 * answers with what the first call gave back.
 *
 * A method that throws, or gives `ConsumeResult.retryLater` or `deadLetter`, is rolled back. Use
 * only the transaction inside and call nothing remote: messages go into the outbox.
 *
 * @example
 * ```ts
 * @RocketMQListener({ topic: 'orders', group: 'points' })
 * @Idempotent({ key: 'orderId' })
 * async onPaid(@MessagePayload() order: OrderPaid, @MessageTransaction() tx: EntityManager) {
 *   await tx.increment(Account, { userId: order.userId }, 'points', order.points);
 * }
 * ```
 */
export function Idempotent<T = unknown>(options: IdempotentOptions<T> = {}): MethodDecorator {
  return (target, method, descriptor) => {
    const host = descriptor.value;
    if (typeof host !== 'function') {
      throw new ConsistencySetupError(
        `@Idempotent stands on ${String(method)} of ${target.constructor.name}, which is no method.`,
      );
    }
    Reflect.defineMetadata(IDEMPOTENT_METADATA, options as IdempotentMetadata, host);
    applyDecorators(UseInterceptors(IdempotentInterceptor))(target, method, descriptor);
  };
}

/**
 * The transaction that a method under `@Idempotent` runs in: an `EntityManager` with
 * `typeOrmStorage`, a client of `pg` with `pgStorage`.
 */
export const MessageTransaction: () => ParameterDecorator = createParamDecorator(
  (_: unknown, host: ExecutionContext): unknown => {
    const context = host.getArgByIndex<unknown>(1);
    const tx = context instanceof RocketMQContext ? transactionOf(context) : undefined;
    if (tx !== undefined) return tx;
    const where = `${host.getClass().name}.${host.getHandler().name}`;
    throw new ConsistencySetupError(
      `${where} asks for @MessageTransaction(), but runs in none: put @Idempotent() on the method.`,
    );
  },
);
