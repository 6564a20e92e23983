import { homedir } from 'node:os';
import { join } from 'node:path';
import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { Logger, OptionValues } from '@nestjs-rocketmq/foundation';
import { statusOptions } from './status/status.options.js';
import { idleNameserverOptions } from './idle-options.js';

/** Options of a nameserver, under the names that Apache's `namesrv.properties` gives them. */
export const nameserverOptions = defineOptions('nameserver', {
  listenPort: option.integer({
    default: 9876,
    min: 0,
    max: 65_535,
    meaning: 'Port for brokers and clients; 0 takes a free one.',
  }),
  bindAddress: option.text({ default: '0.0.0.0', meaning: 'Address to listen on.' }),
  kvConfigPath: option.text({
    meaning: 'File of the key-values. Default: <home>/namesrv/kvConfig.json.',
  }),
  configStorePath: option.text({
    meaning:
      'File that a change of settings at run time is written to. Default: the file given with -c, ' +
      'or <home>/namesrv/namesrv.properties.',
  }),
  scanNotActiveBrokerInterval: option.duration({
    default: 5000,
    min: 100,
    max: 3_600_000,
    meaning: 'How often brokers that fell silent are looked for.',
  }),
  serverChannelMaxIdleTimeSeconds: option.integer({
    default: 120,
    min: 1,
    max: 86_400,
    meaning: 'A connection without traffic is closed after so many seconds.',
  }),
  configBlackList: option.list({
    default: [],
    meaning:
      'Names of options that a request may not change; configBlackList, configStorePath, ' +
      'kvConfigPath and rocketmqHome are among them always.',
  }),
  orderMessageEnable: option.boolean({
    default: false,
    meaning: 'Routes carry the order configuration of their topic (ORDER_TOPIC_CONFIG).',
    restart: false,
  }),
  returnOrderTopicConfigToBroker: option.boolean({
    default: true,
    meaning: 'A broker that registers is given all order configurations.',
    restart: false,
  }),
  enableAllTopicList: option.boolean({
    default: true,
    meaning: 'Anyone may list all topics.',
    restart: false,
  }),
  enableTopicList: option.boolean({
    default: true,
    meaning: 'Anyone may list the topics of a cluster, and system topics.',
    restart: false,
  }),
  needWaitForService: option.boolean({
    default: false,
    meaning: 'Routes are refused for waitSecondsForService after the start.',
    restart: false,
  }),
  waitSecondsForService: option.integer({
    default: 45,
    min: 0,
    max: 3600,
    meaning: 'See needWaitForService.',
    restart: false,
  }),
  deleteTopicWithBrokerRegistration: option.boolean({
    default: false,
    meaning: 'A topic that a broker no longer names is taken off that broker.',
    restart: false,
  }),
  ...statusOptions,
});

export type NameserverTable = (typeof nameserverOptions)['table'];
export type NameserverOptions = OptionValues<NameserverTable>;

/** Those that `mqnamesrv -m` prints. */
export const importantOptions = ['listenPort', 'bindAddress', 'kvConfigPath', 'configStorePath'];

/** Fills in what depends on the machine and names what has no effect. */
export function loadNameserverOptions(
  source: Readonly<Record<string, unknown>>,
  how: { readonly unknown: 'refuse' | 'warn'; readonly logger: Logger },
): NameserverOptions {
  idleNameserverOptions.tell(Object.keys(source), how.logger);
  const known = Object.entries(source).filter(([name]) => !idleNameserverOptions.has(name));
  const values = nameserverOptions.load(Object.fromEntries(known), how);
  const folder = join(homedir(), 'namesrv');
  return {
    ...values,
    kvConfigPath: values.kvConfigPath ?? join(folder, 'kvConfig.json'),
    configStorePath: values.configStorePath ?? join(folder, 'namesrv.properties'),
  };
}

/** Lines `name=value`, as `mqnamesrv -p` and GET_NAMESRV_CONFIG show them. */
export function printOptions(
  options: NameserverOptions,
  names: readonly string[] = nameserverOptions.names,
): string {
  const values: Readonly<Record<string, unknown>> = options;
  const shown = (value: unknown): string =>
    Array.isArray(value) ? value.join(';') : String(value);
  return names.map((name) => `${name}=${shown(values[name])}\n`).join('');
}
