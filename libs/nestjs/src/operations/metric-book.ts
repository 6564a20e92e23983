import type * as Prom from 'prom-client';
import { RocketMQSetupError } from '../nestjs.errors.js';
import type { MetricsValues } from './operations-options.js';

export type Labels = Record<string, string>;
type Rows = Iterable<readonly [Labels, number]>;

/** The metrics of one application in one registry. */
export class MetricBook {
  private readonly names: string[] = [];
  private readonly registry: NonNullable<MetricsValues['registry']>;

  constructor(
    private readonly prom: typeof Prom,
    private readonly values: MetricsValues,
  ) {
    this.registry = values.registry ?? prom.register;
  }

  counter(name: string, help: string, labelNames: readonly string[]) {
    return new this.prom.Counter(this.describe(name, help, labelNames));
  }

  histogram(name: string, help: string, labelNames: readonly string[]) {
    const buckets = [...this.values.buckets];
    return new this.prom.Histogram({ ...this.describe(name, help, labelNames), buckets });
  }

  /** `collect` gives the rows of the gauge whenever it is read. */
  gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    collect?: () => Rows | Promise<Rows>,
  ) {
    const described = this.describe(name, help, labelNames);
    if (collect === undefined) return new this.prom.Gauge(described);
    const gauge = new this.prom.Gauge({
      ...described,
      collect: async () => {
        const rows = await collect();
        // What is gone since the last reading must not be told for ever.
        gauge.reset();
        for (const [labels, value] of rows) gauge.set(labels, value);
      },
    });
    return gauge;
  }

  close(): void {
    for (const name of this.names) this.registry.removeSingleMetric(name);
  }

  private describe(name: string, help: string, labelNames: readonly string[]) {
    const full = `${this.values.prefix}${name}`;
    if (this.registry.getSingleMetric(full) !== undefined) {
      this.close();
      const sentence =
        `RocketMQModule metrics: the registry has '${full}' already, perhaps of another ` +
        'application in this process; give each one a registry of its own (metrics: { registry: ' +
        'new Registry() }) or another prefix';
      throw new RocketMQSetupError([{ code: 'ROCKETMQ_METRICS_TWICE', sentence }]);
    }
    this.names.push(full);
    return { name: full, help, labelNames: [...labelNames], registers: [this.registry as never] };
  }
}
