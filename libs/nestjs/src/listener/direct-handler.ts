import { isObservable, lastValueFrom } from 'rxjs';
import { ParameterKind } from '../rocketmq.constants.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { ParameterEntry, ParameterValue } from './handler-parameters.js';

type Method = (...args: unknown[]) => unknown;

/** What was answered at once, or a promise. */
export type DirectHandler = (payload: unknown, context: RocketMQContext) => unknown;

interface Part {
  readonly kind: number;
  readonly index: number;
  readonly data: unknown;
}

/** Calls the method without Nest between, where Nest has nothing to do. */
export function directHandler(
  instance: object,
  method: string,
  parameters: Record<string, ParameterEntry>,
  valueOf: ParameterValue,
): DirectHandler {
  const parts = Object.entries(parameters)
    .map(([key, { index, data }]) => ({ kind: Number(key.split(':')[0]), index, data }))
    .toSorted((a, b) => a.index - b.index);
  const call = callOf(instance as Record<string, Method>, method, parts, valueOf);
  return (payload, context) => {
    const result = call(payload, context);
    return isObservable(result) ? lastValueFrom(result) : result;
  };
}

function callOf(
  instance: Record<string, Method>,
  method: string,
  parts: readonly Part[],
  valueOf: ParameterValue,
): DirectHandler {
  // The method is looked up for each call, so that a spy put on the instance is called.
  const [first, second] = parts;
  if (parts.length <= 2 && isWhole(first, 0, ParameterKind.payload)) {
    if (second === undefined) return (payload) => instance[method]?.(payload);
    if (isWhole(second, 1, ParameterKind.context)) {
      return (payload, context) => instance[method]?.(payload, context);
    }
  }
  if (first?.index === 0 && second === undefined) {
    const { kind, data } = first;
    return (payload, context) => instance[method]?.(valueOf(kind, data, [payload, context]));
  }
  return (payload, context) => {
    const given = [payload, context];
    const args: unknown[] = [];
    for (const { kind, index, data } of parts) {
      // Parameters without a decorator lie between.
      while (args.length < index) args.push(undefined);
      args[index] = valueOf(kind, data, given);
    }
    return instance[method]?.(...args);
  };
}

function isWhole(part: Part | undefined, index: number, kind: number): boolean {
  return part?.index === index && part.kind === kind && part.data === undefined;
}
