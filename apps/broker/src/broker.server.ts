import * as path from 'node:path';
import { homedir, hostname } from 'node:os';
import { lookup } from 'node:dns/promises';
import {
  type Clock,
  consoleLogger,
  LogFile,
  LogSinks,
  type StatusServer,
  type FileSystem,
  type Logger,
  nodeFileSystem,
  ResourceStack,
  systemClock,
  Turn,
} from '@nestjs-rocketmq/foundation';
import { hostBytes, localAddress } from '@nestjs-rocketmq/message';
import { type Network, RemotingClient, RequestLatencies } from '@nestjs-rocketmq/remoting';
import { MessageStore, storeOptions } from '@nestjs-rocketmq/store';
import { type BrokerConfig, loadBrokerConfig } from './broker.config.js';
import { BrokerStartError } from './broker.errors.js';
import { type BrokerParts, composeBroker, consumerFilters } from './broker.parts.js';
import { brokerRoutes } from './broker.routes.js';
import { Listening } from './listening.js';
import { RegistrationService } from './registration/registration.service.js';
import type { StoreHost } from './send/message-draft.js';
import { followSettings } from './settings/follow-settings.js';
import { idleBrokerOptions } from './settings/idle-options.js';
import type { StatusParts } from './status/open-status.js';
import { LiveSettings } from './settings/live-settings.js';

export interface BrokerOptions {
  /** Options under Apache's names, as texts or values; see `brokerOptions` and `storeOptions`. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  /** Folder of everything the broker keeps; goes before the property `storePathRootDir`. */
  readonly dir?: string | undefined;
  /** Name servers; go before the property `namesrvAddr`. */
  readonly nameServers?: string | readonly string[] | undefined;
  /** The file that a change of settings at run time is written to. */
  readonly configFile?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly fileSystem?: FileSystem | undefined;
  readonly network?: Network | undefined;
  /** The end of the turns of the event loop; default one that `setImmediate` ends. */
  readonly turn?: Turn | undefined;
  readonly logger?: Logger | undefined;
}

/** A broker that serves. */
export interface RunningBroker extends AsyncDisposable {
  /** `host:port` under which clients reach it. */
  readonly address: string;
  readonly port: number;
  readonly name: string;
  /** Of metrics and health, when they are served. */
  readonly statusPort: number | undefined;
  readonly config: BrokerConfig;
  /** Called once when the store had to stop; the broker refuses messages from then on. */
  onFailure(listener: (error: Error) => void): void;
  /** Leaves its name servers, answers what is under way, saves everything. */
  close(): Promise<void>;
}

/** The options as they really hold: names and addresses of this machine filled in. */
export function resolveConfig(options: BrokerOptions, logger: Logger): BrokerConfig {
  const given: Record<string, unknown> = { ...options.properties };
  if (options.dir !== undefined) given['storePathRootDir'] = options.dir;
  if (options.nameServers !== undefined) given['namesrvAddr'] = options.nameServers;
  const config = loadBrokerConfig(given, logger);
  const brokerIP1 = config.brokerIP1 || localAddress();
  return {
    ...config,
    brokerId: 0,
    brokerName: config.brokerName || hostname() || 'DEFAULT_BROKER',
    brokerIP1,
    brokerIP2: config.brokerIP2 || brokerIP1,
    storePathRootDir: path.resolve(config.storePathRootDir || path.join(homedir(), 'store')),
  };
}

/**
 * Starts a broker: takes the store folder, recovers what is in it, listens, registers. Or closes
 * all it opened and throws: `OptionsError`, `BrokerRoleError`, `FileLockedError` (another broker
 * has the folder), the errors of the store, `ListenError`.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const given = options.logger ?? consoleLogger('broker', { level: 'warn' });
  const log = new LogSinks('broker', given);
  const { logger } = log;
  const config = resolveConfig(options, logger);
  log.level = config.logLevel;
  log.open(logFileOf(config, options.fileSystem ?? nodeFileSystem));
  const resources = new ResourceStack();
  resources.use(log);
  try {
    return await open(config, options, log, resources);
  } catch (error) {
    await resources.close().catch((second: unknown) => {
      logger.error('not everything could be closed after a start that failed', { error: second });
    });
    throw error;
  }
}

async function open(
  config: BrokerConfig,
  options: BrokerOptions,
  log: LogSinks,
  resources: ResourceStack,
): Promise<RunningBroker> {
  const { logger } = log;
  const clock = options.clock ?? systemClock;
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const turn = options.turn ?? new Turn();
  const place: StoreHost = { host: await addressBytes(config.brokerIP1), port: config.listenPort };
  const directory = config.storePathRootDir;
  if (config.enableCalcFilterBitMap && !config.enableConsumeQueueExt) {
    logger.warn('enableCalcFilterBitMap does nothing without enableConsumeQueueExt.');
  }
  const filters = consumerFilters({ config, directory, fileSystem, clock, logger });
  const store = await MessageStore.open({
    directory,
    bitMapOf: filters.bitMapOf,
    options: storeOptionsOf(config),
    fileSystem,
    clock,
    logger: logger.child('store'),
    turn,
  });
  resources.use(store);
  const settings = settingsFor(config, options, fileSystem, logger);
  const nouns = { config, settings, directory, store, filters, turn, place };
  const parts = composeBroker({ ...nouns, fileSystem, clock, logger });
  followTurns(parts, store, turn);
  const router = brokerRoutes(parts.processors);
  store.onArrival((queue) => parts.arrivals.announce(queue));
  resources.use(parts.housekeeping);
  const network = options.network;
  const latencies = latenciesFor(config, clock, turn);
  const ground = { config, router, turn, gate: store.gate, network, latencies, clock, logger };
  const listening = await Listening.open(ground);
  place.port = listening.address.port;
  router.storeAt(place.host, place.port);
  parts.halves.completeLastCommit(clock.now());
  resources.use(listening);
  resources.defer(() => parts.arrivals.release());
  parts.schedule.open();
  resources.use(parts.schedule);
  parts.checks.open();
  resources.use(parts.checks);
  parts.housekeeping.open();
  const address = `${config.brokerIP1}:${place.port}`;
  const registering = { options, clock, logger, resources, address, port: place.port };
  const registration = register(config, parts, registering);
  followSettings({ config, settings, store, parts, listening, registration, log });
  const watched = { metrics: { ...parts.metrics, latencies }, registration, fileSystem };
  const statusPort = await watch(config, watched, log, resources);
  await registration.open();
  return {
    address,
    port: place.port,
    name: config.brokerName,
    statusPort: statusPort?.port,
    get config() {
      return { ...config, listenPort: place.port };
    },
    onFailure: (listener) => store.onFailure(listener),
    close: () => resources.close(),
    [Symbol.asyncDispose]: () => resources.close(),
  };
}

function logFileOf(config: BrokerConfig, fileSystem: FileSystem): LogFile | undefined {
  const { logDir, logFileBytes: bytes, logFilePieces: pieces } = config;
  if (logDir === '') return undefined;
  return new LogFile({ fileSystem, path: path.resolve(logDir, 'broker.log'), bytes, pieces });
}

/** Latencies are counted where somebody is shown them. */
function latenciesFor(
  config: BrokerConfig,
  clock: Clock,
  turn: Turn,
): RequestLatencies | undefined {
  const { metricsExporterType, metricsOtelCardinalityLimit } = config;
  const isShown = metricsExporterType === 'PROM' || metricsExporterType === 'LOG';
  return isShown ? new RequestLatencies(clock, turn, metricsOtelCardinalityLimit) : undefined;
}

