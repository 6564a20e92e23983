import { join, resolve } from 'node:path';
import {
  LogFile,
  LogSinks,
  nodeFileSystem,
  silentLogger,
  systemClock,
} from '@nestjs-rocketmq/foundation';
import type { Clock, FileSystem, Logger, Resource } from '@nestjs-rocketmq/foundation';
import { formatAddress } from '@nestjs-rocketmq/remoting';
import type { Network } from '@nestjs-rocketmq/remoting';
import { composeNameserver } from './compose-nameserver.js';
import { loadNameserverOptions } from './nameserver.config.js';
import type { NameserverOptions } from './nameserver.config.js';
import type { NameserverServer } from './nameserver.server.js';

/** Options of the nameserver by Apache's names, and what it takes from its surroundings. */
export type StartNameserverOptions = Partial<NameserverOptions> & {
  /** Folder for the files whose path is not given. Default `<home>/namesrv`. */
  readonly dir?: string;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
  readonly network?: Network;
  /** Default: says nothing. */
  readonly logger?: Logger;
};

export interface RunningNameserver extends Resource, AsyncDisposable {
  /** `host:port` for clients on this machine (or under `bindAddress` when that is one address). */
  readonly address: string;
  /** The port really taken. */
  readonly port: number;
  /** Of metrics and health, when they are served. */
  readonly statusPort: number | undefined;
  /** Answers what is being worked on, then closes. */
  close(): Promise<void>;
}

/** Addresses that mean every interface; a client needs one. */
const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** A nameserver that is not open yet. Throws as `startNameserver` rejects. */
export function prepareNameserver(given: StartNameserverOptions): NameserverServer {
  const { dir, clock, fileSystem, network, logger = silentLogger, ...named } = given;
  const paths =
    dir === undefined
      ? {}
      : {
          kvConfigPath: join(dir, 'kvConfig.json'),
          configStorePath: join(dir, 'namesrv.properties'),
        };
  const log = new LogSinks('nameserver', logger);
  const how = { unknown: 'refuse', logger: log.logger } as const;
  const options = loadNameserverOptions({ ...paths, ...named }, how);
  const disk = fileSystem ?? nodeFileSystem;
  log.level = options.logLevel;
  log.open(logFileOf(options, disk));
  return composeNameserver({
    options,
    clock: clock ?? systemClock,
    fileSystem: disk,
    log,
    network,
  });
}

function logFileOf(options: NameserverOptions, fileSystem: FileSystem): LogFile | undefined {
  const { logDir, logFileBytes: bytes, logFilePieces: pieces } = options;
  if (logDir === '') return undefined;
  return new LogFile({ fileSystem, path: resolve(logDir, 'namesrv.log'), bytes, pieces });
}

/**
 * Starts a nameserver in this process; several may live at once. Rejects with `OptionsError` naming
 * every wrong option, `ListenError` when the port is taken, `DurableJsonError` when the file of the
 * key-values cannot be read; nothing is left open then.
 */
export async function startNameserver(
  given: StartNameserverOptions = {},
): Promise<RunningNameserver> {
  const server = prepareNameserver(given);
  await server.open();
  const { port, host } = server.address;
  const close = (): Promise<void> => server.close();
  const address = formatAddress(everywhere[host] ?? host, port);
  const { statusPort } = server;
  return { address, port, statusPort, close, [Symbol.asyncDispose]: close };
}
