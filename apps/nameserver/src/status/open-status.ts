import { checkPage, Exposition, openStatusServer } from '@nestjs-rocketmq/foundation';
import type { StatusServer } from '@nestjs-rocketmq/foundation';
import type { NameserverOptions } from '../nameserver.config.js';
import type { BrokerLiveness } from '../registration/broker-liveness.js';
import type { RouteTable } from '../route/route-table.js';

export interface StatusParts {
  readonly options: NameserverOptions;
  readonly table: RouteTable;
  readonly liveness: BrokerLiveness;
  /** Connections that are open. */
  readonly connections: () => number;
  /** Routes are given out. */
  readonly servesRoutes: () => boolean;
}

/** Metrics and health of a nameserver, over HTTP. Rejects with `StatusPortError`. */
export function openStatus(parts: StatusParts): Promise<StatusServer> {
  const { metricsPromExporterHost, metricsPromExporterPort } = parts.options;
  return openStatusServer({
    host: metricsPromExporterHost || '0.0.0.0',
    port: metricsPromExporterPort,
    pages: {
      '/metrics': () => ({ text: metrics(parts), isWell: true }),
      '/healthz': () => checkPage({ 'the process answers': true }),
      '/readyz': () => checkPage({ 'routes are given out': parts.servesRoutes() }),
    },
  });
}

/** Names of our own: Apache's nameserver has none. */
function metrics({ table, liveness, connections }: StatusParts): string {
  const text = new Exposition({ node_type: 'nameserver' });
  const { clusterAddrTable } = table.clusterInfo();
  text.gauge('rocketmq_namesrv_topics', 'Topics with a route.', [[{}, table.allTopics().length]]);
  text.gauge('rocketmq_namesrv_brokers', 'Brokers that are alive.', [[{}, liveness.size]]);
  text.gauge(
    'rocketmq_namesrv_broker_names',
    'Names of brokers in each cluster.',
    Object.entries(clusterAddrTable).map(([cluster, names]) => [{ cluster }, names.length]),
  );
  text.gauge('rocketmq_namesrv_connections', 'Open connections.', [[{}, connections()]]);
  return String(text);
}
