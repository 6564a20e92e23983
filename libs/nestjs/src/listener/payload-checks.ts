import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { ParameterKind, ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';
import type { Problems } from '../options/problems.js';
import type { HandlerEnhancers } from './handler-enhancers.js';
import type { FoundListener } from './rocketmq.explorer.js';

const PARAMTYPES_METADATA = 'design:paramtypes';
/** Where Nest's `@UsePipes` leaves pipes. */
const PIPES_METADATA = '__pipes__';
/** Types that say nothing about what is in a payload: `ValidationPipe` lets them pass unseen. */
const untold: readonly unknown[] = [
  undefined,
  Object,
  Array,
  String,
  Boolean,
  Number,
  Buffer,
  // What TypeScript writes for a class of `import type`.
  Function,
];

interface PayloadParameter {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes: readonly unknown[];
}

/** A payload that the user wants validated, but of which the compiler left no class. */
export function checkPayload(
  where: string,
  found: FoundListener,
  isBatch: boolean,
  problems: Problems,
): void {
  const { payloadType } = found.options;
  if (isBatch && payloadType !== undefined) {
    problems.add(
      'ROCKETMQ_OPTION_INVALID',
      `${where}: 'payloadType' says nothing about the items of a batch; validate them with ` +
        `@MessagePayload(new ParseArrayPipe({ items: ${payloadType.name} }))`,
    );
    return;
  }
  const parameter = payloadOf(found);
  if (parameter === undefined || typeof parameter.data === 'string') return;
  if (payloadType !== undefined || !isValidated(found, parameter)) return;
  const type = typesOf(found)?.[parameter.index];
  if (!untold.includes(type)) return;
  const remedy = remedyOf(isBatch);
  problems.add(
    'ROCKETMQ_PAYLOAD_TYPE_MISSING',
    `${where}: the payload shall be validated by ValidationPipe, but its type is ` +
      `${nameOf(type)}, so that nothing would be checked; ${remedy}`,
  );
}

/**
 * The same under a `ValidationPipe` of the whole application. Payloads may have an interface there on
 * purpose; but who imports a class with `import type` believes that it is validated.
 */
export function checkLostClass(
  where: string,
  found: FoundListener,
  enhancers: HandlerEnhancers,
  problems: Problems,
): void {
  const parameter = payloadOf(found);
  if (parameter === undefined || typeof parameter.data === 'string') return;
  if (found.options.payloadType !== undefined || isValidated(found, parameter)) return;
  if (typesOf(found)?.[parameter.index] !== Function) return;
  if (!enhancers.pipesOf(found).some(isValidationPipe)) return;
  problems.add(
    'ROCKETMQ_PAYLOAD_TYPE_MISSING',
    `${where}: the application has a global ValidationPipe, but the class of the payload is not there ` +
      `at run time, so that nothing would be checked; ${remedyOf(false)}`,
  );
}

function remedyOf(isBatch: boolean): string {
  return isBatch
    ? 'validate the items with @MessagePayload(new ParseArrayPipe({ items: YourClass }))'
    : "declare the parameter as a class (import it without 'type'), or write payloadType: " +
        'YourClass; the compiler needs emitDecoratorMetadata';
}

function nameOf(type: unknown): string {
  return typeof type === 'function' && type !== Object && type !== Function
    ? type.name
    : 'an interface, a union or nothing at run time';
}

function typesOf({ host, method }: FoundListener): unknown[] | undefined {
  const { prototype } = host.classRef as { prototype: object };
  return Reflect.getMetadata(PARAMTYPES_METADATA, prototype, method) as unknown[] | undefined;
}

/** A handler without parameter decorators gets the payload first. */
function payloadOf({ host, method }: FoundListener): PayloadParameter | undefined {
  const all = (Reflect.getMetadata(ROUTE_ARGS_METADATA, host.classRef, method) ?? {}) as Record<
    string,
    PayloadParameter
  >;
  const entries = Object.entries(all);
  if (entries.length === 0) return { index: 0, pipes: [] };
  return entries.find(([key]) => Number(key.split(':')[0]) === ParameterKind.payload)?.[1];
}

/** Whether a `ValidationPipe` stands on the parameter, the method or the class. */
function isValidated({ host, method }: FoundListener, parameter: PayloadParameter): boolean {
  const { classRef } = host;
  const handler = (classRef.prototype as Record<string, object>)[method];
  const onMethod: unknown = handler && Reflect.getMetadata(PIPES_METADATA, handler);
  const onClass: unknown = Reflect.getMetadata(PIPES_METADATA, classRef);
  const all = [parameter.pipes, onMethod, onClass] as (readonly unknown[] | undefined)[];
  return all.flatMap((pipes) => pipes ?? []).some(isValidationPipe);
}

function isValidationPipe(pipe: unknown): boolean {
  if (pipe instanceof ValidationPipe || pipe === ValidationPipe) return true;
  return typeof pipe === 'function' && pipe.prototype instanceof ValidationPipe;
}
