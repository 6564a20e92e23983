import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ExternalContextCreator, type ContextId } from '@nestjs/core';
import { targetOf, type PayloadTarget } from '../converter/message-converters.js';
import { addParameter } from '../decorators/message-params.decorator.js';
import {
  ParameterKind,
  ROCKETMQ_CONTEXT_TYPE,
  ROUTE_ARGS_METADATA,
} from '../rocketmq.constants.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { FoundListener } from './rocketmq.explorer.js';

const PARAMTYPES_METADATA = 'design:paramtypes';

type ExternalHandler = (payload: unknown, context: RocketMQContext) => Promise<unknown>;
type Method = (...args: unknown[]) => unknown;

/** How a handler is called, as its container sees it. */
export interface Invoker {
  /** What the payload parameter is declared as; undefined: the handler wants no payload. */
  readonly target: PayloadTarget | undefined;
  /** Runs guards, interceptors, pipes, the handler, and exception filters when it fails. */
  invoke(payload: unknown, context: RocketMQContext): Promise<unknown>;
}

/** Gives Nest's enhancers to listeners. */
@Injectable()
export class HandlerInvokers {
  constructor(@Inject(ExternalContextCreator) private readonly creator: ExternalContextCreator) {}

  create(found: FoundListener): Invoker {
    const isBatch = found.options.batch !== undefined;
    // Nest reads and caches the metadata at the first `create`, so it is completed before.
    declareParameters(found);
    declarePayloadType(found);
    const { host, method } = found;
    const { singleton } = host;
    const target = payloadTarget(found, isBatch);
    if (singleton !== undefined) {
      const handler = this.handler(singleton, method, isBatch);
      return { target, invoke: (payload, context) => handler(payload, context) };
    }
    return {
      target,
      invoke: async (payload, context) => {
        const { instance, contextId } = await host.forMessage(context);
        return this.handler(instance, method, isBatch, contextId)(payload, context);
      },
    };
  }

  private handler(
    instance: object,
    method: string,
    isBatch: boolean,
    contextId?: ContextId,
  ): ExternalHandler {
    // The method itself, not a bound copy: guards and filters are metadata of the function.
    const callback = (instance as Record<string, Method>)[method] as Method;
    return this.creator.create(
      instance,
      callback,
      method,
      ROUTE_ARGS_METADATA,
      { exchangeKeyForValue: isBatch ? batchValue : singleValue },
      contextId,
      undefined,
      { guards: true, interceptors: true, filters: true },
      ROCKETMQ_CONTEXT_TYPE,
    );
  }
}

function pick(payload: unknown, name: unknown): unknown {
  if (typeof name !== 'string') return payload;
  return (payload as Record<string, unknown> | null | undefined)?.[name];
}

function contextValue(kind: number, data: unknown, context: RocketMQContext): unknown {
  if (kind === ParameterKind.context) return context;
  if (kind === ParameterKind.keys) return context.keys;
  if (kind !== ParameterKind.property) return undefined;
  return typeof data === 'string' ? context.property(data) : context.properties;
}

function singleValue(kind: number, data: unknown, args: unknown[]): unknown {
  const [payload, context] = args as [unknown, RocketMQContext];
  if (kind === ParameterKind.payload) return pick(payload, data);
  if (kind === ParameterKind.raw) return context.message;
  return contextValue(kind, data, context);
}

function batchValue(kind: number, data: unknown, args: unknown[]): unknown {
  const [payloads, context] = args as [unknown[], RocketMQContext];
  if (kind === ParameterKind.payload) return payloads.map((payload) => pick(payload, data));
  if (kind === ParameterKind.raw) return context.messages;
  return contextValue(kind, data, context);
}

interface ParameterEntry {
  readonly index: number;
  readonly data?: unknown;
}

function parametersOf(found: FoundListener): Record<string, ParameterEntry> {
  const { host, method } = found;
  const all: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, host.classRef, method);
  return (all ?? {}) as Record<string, ParameterEntry>;
}

/** A handler without parameter decorators gets (payload, context), and pipes run on them too. */
function declareParameters(found: FoundListener): void {
  if (Object.keys(parametersOf(found)).length > 0) return;
  const { classRef } = found.host;
  const plain = { data: undefined, pipes: [] };
  addParameter(classRef, found.method, ParameterKind.payload, { index: 0, ...plain });
  addParameter(classRef, found.method, ParameterKind.context, { index: 1, ...plain });
}

function payloadEntry(found: FoundListener): ParameterEntry | undefined {
  const entries = Object.entries(parametersOf(found));
  return entries.find(([key]) => Number(key.split(':')[0]) === ParameterKind.payload)?.[1];
}

function parameterTypes(found: FoundListener): unknown[] {
  const { prototype } = found.host.classRef as { prototype: object };
  const types: unknown = Reflect.getMetadata(PARAMTYPES_METADATA, prototype, found.method);
  return (types ?? []) as unknown[];
}

/** The compiler leaves no types for the class form; `payloadType` says them. */
function declarePayloadType(found: FoundListener): void {
  const { payloadType } = found.options;
  const entry = payloadEntry(found);
  if (payloadType === undefined || entry === undefined) return;
  const types = [...parameterTypes(found)];
  while (types.length <= entry.index) types.push(Object);
  types[entry.index] = payloadType;
  const { prototype } = found.host.classRef as { prototype: object };
  Reflect.defineMetadata(PARAMTYPES_METADATA, types, prototype, found.method);
}

function payloadTarget(found: FoundListener, isBatch: boolean): PayloadTarget | undefined {
  const entry = payloadEntry(found);
  if (entry === undefined) return undefined;
  // An array parameter, or one property of the payload, says nothing about the payload itself.
  if (isBatch || typeof entry.data === 'string') return 'any';
  return targetOf(parameterTypes(found)[entry.index]);
}
