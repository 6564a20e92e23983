import { option } from '@nestjs-rocketmq/foundation';

/** Figures for Prometheus, health, and the log; Apache's nameserver has no such settings. */
export const statusOptions = {
  metricsExporterType: option.choice(['DISABLE', 'PROM'], {
    default: 'DISABLE',
    meaning: 'PROM serves /metrics, /healthz and /readyz on metricsPromExporterPort.',
  }),
  metricsPromExporterPort: option.integer({
    default: 5558,
    min: 0,
    max: 65_535,
    meaning: 'Port of metrics and health; 0 takes a free one.',
  }),
  metricsPromExporterHost: option.text({
    default: '',
    meaning: 'Address that metrics and health are served on; empty means all.',
  }),
  logLevel: option.choice(['debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    meaning: 'The least level of lines that are logged.',
    restart: false,
  }),
  logDir: option.text({
    default: '',
    meaning: 'Folder for namesrv.log; empty means that only the console has the log.',
  }),
  logFileBytes: option.integer({
    default: 104_857_600,
    min: 1024,
    meaning: 'When namesrv.log has so many bytes it begins anew.',
  }),
  logFilePieces: option.integer({
    default: 10,
    min: 0,
    max: 1000,
    meaning: 'Older pieces of namesrv.log that are kept: namesrv.log.1 and so on.',
  }),
};
