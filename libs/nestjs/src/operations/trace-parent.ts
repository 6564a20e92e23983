import type { SpanContext, TraceState } from '@opentelemetry/api';

/** The header names of W3C Trace Context, which are the names of the properties. */
export const traceParentName = 'traceparent';
export const traceStateName = 'tracestate';

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);

/** Reads W3C Trace Context; undefined when there is none, or none that counts. */
export function readTraceParent(
  properties: Readonly<Record<string, string>>,
  stateOf: (text: string) => TraceState,
): SpanContext | undefined {
  const [, version, traceId, spanId, flags, rest] =
    shape.exec(properties[traceParentName]?.trim() ?? '') ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined) return undefined;
  // Version ff is forbidden; version 00 has nothing behind its flags.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === noTrace || spanId === noSpan) return undefined;
  const state = properties[traceStateName];
  const traceFlags = Number.parseInt(flags ?? '00', 16) & 1;
  const context = { traceId, spanId, traceFlags, isRemote: true };
  return state === undefined ? context : { ...context, traceState: stateOf(state) };
}

/** Writes W3C Trace Context; nothing for a context that does not count. */
export function writeTraceParent(context: SpanContext, carrier: Record<string, string>): void {
  const { traceId, spanId, traceFlags, traceState } = context;
  if (traceId === noTrace || spanId === noSpan) return;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
  carrier[traceParentName] = `00-${traceId}-${spanId}-${flags}`;
  const state = traceState?.serialize() ?? '';
  if (state !== '') carrier[traceStateName] = state;
}
