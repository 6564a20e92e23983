import { option } from '@nestjs-rocketmq/foundation';
import { checkNames, type Problems } from './problems.js';

/** Where the traces of a producer or a pull consumer go. */
export interface TraceSettings {
  /** The trace topic. `trace: true` stands for `RMQ_SYS_TRACE_TOPIC`. */
  readonly topic: string;
}

function isTrace(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  const { topic } = (value ?? {}) as { topic?: unknown };
  return typeof topic === 'string' && topic !== '';
}

/** `trace` of a producer or a pull consumer, in the shape that listeners have it. */
export const traceOption = option.object<boolean | TraceSettings>({
  meaning: 'True, or { topic }: what becomes of messages is told in the trace topic.',
  default: false,
  is: isTrace,
  must: 'must be true, false or { topic }',
});

/** What the client is told. */
export interface TraceValues {
  readonly trace: boolean;
  /** Undefined: the cluster's own. */
  readonly traceTopic: string | undefined;
}

/** `trace` of a table that was read, for the client; what is wrong inside goes to `problems`. */
export function readTrace(where: string, given: unknown, problems: Problems): TraceValues {
  if (typeof given !== 'object' || given === null) {
    return { trace: given === true, traceTopic: undefined };
  }
  checkNames(`${where} trace`, given, ['topic'], problems);
  return { trace: true, traceTopic: (given as TraceSettings).topic };
}
