import {
  systemClock,
  type Clock,
  type OptionSet,
  type OptionTable,
} from '@nestjs-rocketmq/foundation';
import { MessageConverters } from '../converter/message-converters.js';
import {
  metricsOptions,
  telemetryOptions,
  type MetricsValues,
  type TelemetryValues,
} from '../operations/operations-options.js';
import { readPullConsumer, type PullSettings } from '../pull/pull-options.js';
import type { OutgoingInterceptorToken } from '../template/outgoing-interceptor.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import { DelayLevels } from './delay-levels.js';
import { readFormats } from './format-options.js';
import type { ConsumeOptions, ListenerOptionsHook, ListenersSetting } from './listener-options.js';
import type {
  ConnectionOptions,
  PassedOnOptions,
  RocketMQModuleOptions,
} from './module-options.js';
import { consumeOptions } from './listener-tables.js';
import {
  connectionOptions,
  moduleOptions,
  passedOnNames,
  startupOptions,
} from './option-tables.js';
import { type Problems, checkNames, readTable } from './problems.js';
import { readProducer, type ProducerSettings, type ProducerValues } from './producer-options.js';

/** `startup` with its defaults; times in milliseconds. */
export interface StartupValues {
  readonly wait: boolean;
  readonly timeout: number;
  readonly failFast: boolean;
}

/** A connection with its defaults filled in. */
export interface ConnectionSettings {
  readonly name: string;
  readonly nameServers: readonly string[];
  /** Whether the application chose the producer group; check-backs need that. */
  readonly hasProducerGroup: boolean;
  readonly producer: ProducerValues;
  /** As given; templates with settings of their own build on it. */
  readonly producerGiven: ProducerSettings;
  /** By name. */
  readonly pullConsumers: ReadonlyMap<string, PullSettings>;
  /** As given; resolved together with each listener. */
  readonly consumer: ConsumeOptions;
  readonly delayLevels: DelayLevels;
  readonly requestTimeout: number;
  readonly startup: StartupValues;
  /** Its own, and behind them those of the module. */
  readonly converters: MessageConverters;
  /** As given, checked; for the client. */
  readonly client: PassedOnOptions;
}

/** The module options, checked. */
export interface ModuleSettings {
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  /** Undefined: no metrics. */
  readonly metrics: MetricsValues | undefined;
  /** Undefined: no spans. */
  readonly telemetry: TelemetryValues | undefined;
  /** For connections without formats of their own. */
  readonly converters: MessageConverters;
  /** As given; resolved when every provider exists. */
  readonly interceptors: readonly OutgoingInterceptorToken[];
  readonly listeners: ListenersSetting;
  readonly listenerOptions: ListenerOptionsHook | undefined;
  readonly resolveValue: ((name: string) => unknown) | undefined;
  readonly clock: Clock;
}

const connectionNames = [...connectionOptions.names, 'producer', 'pullConsumers', 'consumer'];
const consumerNames = consumeOptions.names;

function readConnection(
  name: string,
  where: string,
  given: Partial<ConnectionOptions>,
  converters: MessageConverters,
  problems: Problems,
): ConnectionSettings {
  // Its formats have been read.
  const others = { ...given, converters: undefined, contentType: undefined };
  const values = readTable(where, connectionOptions, others, problems);
  const nameServers = (values.nameServers ?? []) as readonly string[];
  if (given.nameServers === undefined && given.nameServerAddressUrl === undefined) {
    const { meaning } = connectionOptions.table.nameServers;
    problems.add('ROCKETMQ_OPTION_INVALID', `${where}: 'nameServers' is missing (${meaning})`);
  }
  if (given.nameServers !== undefined && nameServers.length === 0) {
    const sentence = `${where}: 'nameServers' is empty; write 'host:9876', several with ';' between them`;
    problems.add('ROCKETMQ_OPTION_INVALID', sentence);
  }
  for (const address of nameServers) {
    if (/^\S+:\d{1,5}$/.test(address)) continue;
    const sentence = `${where}: 'nameServers' has '${address}', which is not host:port`;
    problems.add('ROCKETMQ_OPTION_INVALID', sentence);
  }
  checkNames(`${where} consumer`, given.consumer ?? {}, consumerNames, problems);
  let delayLevels = new DelayLevels(values.delayLevels as string);
  if (!delayLevels.isValid) {
    const sentence =
      `${where}: 'delayLevels' must be times as in broker.conf ('1s 5s 1m'), but ` +
      `is '${given.delayLevels}'`;
    problems.add('ROCKETMQ_OPTION_INVALID', sentence);
    delayLevels = new DelayLevels();
  }
  return {
    name,
    nameServers,
    hasProducerGroup: given.producer?.group !== undefined,
    producer: readProducer(`${where} producer`, given.producer, problems),
    producerGiven: given.producer ?? {},
    pullConsumers: readPullConsumers(where, given.pullConsumers, problems),
    consumer: given.consumer ?? {},
    delayLevels,
    requestTimeout: values.requestTimeout as number,
    startup: readStartup(where, given.startup, problems),
    converters,
    client: passedOn(given),
  };
}

