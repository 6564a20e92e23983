import 'reflect-metadata';
import type { PipeTransform, Type } from '@nestjs/common';
import type { StandardSchema } from './standard-schema.js';
import { ParameterKind, ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';

type PipeLike = Type<PipeTransform> | PipeTransform;

interface ParameterEntry {
  readonly index: number;
  readonly data: string | undefined;
  readonly pipes: readonly PipeLike[];
  readonly schema?: StandardSchema | undefined;
}

/** A Standard Schema for a payload or a part of it, and pipes that run before it. */
export interface PayloadOptions {
  /** Runs whether or not the application has a pipe for schemas; failing it is as `onInvalid` says. */
  readonly schema?: StandardSchema;
  readonly pipes?: readonly (Type<PipeTransform> | PipeTransform)[];
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

function parameter(
  kind: number,
  data?: string,
  pipes: readonly PipeLike[] = [],
  schema?: StandardSchema,
) {
  return (target: object, method: string | symbol | undefined, index: number): void => {
    if (method === undefined) return;
    addParameter(target.constructor, method, kind, {
      index,
      data,
      pipes,
      ...(schema === undefined ? {} : { schema }),
    });
  };
}

/**
 * The payload, decoded by the message's content type; pipes (a global `ValidationPipe` too) see the
 * declared class. With a name, only that property of it. With `{ schema }` it is validated, and
 * becomes what the schema makes of it.
 *
 * @example
 * ```ts
 * onOrder(@MessagePayload({ schema: z.object({ id: z.string() }) }) order: { id: string }) {}
 * ```
 */
export function MessagePayload(options: PayloadOptions): ParameterDecorator;
export function MessagePayload(name: string, options: PayloadOptions): ParameterDecorator;
export function MessagePayload(name: string, ...pipes: PipeLike[]): ParameterDecorator;
export function MessagePayload(...pipes: PipeLike[]): ParameterDecorator;
export function MessagePayload(
  first?: string | PipeLike | PayloadOptions,
  ...rest: (PipeLike | PayloadOptions)[]
): ParameterDecorator {
  const name = typeof first === 'string' ? first : undefined;
  const given = typeof first === 'string' || first === undefined ? rest : [first, ...rest];
  const options = given.filter(isOptions);
  const pipes = given.filter((one) => !isOptions(one)) as PipeLike[];
  const all = [...pipes, ...options.flatMap((one) => one.pipes ?? [])];
  return parameter(ParameterKind.payload, name, all, options.at(-1)?.schema);
}

function isOptions(given: PipeLike | PayloadOptions): given is PayloadOptions {
  if (typeof given !== 'object' || 'transform' in given) return false;
  return 'schema' in given || 'pipes' in given;
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