/** Metrics and health are loaded when they are wanted. */
async function watch(
  config: BrokerConfig,
  parts: StatusParts,
  log: LogSinks,
  resources: ResourceStack,
): Promise<StatusServer | undefined> {
  const { metricsExporterType } = config;
  if (metricsExporterType === 'DISABLE') return undefined;
  if (metricsExporterType === 'OTLP_GRPC') {
    log.logger.warn(
      'metricsExporterType=OTLP_GRPC is not there: nothing is exported. With PROM a collector can ' +
        'fetch the same figures from /metrics.',
    );
    return undefined;
  }
  if (metricsExporterType === 'LOG') {
    const { logMetrics } = await import('./status/log-metrics.js');
    resources.use(logMetrics(parts.metrics, log.logger.child('metrics')));
    return undefined;
  }
  const { openStatus } = await import('./status/open-status.js');
  return resources.use(await openStatus(parts));
}

/** The settings in force; 26 shows those that do nothing as they were given. */
function settingsFor(
  config: BrokerConfig,
  options: BrokerOptions,
  fileSystem: FileSystem,
  logger: Logger,
): LiveSettings {
  const idle = Object.fromEntries(
    Object.entries(options.properties ?? {})
      .filter(([name]) => idleBrokerOptions.has(name))
      .map(([name, value]) => [name, String(value)]),
  );
  return new LiveSettings({ config, idle, file: options.configFile, fileSystem, logger });
}

/** What was decided or delivered in a turn stands or falls with the write of that turn. */
function followTurns(parts: BrokerParts, store: MessageStore, turn: Turn): void {
  const { halves, schedule, line } = parts;
  turn.onEnd('send', () => line.turnEnded());
  turn.onEnd('answer', () => {
    halves.turnWritten();
    schedule.turnWritten();
  });
  const ignore = (): void => undefined;
  store.gate.subscribe({
    epochClosing: ignore,
    epochDurable: ignore,
    epochFailed: ignore,
    turnFailed: () => {
      halves.turnFailed();
      schedule.turnFailed();
    },
  });
}

interface RegisterContext {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resources: ResourceStack;
  readonly address: string;
  readonly port: number;
}

function register(
  config: BrokerConfig,
  parts: BrokerParts,
  context: RegisterContext,
): RegistrationService {
  const { clock, logger, resources, address, port } = context;
  const client = new RemotingClient({
    network: context.options.network,
    clock,
    logger: logger.child('registration'),
    connectTimeoutMs: config.connectTimeoutMillis,
  });
  resources.defer(() => client.close());
  const registration = new RegistrationService({
    client,
    topics: parts.topics,
    clock,
    logger: logger.child('registration'),
    identity: {
      brokerName: config.brokerName,
      clusterName: config.brokerClusterName,
      brokerAddr: address,
      haServerAddr: `${config.brokerIP2}:${config.haListenPort || port + 1}`,
    },
    settings: config,
  });
  return resources.use(registration);
}

function storeOptionsOf(config: BrokerConfig): Partial<BrokerConfig> {
  return Object.fromEntries(
    Object.entries(config).filter(([name]) => Object.hasOwn(storeOptions.table, name)),
  );
}

/** Records and message ids carry an address in numbers. */
async function addressBytes(host: string): Promise<Uint8Array> {
  try {
    return hostBytes(host);
  } catch {
    // Not an address, so it must be a name.
  }
  try {
    return hostBytes((await lookup(host)).address);
  } catch (error) {
    throw new BrokerStartError(
      `'brokerIP1' is ${JSON.stringify(host)}, which is neither an address nor a known host name.`,
      { cause: error, details: { brokerIP1: host } },
    );
  }
}
