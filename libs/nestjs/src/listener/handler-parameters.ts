import 'reflect-metadata';
import { targetOf, type PayloadTarget } from '../converter/message-converters.js';
import { addParameter } from '../decorators/message-params.decorator.js';
import type { StandardSchema } from '../decorators/standard-schema.js';
import { ParameterKind, ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { FoundListener } from './rocketmq.explorer.js';
import { SchemaPipe } from './schema-pipe.js';

const PARAMTYPES_METADATA = 'design:paramtypes';

/** A parameter as its decorator left it in Nest's metadata; under `kind:index`, or a custom key. */
export interface ParameterEntry {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
}

/** Gives a parameter its value: `args` are payload (or payloads) and context. */
export type ParameterValue = (kind: number, data: unknown, args: unknown[]) => unknown;

/** The value of a parameter of a handler that takes single messages. */
export const singleValue: ParameterValue = (kind, data, args) => {
  const [payload, context] = args as [unknown, RocketMQContext];
  if (kind === ParameterKind.payload) return pick(payload, data);
  if (kind === ParameterKind.raw) return context.message;
  return contextValue(kind, data, context);
};

/** The value of a parameter of a batch handler. */
export const batchValue: ParameterValue = (kind, data, args) => {
  const [payloads, context] = args as [unknown[], RocketMQContext];
  if (kind === ParameterKind.payload) {
    return typeof data === 'string' ? payloads.map((payload) => pick(payload, data)) : payloads;
  }
  if (kind === ParameterKind.raw) return context.messages;
  return contextValue(kind, data, context);
};

/** What the decorators of a handler's parameters left. */
export function parametersOf({ host, method }: FoundListener): Record<string, ParameterEntry> {
  const all: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, host.classRef, method);
  return (all ?? {}) as Record<string, ParameterEntry>;
}

/**
 * Completes the metadata that Nest reads and caches at the first call: a handler without parameter
 * decorators gets (payload, context), and `payloadType` stands where the compiler left no type.
 */
export function completeParameters(found: FoundListener): void {
  declareParameters(found);
  declarePayloadType(found);
  declareSchema(found);
}

/** Adds a pipe that runs the schemas of parameters; for handlers where none of Nest's does. */
export function addSchemaPipes(found: FoundListener): void {
  const { classRef } = found.host;
  const all = parametersOf(found);
  const added = Object.entries(all).map(([key, entry]) => {
    const { schema, pipes = [] } = entry;
    if (schema === undefined || pipes.some((pipe) => pipe instanceof SchemaPipe)) {
      return [key, entry];
    }
    return [key, { ...entry, pipes: [...pipes, new SchemaPipe(schema as StandardSchema)] }];
  });
  const changed = Object.fromEntries(added) as object;
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, changed, classRef, found.method);
}

/** How the body is wanted; undefined: the handler asks for no payload. */
export function payloadTarget(found: FoundListener, isBatch: boolean): PayloadTarget | undefined {
  const entry = payloadEntry(found);
  if (entry === undefined) return undefined;
  // An array parameter, or one property of the payload, says nothing about the payload itself.
  if (isBatch || typeof entry.data === 'string') return 'any';
  return targetOf(parameterTypes(found)[entry.index]);
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

/** The schema of the listener is that of its payload; one of the parameter itself comes first. */
function declareSchema(found: FoundListener): void {
  const { schema, batch } = found.options;
  const entry = payloadEntry(found);
  // That of a batch listener is for each payload, not for the array.
  if (
    schema === undefined ||
    batch !== undefined ||
    entry === undefined ||
    entry.schema !== undefined
  )
    return;
  const { index, data, pipes = [] } = entry;
  const own = { index, data: data as string | undefined, pipes: pipes as never[], schema };
  addParameter(found.host.classRef, found.method, ParameterKind.payload, own);
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
