import {
  type Logger,
  OptionsError,
  type OptionTable,
  type OptionValues,
} from '@nestjs-rocketmq/foundation';
import { type StoreOptions, storeOptions } from '@nestjs-rocketmq/store';
import { BrokerRoleError } from './broker.errors.js';
import { brokerOptions } from './broker.options.js';
import { idleBrokerOptions } from './settings/idle-options.js';
import { unknownName, withTodaysNames } from './settings/old-spellings.js';

/** The options of a broker and of its store. */
export type BrokerConfig = OptionValues<typeof brokerOptions.table> & StoreOptions;

/**
 * Reads a configuration as it comes from a file or from code. Names of Apache that do nothing here
 * are told with their reason, unknown ones with the nearest known name. Throws `OptionsError` with
 * every wrong value, and `BrokerRoleError` for a role that is not built.
 */
export function loadBrokerConfig(
  source: Readonly<Record<string, unknown>>,
  logger: Logger,
): BrokerConfig {
  const own: Record<string, unknown> = {};
  const ofStore: Record<string, unknown> = {};
  const idle: string[] = [];
  for (const [name, value] of Object.entries(withTodaysNames(source, logger))) {
    if (Object.hasOwn(brokerOptions.table, name)) own[name] = value;
    else if (Object.hasOwn(storeOptions.table, name)) ofStore[name] = value;
    else if (idleBrokerOptions.has(name)) idle.push(name);
    else logger.warn(unknownName(name, knownNames()));
  }
  idleBrokerOptions.tell(idle, logger);
  const config = loadBoth(own, ofStore);
  checkRole(config, logger);
  return config;
}

/** Every name that a broker takes. */
export function knownNames(): string[] {
  return [...brokerOptions.names, ...storeOptions.names, ...idleBrokerOptions.names];
}

/** Loads both sets of options; what is wrong in either is told together. */
function loadBoth(own: Record<string, unknown>, ofStore: Record<string, unknown>): BrokerConfig {
  const problems: string[] = [];
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const broker = attempt(() => brokerOptions.load(own));
  const store = attempt(() => storeOptions.load(ofStore));
  if (broker !== undefined && store !== undefined) return { ...broker, ...store };
  throw new OptionsError('Broker options', problems);
}

/**
 * The values of some options, typed and checked as if they stood in the file beside `current`.
 * Throws `OptionsError` and `BrokerRoleError`.
 */
export function loadSome(
  given: Readonly<Record<string, unknown>>,
  current: BrokerConfig,
): Partial<BrokerConfig> {
  const own = Object.entries(given).filter(([name]) => Object.hasOwn(brokerOptions.table, name));
  const ofStore = Object.entries(given).filter(([name]) => Object.hasOwn(storeOptions.table, name));
  const all = loadBoth(Object.fromEntries(own), Object.fromEntries(ofStore));
  const values = Object.fromEntries(
    Object.entries(all).filter(([name]) => Object.hasOwn(given, name)),
  ) as Partial<BrokerConfig>;
  check({ ...current, ...values });
  return values;
}

/** Does a change of this option wait for the next start? */
export function needsRestart(name: string): boolean {
  const tables: OptionTable = { ...brokerOptions.table, ...storeOptions.table };
  return tables[name]?.needsRestart !== false;
}

/** What no option can tell alone. */
function check(config: BrokerConfig): void {
  if (config.brokerRole === 'SLAVE') {
    throw new BrokerRoleError(
      "'brokerRole' is SLAVE, but replication is not built yet; use ASYNC_MASTER or SYNC_MASTER.",
      { details: { brokerRole: config.brokerRole } },
    );
  }
  for (const address of config.namesrvAddr) {
    if (/^.+:\d{1,5}$/.test(address)) continue;
    throw new OptionsError('Broker options', [
      `'namesrvAddr' must hold host:port, separated by semicolons, but has ${JSON.stringify(address)}`,
    ]);
  }
}

function checkRole(config: BrokerConfig, logger: Logger): void {
  check(config);
  if (config.brokerId === 0) return;
  logger.warn('A master has brokerId 0; the configured one is not used.', {
    brokerId: config.brokerId,
  });
}