function readStartup(where: string, given: unknown, problems: Problems): StartupValues {
  const values = typeof given === 'object' && given !== null ? given : {};
  const place = `${where} startup`;
  checkNames(place, values, startupOptions.names, problems);
  return readTable(place, startupOptions, { ...values }, problems) as StartupValues;
}

function readPullConsumers(
  where: string,
  given: ConnectionOptions['pullConsumers'],
  problems: Problems,
): Map<string, PullSettings> {
  const found = new Map<string, PullSettings>();
  for (const [name, own] of Object.entries(given ?? {})) {
    const settings = readPullConsumer(`${where} pullConsumers.${name}`, own, problems);
    const twin = [...found].find(([, { group }]) => group === settings.group);
    if (twin !== undefined) {
      problems.add(
        'ROCKETMQ_GROUP_TWICE',
        `${where}: the pull consumers '${twin[0]}' and '${name}' are both in group ` +
          `'${settings.group}', and a group has one subscription; give one of them another group`,
      );
    }
    found.set(name, settings);
  }
  return found;
}

function passedOn(given: Partial<ConnectionOptions>): PassedOnOptions {
  const values = passedOnNames.map((name) => [name, given[name]] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** `true` or options; undefined when switched off. */
function readSwitch(
  name: string,
  set: OptionSet<OptionTable>,
  given: unknown,
  problems: Problems,
): unknown {
  if (given === undefined || given === false) return undefined;
  const values = typeof given === 'object' && given !== null ? given : {};
  const where = `RocketMQModule ${name}`;
  checkNames(where, values, set.names, problems);
  return readTable(where, set, { ...values }, problems);
}

/**
 * Checks the module options; what is wrong goes to `problems`, the rest is usable. `clock` is that of
 * the clients, for options that name none.
 */
export function readModuleOptions(
  given: RocketMQModuleOptions,
  problems: Problems,
  clock: Clock = systemClock,
): ModuleSettings {
  const where = 'RocketMQModule';
  const options = isObject(given) ? given : { nameServers: 'none:1' };
  if (options !== given) {
    const sentence =
      `${where}: the options must be an object such as { nameServers }, but are ` + String(given);
    problems.add('ROCKETMQ_OPTION_INVALID', sentence);
  }
  checkNames(where, options, [...moduleOptions.names, ...connectionNames], problems);
  readTable(where, moduleOptions, { ...options }, problems);
  const converters = readFormats(where, options, new MessageConverters(), problems);
  const connections = new Map<string, ConnectionSettings>();
  const further = Object.entries(options.connections ?? {});
  const hasDefault =
    options.nameServers !== undefined || options.nameServerAddressUrl !== undefined;
  if (hasDefault || further.length === 0) {
    const first = readConnection(DEFAULT_CONNECTION, where, options, converters, problems);
    connections.set(DEFAULT_CONNECTION, first);
  }
  for (const [name, given] of further) {
    const place = `${where} connections.${name}`;
    if (name === DEFAULT_CONNECTION && connections.has(name)) {
      const sentence =
        `${place}: 'default' is the connection of the top-level 'nameServers'; ` +
        'choose another name';
      problems.add('ROCKETMQ_OPTION_INVALID', sentence);
      continue;
    }
    checkNames(place, given, connectionNames, problems);
    const own = readFormats(place, given, converters, problems);
    connections.set(name, readConnection(name, place, given, own, problems));
  }
  return {
    connections,
    metrics: readSwitch('metrics', metricsOptions, options.metrics, problems) as MetricsValues,
    telemetry: readSwitch(
      'telemetry',
      telemetryOptions,
      options.telemetry,
      problems,
    ) as TelemetryValues,
    converters,
    interceptors: Array.isArray(options.interceptors) ? options.interceptors : [],
    listeners: options.listeners ?? true,
    listenerOptions: options.listenerOptions,
    resolveValue: options.resolveValue,
    clock: options.clock ?? clock,
  };
}
