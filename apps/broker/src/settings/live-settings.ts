import {
  type FileSystem,
  type Logger,
  OptionsError,
  parseProperties,
  replaceProperties,
  replaceDurableText,
} from '@nestjs-rocketmq/foundation';
import { type BrokerConfig, knownNames, loadSome, needsRestart } from '../broker.config.js';
import { idleBrokerOptions } from './idle-options.js';
import { formerNames, neverOptions, unknownName } from './old-spellings.js';

export interface LiveSettingsParts {
  /** The settings in force: one object, changed in place, which every part of the broker reads. */
  readonly config: BrokerConfig;
  /** Given settings that do nothing, shown as they were given. */
  readonly idle: Readonly<Record<string, string>>;
  /** What the broker was started with; undefined when there is no such file. */
  readonly file: string | undefined;
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
}

/** What became of a change. */
export interface SettingsChange {
  /** In force now. */
  readonly now: readonly string[];
  /** In the file, in force after a restart. */
  readonly late: readonly string[];
  /** In the file, and without meaning here. */
  readonly idle: readonly string[];
}

type Changes = Readonly<Record<string, string>>;
type Listener = (names: ReadonlySet<string>) => void;

/** Settings that nobody may change from afar, whatever `configBlackList` says. */
const alwaysUntouchable = ['brokerConfigPath', 'rocketmqHome', 'configBlackList'];

/** The settings in force, and their change while the broker runs. */
export class LiveSettings {
  private readonly listeners: Listener[] = [];
  private readonly idle: Record<string, string>;
  /** Times that settings were changed. */
  changes = 0;

  constructor(private readonly parts: LiveSettingsParts) {
    this.idle = { ...parts.idle };
  }

  /** Every setting with its value as a `.properties` file would have it. */
  texts(): Record<string, string> {
    return { ...settingsOf(this.parts.config), ...this.idle };
  }

  text(name: string): string | undefined {
    const value = (this.parts.config as Readonly<Record<string, unknown>>)[name];
    return value === undefined ? this.idle[name] : textOf(value);
  }

  /** Called after settings were changed, with their names. */
  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** The first of the names that may not be changed from afar; undefined when there is none. */
  untouchableIn(changes: Changes): string | undefined {
    const untouchable = [...alwaysUntouchable, ...this.parts.config.configBlackList];
    return untouchable.find((name) => Object.hasOwn(changes, name));
  }

  /**
   * Takes changes over and writes them to the file. Throws, and changes nothing: `OptionsError` when
   * a name is unknown or a value wrong, `BrokerRoleError` for a role that is not built.
   */
  change(given: Changes): SettingsChange {
    const changes = today(given);
    const idle = Object.keys(changes).filter((name) => idleBrokerOptions.has(name));
    const working = Object.fromEntries(
      Object.entries(changes).filter(([name]) => !idleBrokerOptions.has(name)),
    );
    const values: Readonly<Record<string, unknown>> = loadSome(working, this.parts.config);
    this.store(changes);
    const names = Object.keys(working);
    const late = names.filter((name) => needsRestart(name));
    const now = names.filter((name) => !needsRestart(name));
    const config = this.parts.config as unknown as Record<string, unknown>;
    for (const name of now) config[name] = values[name];
    for (const name of idle) this.idle[name] = changes[name] as string;
    this.changes += 1;
    this.tell(now, late, idle, changes);
    const changed = new Set(now);
    for (const listener of this.listeners) listener(changed);
    return { now, late, idle };
  }

  private tell(now: string[], late: string[], idle: string[], changes: Changes): void {
    const { logger } = this.parts;
    const fields = (names: string[]): Record<string, string | undefined> =>
      Object.fromEntries(names.map((name) => [name, changes[name]]));
    if (now.length > 0) logger.info('Settings were changed', fields(now));
    if (late.length > 0) logger.warn('These settings change with the next start', fields(late));
    idleBrokerOptions.tell(idle, logger);
  }

  /** Lines of other settings, comments and unknown ones among them, stay as they are. */
  private store(changes: Changes): void {
    const { fileSystem, logger, config } = this.parts;
    const file = config.brokerConfigPath || this.parts.file;
    if (Object.keys(changes).length === 0) return;
    if (file === undefined) {
      return logger.warn('There is no configuration file: changed settings end with this process.');
    }
    // Any text is replaced as safely as JSON, with the old one beside it.
    replaceDurableText(
      fileSystem,
      file,
      replaceProperties(fileSystem.readText(file) ?? '', changes),
    );
  }
}

/** The changes under today's names. Throws `OptionsError` for names that nobody reads. */
function today(given: Changes): Record<string, string> {
  const known = new Set(knownNames());
  const changes: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const current = Object.hasOwn(formerNames, name) ? (formerNames[name] as string) : name;
    if (known.has(current)) changes[current] = value;
    else if (Object.hasOwn(neverOptions, name)) {
      problems.push(`'${name}' is no option: ${neverOptions[name]}`);
    } else problems.push(unknownName(name, known));
  }
  if (problems.length > 0) throw new OptionsError('Broker options', problems);
  return changes;
}

/** Reads the lines of a change as it comes over the wire. Throws `PropertiesError`. */
export function changesOf(text: string): Changes {
  return parseProperties(text);
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(';') : String(value);
}

/** Every option with its value as a `.properties` file would have it. */
export function settingsOf(config: BrokerConfig): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config)
      .map(([name, value]): [string, string] => [name, textOf(value)])
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}
