import 'reflect-metadata';
import type { PipeTransform, Type } from '@nestjs/common';
import { ParameterKind, ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';

type PipeLike = Type<PipeTransform> | PipeTransform;

interface ParameterEntry {
  readonly index: number;
  readonly data: string | undefined;
  readonly pipes: readonly PipeLike[];
}

/** Adds an entry in the shape Nest reads; existing entries of other decorators stay. */
export function addParameter(
  classRef: object,
  method: string | symbol,
  kind: number,
  entry: ParameterEntry,
): void {
  const known = (Reflect.getMetadata(ROUTE_ARGS_METADATA, classRef, method) ?? {}) as object;
  const all = { ...known, [`${kind}:${entry.index}`]: entry };
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, all, classRef, method);
}

function parameter(kind: number, data?: string, pipes: readonly PipeLike[] = []) {
  return (target: object, method: string | symbol | undefined, index: number): void => {
    if (method === undefined) return;
    addParameter(target.constructor, method, kind, { index, data, pipes });
  };
}

/**
 * The payload, decoded by the message's content type; pipes (a global `ValidationPipe` too) see the
 * declared class. With a name, only that property of it.
 */
export function MessagePayload(name: string, ...pipes: PipeLike[]): ParameterDecorator;
export function MessagePayload(...pipes: PipeLike[]): ParameterDecorator;
export function MessagePayload(first?: string | PipeLike, ...rest: PipeLike[]): ParameterDecorator {
  if (typeof first === 'string') return parameter(ParameterKind.payload, first, rest);
  return parameter(ParameterKind.payload, undefined, first === undefined ? [] : [first, ...rest]);
}

/** The `RocketMQContext` of the message. */
export function MessageContext(): ParameterDecorator {
  return parameter(ParameterKind.context);
}

/** A property of the message by its name, or all of them. */
export function MessageProperty(name?: string, ...pipes: PipeLike[]): ParameterDecorator {
  return parameter(ParameterKind.property, name, pipes);
}

/** The keys of the message, an array of texts. */
export function MessageKeys(): ParameterDecorator {
  return parameter(ParameterKind.keys);
}

/** The message as the broker delivered it; an array of them for a batch listener. */
export function RawMessage(): ParameterDecorator {
  return parameter(ParameterKind.raw);
}
