import type { Clock, FileSystem, LogSinks } from '@nestjs-rocketmq/foundation';
import type { Network } from '@nestjs-rocketmq/remoting';
import { AdminProcessor } from './admin/admin.processor.js';
import { KvConfigTable } from './admin/kv-config.table.js';
import { RunningSettings } from './admin/running-settings.js';
import type { NameserverOptions } from './nameserver.config.js';
import { nameserverRouter } from './nameserver.routes.js';
import { NameserverServer } from './nameserver.server.js';
import { RegistrationProcessor } from './registration/registration.processor.js';
import { RouteProcessor } from './route/route.processor.js';
import { RouteTable } from './route/route-table.js';

/** What a nameserver takes from its surroundings. */
export interface NameserverPorts {
  readonly options: NameserverOptions;
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  readonly log: LogSinks;
  /** Undefined means the network of this machine. */
  readonly network: Network | undefined;
}

/**
 * Who gets what: the composition root. Nothing static, so several may live in one process. The
 * server is not open yet. Throws `DurableJsonError` when the key-values cannot be read.
 */
export function composeNameserver(ports: NameserverPorts): NameserverServer {
  const { options, clock, fileSystem, log, network } = ports;
  const { logger } = log;
  const table = new RouteTable();
  const kvConfig = new KvConfigTable(fileSystem, options.kvConfigPath);
  const settings = new RunningSettings(options, fileSystem, logger);
  settings.onChange(({ logLevel }) => (log.level = logLevel));
  const route = new RouteProcessor(table, kvConfig, settings, clock);
  const registration = new RegistrationProcessor(table, kvConfig, settings, clock, logger);
  const admin = new AdminProcessor(kvConfig, settings);
  const router = nameserverRouter({ route, registration, admin });
  const { liveness } = registration;
  return new NameserverServer({
    options,
    router,
    liveness,
    table,
    clock,
    log,
    network,
    servesRoutes: () => route.isOpen,
  });
}
