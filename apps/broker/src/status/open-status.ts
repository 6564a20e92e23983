import {
  checkPage,
  type FileSystem,
  openStatusServer,
  type StatusServer,
} from '@nestjs-rocketmq/foundation';
import type { RegistrationService } from '../registration/registration.service.js';
import { brokerMetrics } from './broker-metrics.js';
import type { MetricsParts } from './metrics-parts.js';

export interface StatusParts {
  readonly metrics: MetricsParts;
  readonly registration: RegistrationService;
  readonly fileSystem: FileSystem;
}

/** Metrics and health of a broker, over HTTP. Rejects with `StatusPortError`. */
export function openStatus(parts: StatusParts): Promise<StatusServer> {
  const { config } = parts.metrics;
  return openStatusServer({
    host: config.metricsPromExporterHost || '0.0.0.0',
    port: config.metricsPromExporterPort,
    pages: {
      '/metrics': () => ({ text: String(brokerMetrics(parts.metrics)), isWell: true }),
      '/healthz': () => checkPage({ 'the store works': storeWorks(parts) }),
      '/readyz': () =>
        checkPage({
          'the store works': storeWorks(parts),
          'the disk has room': diskHasRoom(parts),
          'registered with a name server': isRegistered(parts),
        }),
    },
  });
}

const storeWorks = ({ metrics }: StatusParts): boolean => metrics.store.failed === undefined;

function diskHasRoom({ metrics, fileSystem }: StatusParts): boolean {
  const { config } = metrics;
  const { total, free } = fileSystem.diskUse(config.storePathCommitLog || config.storePathRootDir);
  return total === 0 || (total - free) / total < config.diskSpaceWarningLevelRatio / 100;
}

function isRegistered({ metrics, registration }: StatusParts): boolean {
  return metrics.config.namesrvAddr.length === 0 || registration.isRegistered;
}
