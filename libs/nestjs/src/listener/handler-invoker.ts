import * as common from '@nestjs/common';
import { Inject, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import type { ContextId } from '@nestjs/core';
import type { PayloadTarget } from '../converter/message-converters.js';
import { ROCKETMQ_CONTEXT_TYPE, ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import { directHandler, type DirectHandler } from './direct-handler.js';
import { HandlerEnhancers } from './handler-enhancers.js';
import {
  addSchemaPipes,
  batchValue,
  completeParameters,
  parametersOf,
  payloadTarget,
  singleValue,
} from './handler-parameters.js';
import { Uncaught } from './message-enhancers.js';
import type { FoundListener } from './rocketmq.explorer.js';
import { SchemaPipe } from './schema-pipe.js';

type Method = (...args: unknown[]) => unknown;

/** How a handler is called, as its container sees it. */
export interface Invoker {
  /** What the payload parameter is declared as; undefined: the handler wants no payload. */
  readonly target: PayloadTarget | undefined;
  /** For a payload of a batch: what the listener's schema makes of it. Rejects when it is invalid. */
  checkItem?(payload: unknown): Promise<unknown>;
  /**
   * Runs guards, interceptors, pipes, the handler, and exception filters when it fails. Answers
   * at once where there is nothing to wait for, and throws or rejects.
   */
  invoke(payload: unknown, context: RocketMQContext): unknown;
}

/** Gives Nest's enhancers to listeners. */
@Injectable()
export class HandlerInvokers {
  constructor(@Inject(HandlerEnhancers) private readonly enhancers: HandlerEnhancers) {}

  create(found: FoundListener): Invoker {
    const isBatch = found.options.batch !== undefined;
    // Nest reads and caches the metadata at the first `create`, so it is completed before.
    completeParameters(found);
    if (!this.enhancers.pipesOf(found).some(isSchemaPipe)) addSchemaPipes(found);
    this.enhancers.warnOfGlobals(found);
    const { host } = found;
    const { singleton } = host;
    const target = payloadTarget(found, isBatch);
    const items = isBatch ? found.options.schema : undefined;
    const check = items === undefined ? undefined : new SchemaPipe(items);
    const checkItem =
      check === undefined
        ? {}
        : { checkItem: (payload: unknown): Promise<unknown> => check.transform(payload) };
    if (singleton === undefined) {
      return {
        target,
        ...checkItem,
        invoke: async (payload, context) => {
          const { instance, contextId } = await host.forMessage(context);
          return this.handler(found, instance, contextId)(payload, context);
        },
      };
    }
    // Made for the first message: what hooks of the start add to the application counts too.
    let handler: DirectHandler | undefined;
    return {
      target,
      ...checkItem,
      invoke: (payload, context) => {
        handler ??= this.handler(found, singleton);
        return handler(payload, context);
      },
    };
  }

  private handler(found: FoundListener, instance: object, contextId?: ContextId): DirectHandler {
    const { method } = found;
    const valueOf = found.options.batch === undefined ? singleValue : batchValue;
    if (this.enhancers.isPlain(found)) {
      return directHandler(instance, method, parametersOf(found), valueOf);
    }
    // The method itself, not a bound copy: guards and filters are metadata of the function.
    const callback = (instance as Record<string, Method>)[method] as Method;
    const call = this.enhancers
      .creatorFor(found)
      .create(
        instance,
        callback,
        method,
        ROUTE_ARGS_METADATA,
        { exchangeKeyForValue: valueOf },
        contextId,
        undefined,
        { guards: true, interceptors: true, filters: true },
        ROCKETMQ_CONTEXT_TYPE,
      );
    return async (payload, context) => {
      const result: unknown = await call(payload, context);
      if (result instanceof Uncaught) throw result.error;
      return result;
    };
  }
}

/** Nest 11 has no pipe for schemas, so it is not imported by its name. */
const nestsSchemaPipe = (common as { StandardSchemaValidationPipe?: Type<PipeTransform> })
  .StandardSchemaValidationPipe;

function isSchemaPipe(pipe: unknown): boolean {
  if (nestsSchemaPipe === undefined) return false;
  if (pipe instanceof nestsSchemaPipe || pipe === nestsSchemaPipe) return true;
  return typeof pipe === 'function' && pipe.prototype instanceof nestsSchemaPipe;
}
