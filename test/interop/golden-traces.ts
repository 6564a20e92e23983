import { join } from 'node:path';
import { goldenFolder } from './golden-frames.js';

/** Versions of official clients whose traces were recorded. */
export const tracingVersions = ['4.9.8', '5.3.3', '5.5.0'] as const;
export type TracingVersion = (typeof tracingVersions)[number];

/** One message of the trace topic, as an official client wrote it. */
export interface GoldenTrace {
  /** The property KEYS. */
  readonly keys: string;
  readonly body: string;
}

export function goldenTracesPath(version: TracingVersion): string {
  return join(goldenFolder, `traces-${version}.json`);
}
