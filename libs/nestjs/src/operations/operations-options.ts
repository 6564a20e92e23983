import { defineOptions, option } from '@nestjs-rocketmq/foundation';

/** What this package needs of a prom-client `Registry`. */
export interface MetricsRegistry {
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
  metrics(): Promise<string>;
}

/** `metrics` of the module options. */
export interface MetricsOptions {
  /** Where the metrics are kept. Default: prom-client's own `register`. */
  readonly registry?: MetricsRegistry;
  /** Begins every name. Default `rocketmq_`. */
  readonly prefix?: string;
  /** Upper bounds of the histograms, in seconds. Default: 16 bounds from 1 ms to 60 s. */
  readonly buckets?: readonly number[];
  /** So many topics have a label of their own; further ones share `other`. Default 200. */
  readonly maxTopics?: number;
}

/** What this package needs of an OpenTelemetry `TracerProvider`. */
export interface TracerProviderLike {
  getTracer(name: string, version?: string): unknown;
}

/** `telemetry` of the module options. */
export interface TelemetryOptions {
  /** Makes the spans. Default: the provider registered with `@opentelemetry/api`. */
  readonly tracerProvider?: TracerProviderLike;
  /**
   * Write the trace context (`traceparent`, `tracestate`) into the properties of what is sent.
   * Default true.
   */
  readonly propagate?: boolean;
}

const hasMethod =
  (name: string) =>
  (value: unknown): boolean =>
    typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function';

const areBounds = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one, at) => Number.isFinite(one) && (at === 0 || one > (value[at - 1] as number)));

const defaultBuckets = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60,
];

/** `metrics` of the module options. */
export const metricsOptions = defineOptions('metrics', {
  registry: option.object<MetricsRegistry>({
    meaning: "A prom-client Registry; by default prom-client's own register.",
    is: hasMethod('getSingleMetric'),
    must: 'must be a Registry of prom-client',
  }),
  prefix: option.text({ meaning: 'Begins every name.', default: 'rocketmq_' }),
  buckets: option.object<readonly number[]>({
    meaning: 'Upper bounds of the histograms, in seconds, rising.',
    default: defaultBuckets,
    is: areBounds,
    must: 'must be rising numbers',
  }),
  maxTopics: option.integer({
    meaning: "So many topics have a label of their own; further ones share 'other'.",
    default: 200,
    min: 1,
  }),
});

/** `telemetry` of the module options. */
export const telemetryOptions = defineOptions('telemetry', {
  tracerProvider: option.object<TracerProviderLike>({
    meaning: 'Makes the spans; by default the provider registered with @opentelemetry/api.',
    is: hasMethod('getTracer'),
    must: 'must be a TracerProvider',
  }),
  propagate: option.boolean({
    meaning: 'Write the trace context into the properties of what is sent.',
    default: true,
  }),
});

/** `metrics` with its defaults. */
export interface MetricsValues {
  readonly registry: MetricsRegistry | undefined;
  readonly prefix: string;
  readonly buckets: readonly number[];
  readonly maxTopics: number;
}

/** `telemetry` with its defaults. */
export interface TelemetryValues {
  readonly tracerProvider: TracerProviderLike | undefined;
  readonly propagate: boolean;
}
