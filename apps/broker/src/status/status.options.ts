import { option } from '@nestjs-rocketmq/foundation';

/** Figures for Prometheus, health, and the log. */
export const statusOptions = {
  metricsExporterType: option.choice(['DISABLE', 'PROM', 'OTLP_GRPC', 'LOG'], {
    default: 'DISABLE',
    meaning:
      'PROM serves /metrics, /healthz and /readyz on metricsPromExporterPort; LOG writes the figures ' +
      'to the log; OTLP_GRPC, which would push them, is taken for DISABLE with a warning: let a ' +
      'collector fetch /metrics instead.',
  }),
  metricLoggingExporterIntervalInMills: option.integer({
    default: 10_000,
    min: 100,
    meaning: 'With metricsExporterType=LOG, milliseconds from one time to the next.',
  }),
  metricsPromExporterPort: option.integer({
    default: 5557,
    min: 0,
    max: 65_535,
    meaning: 'Port of metrics and health; 0 takes a free one.',
  }),
  metricsPromExporterHost: option.text({
    default: '',
    meaning: 'Address that metrics and health are served on; empty means all.',
  }),
  metricsLabel: option.text({
    default: '',
    meaning: 'More labels for every figure: name:value, separated by commas.',
  }),
  metricsOtelCardinalityLimit: option.integer({
    default: 50_000,
    min: 1,
    meaning: 'Most series of one metric.',
    restart: false,
  }),
  enableStatsMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of permissions, waiting requests and numbers of topics and groups.',
    restart: false,
  }),
  enableRequestMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of messages in and out, their sizes, and of creations of topics and groups.',
    restart: false,
  }),
  enableRemotingMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of how long requests took.',
    restart: false,
  }),
  enableConnectionMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of connections.',
    restart: false,
  }),
  enableLagAndDlqMetrics: option.boolean({
    default: true,
    meaning:
      'Metrics of how far groups are behind, what they have not acknowledged, dead messages.',
    restart: false,
  }),
  enableTransactionMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of transactions.',
    restart: false,
  }),
  enableMessageStoreMetrics: option.boolean({
    default: true,
    meaning: 'Metrics of the store.',
    restart: false,
  }),
  logLevel: option.choice(['debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    meaning: 'The least level of lines that are logged.',
    restart: false,
  }),
  logDir: option.text({
    default: '',
    meaning: 'Folder for broker.log; empty means that only the console has the log.',
  }),
  logFileBytes: option.integer({
    default: 104_857_600,
    min: 1024,
    meaning: 'When broker.log has so many bytes it begins anew.',
  }),
  logFilePieces: option.integer({
    default: 10,
    min: 0,
    max: 1000,
    meaning: 'Older pieces of broker.log that are kept: broker.log.1 and so on.',
  }),
};
