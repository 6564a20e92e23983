import type { Logger, Resource } from '@nestjs-rocketmq/foundation';
import { brokerMetrics } from './broker-metrics.js';
import type { MetricsParts } from './metrics-parts.js';

/** Writes the figures to the log, again and again, a line for each; `close` ends it. */
export function logMetrics(parts: MetricsParts, logger: Logger): Resource {
  const { clock, config } = parts;
  const timer = clock.every(config.metricLoggingExporterIntervalInMills, () => {
    for (const sample of brokerMetrics(parts).samples()) logger.info(sample);
  });
  return { close: () => timer.cancel() };
}
