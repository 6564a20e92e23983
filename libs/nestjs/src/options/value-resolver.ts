import { messageOf } from '@nestjs-rocketmq/foundation';
import type { Problems } from './problems.js';
import type { Setting, SettingSource } from './setting.js';

const placeholder = /\$\{([^}:]+)(?::([^}]*))?\}/g;

/** Turns settings into values: functions are called, placeholders looked up. */
export class ValueResolver {
  constructor(
    private readonly source: SettingSource,
    private readonly problems: Problems,
  ) {}

  /** Undefined when it has no value; what is wrong is reported with `where` and `name`. */
  resolve<T>(where: string, name: string, setting: Setting<T> | undefined): T | undefined {
    if (typeof setting === 'function') {
      try {
        return (setting as (source: SettingSource) => T)(this.source);
      } catch (error) {
        this.problems.add(
          'ROCKETMQ_OPTION_INVALID',
          `${where}: the function given as '${name}' failed: ${messageOf(error)}`,
        );
        return undefined;
      }
    }
    if (typeof setting !== 'string') return setting;
    return this.fill(where, name, setting) as T | undefined;
  }

  private fill(where: string, name: string, text: string): unknown {
    const whole = /^\$\{([^}:]+)(?::([^}]*))?\}$/.exec(text);
    // A lone placeholder keeps its type: a number from the configuration stays a number.
    if (whole !== null) return this.lookUp(where, name, whole[1] ?? '', whole[2]);
    let isMissing = false;
    const filled = text.replace(placeholder, (_, key: string, fallback: string | undefined) => {
      const value = this.lookUp(where, name, key, fallback);
      isMissing ||= value === undefined;
      return String(value);
    });
    return isMissing ? undefined : filled;
  }

  private lookUp(where: string, name: string, key: string, fallback: string | undefined): unknown {
    const value = this.source.get(key.trim()) ?? fallback;
    if (value !== undefined) return value;
    this.problems.add(
      'ROCKETMQ_PLACEHOLDER_UNRESOLVED',
      `${where}: nothing is configured under '${key}', the placeholder of '${name}'; ` +
        `set it (ConfigService or resolveValue), or give a default: '\${${key}:...}'`,
    );
    return undefined;
  }
}
