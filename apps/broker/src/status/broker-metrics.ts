import { Exposition } from '@nestjs-rocketmq/foundation';
import { addConnections } from './connection-metrics.js';
import type { MetricsParts } from './metrics-parts.js';
import { addProgress } from './progress-metrics.js';
import { addStats, addStore, addTransactions } from './state-metrics.js';
import { addLatencies, addTraffic } from './traffic-metrics.js';

/**
 * The figures of Apache's broker that have a meaning here, under the names that its page for
 * Prometheus has: with their unit at the end.
 */
export function brokerMetrics(parts: MetricsParts): Exposition {
  const { config } = parts;
  const common = {
    cluster: config.brokerClusterName,
    node_type: 'broker',
    node_id: config.brokerName,
    ...labelsOf(config.metricsLabel),
  };
  const text = new Exposition(common, config.metricsOtelCardinalityLimit);
  if (config.enableStatsMetrics) addStats(text, parts);
  if (config.enableRequestMetrics) addTraffic(text, parts);
  if (config.enableConnectionMetrics) addConnections(text, parts);
  if (config.enableLagAndDlqMetrics) addProgress(text, parts);
  if (config.enableTransactionMetrics) addTransactions(text, parts);
  if (config.enableRemotingMetrics) addLatencies(text, parts);
  if (config.enableMessageStoreMetrics) addStore(text, parts);
  return text;
}

/** `name:value,name:value`, as Java's `metricsLabel` has it. */
function labelsOf(given: string): Record<string, string> {
  const pairs = given.split(',').map((pair) => pair.split(':').map((part) => part.trim()));
  return Object.fromEntries(
    pairs.filter(([name, value]) => /^[A-Za-z_]\w*$/.test(name ?? '') && value !== undefined),
  );
}
