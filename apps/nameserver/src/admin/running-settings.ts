import { replaceProperties, replaceDurableText } from '@nestjs-rocketmq/foundation';
import type { FileSystem, Logger, OptionTable } from '@nestjs-rocketmq/foundation';
import { nameserverOptions, printOptions } from '../nameserver.config.js';
import type { NameserverOptions } from '../nameserver.config.js';

/** Settings that nobody may change from afar: where files are. */
const alwaysUntouchable = ['configBlackList', 'configStorePath', 'kvConfigPath', 'rocketmqHome'];

const optionTable: OptionTable = nameserverOptions.table;

/** The settings in force. Those that need no restart change while the nameserver runs. */
export class RunningSettings {
  private current: NameserverOptions;
  private readonly listeners: ((values: NameserverOptions) => void)[] = [];

  constructor(
    started: NameserverOptions,
    private readonly fs: FileSystem,
    private readonly logger: Logger,
  ) {
    this.current = started;
  }

  get values(): NameserverOptions {
    return this.current;
  }

  /** Called after settings were changed. */
  onChange(listener: (values: NameserverOptions) => void): void {
    this.listeners.push(listener);
  }

  /** Lines `name=value`. */
  print(): string {
    return printOptions(this.current);
  }

  /** The first of the names that may not be changed from afar; undefined when there is none. */
  untouchableIn(changes: Readonly<Record<string, string>>): string | undefined {
    const names = [...alwaysUntouchable, ...this.current.configBlackList];
    return names.find((name) => Object.hasOwn(changes, name));
  }

  /**
   * Takes changes over and writes them to `configStorePath`; gives the names that need a restart.
   * Throws `OptionsError`, and changes nothing, when one is unknown or out of range.
   */
  change(changes: Readonly<Record<string, string>>): string[] {
    const read = nameserverOptions.load(changes, { unknown: 'refuse' });
    const taken = Object.entries(read).filter(([name]) => Object.hasOwn(changes, name));
    if (taken.length === 0) return [];
    this.store(changes);
    const isLate = (name: string): boolean => optionTable[name]?.needsRestart === true;
    const now = taken.filter(([name]) => !isLate(name));
    this.current = { ...this.current, ...Object.fromEntries(now) };
    this.logger.info('Settings were changed', Object.fromEntries(taken));
    for (const listener of this.listeners) listener(this.current);
    return taken.map(([name]) => name).filter(isLate);
  }

  /** Lines of other settings, comments among them, stay as they are. */
  private store(changes: Readonly<Record<string, string>>): void {
    const path = this.current.configStorePath;
    // Any text is replaced as safely as JSON, with the old one beside it.
    replaceDurableText(this.fs, path, replaceProperties(this.fs.readText(path) ?? '', changes));
  }
}
