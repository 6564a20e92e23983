import { OptionsError } from './foundation.errors.js';
import type { Logger } from './logger.js';
import { nearestName } from './nearest-name.js';

/** One option, declared once: its type, default, bounds and meaning. Plain data for docs pages. */
export interface Option<T> {
  readonly kind:
    'text' | 'integer' | 'number' | 'boolean' | 'duration' | 'choice' | 'list' | 'object';
  /** A sentence for `docs/configuration.md`. */
  readonly meaning: string;
  /** Used when the option is absent; undefined means that it has none. */
  readonly fallback: T | undefined;
  readonly isRequired: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** False when a change works on a running server. */
  readonly needsRestart: boolean;
  /** True when the value must never be printed. */
  readonly isSecret: boolean;
  /** Reads a value as typed by a user (text from a file, or a value from code). */
  readonly read: (value: unknown) => T | Problem;
}

/** What is wrong with a value, as the end of a sentence ("must be ..."). */
export class Problem {
  constructor(readonly text: string) {}
}

interface Declared<T> {
  readonly meaning: string;
  readonly default?: T;
  readonly required?: boolean;
  readonly restart?: boolean;
  readonly secret?: boolean;
}

interface Bounded<T> extends Declared<T> {
  readonly min?: number;
  readonly max?: number;
}

function declare<T>(
  kind: Option<T>['kind'],
  declared: Bounded<T>,
  read: Option<T>['read'],
  choices?: readonly string[],
): Option<T> {
  return {
    kind,
    meaning: declared.meaning,
    fallback: declared.default,
    isRequired: declared.required ?? false,
    needsRestart: declared.restart ?? true,
    isSecret: declared.secret ?? false,
    read,
    ...(declared.min === undefined ? {} : { min: declared.min }),
    ...(declared.max === undefined ? {} : { max: declared.max }),
    ...(choices === undefined ? {} : { choices }),
  };
}

function inRange(value: number, bounds: { min?: number; max?: number }): number | Problem {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds;
  if (value >= min && value <= max) return value;
  return new Problem(`must be between ${min} and ${max}`);
}

function readNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value.trim()) : Number.NaN;
}

const unitMillis: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a number or of a text such as `250ms`, `10s`, `15m`, `2h`, `1d`. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (parts === null) return undefined;
  const unit = unitMillis[(parts[2] || 'ms').toLowerCase()];
  return unit === undefined ? undefined : Math.round(Number(parts[1]) * unit);
}

/** The kinds of options. */
export const option = {
  text(declared: Declared<string>): Option<string> {
    return declare('text', declared, (value) =>
      typeof value === 'string' ? value : new Problem('must be a text'),
    );
  },
  integer(declared: Bounded<number>): Option<number> {
    return declare('integer', declared, (value) => {
      const number = readNumber(value);
      return Number.isSafeInteger(number)
        ? inRange(number, declared)
        : new Problem('must be a whole number');
    });
  },
  number(declared: Bounded<number>): Option<number> {
    return declare('number', declared, (value) => {
      const number = readNumber(value);
      return Number.isFinite(number) ? inRange(number, declared) : new Problem('must be a number');
    });
  },
  boolean(declared: Declared<boolean>): Option<boolean> {
    return declare('boolean', declared, (value) => {
      if (typeof value === 'boolean') return value;
      const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
      if (text === 'true') return true;
      return text === 'false' ? false : new Problem('must be true or false');
    });
  },
  /** Milliseconds, or a text with a unit such as `15m`. */
  duration(declared: Bounded<number>): Option<number> {
    return declare('duration', declared, (value) => {
      const ms = parseDuration(value);
      return ms === undefined
        ? new Problem("must be milliseconds or a text such as '500ms', '10s', '15m'")
        : inRange(ms, declared);
    });
  },
  choice<const C extends string>(choices: readonly C[], declared: Declared<C>): Option<C> {
    return declare(
      'choice',
      declared,
      (value) =>
        choices.find((choice) => choice === value) ??
        new Problem(`must be one of ${choices.join(', ')}`),
      choices,
    );
  },
  /** Texts: an array, or one text cut at `separator` (default `;`). */
  list(declared: Declared<readonly string[]> & { separator?: string }): Option<readonly string[]> {
    return declare('list', declared, (value) => {
      const items = typeof value === 'string' ? value.split(declared.separator ?? ';') : value;
      if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) {
        return new Problem('must be a list of texts');
      }
      return items.map((item) => item.trim()).filter((item) => item !== '');
    });
  },
  /** A thing that only code can give: a port, a function, a list of objects; kept as it is. */
  object<T>(declared: Declared<T> & { is: (value: unknown) => boolean; must: string }): Option<T> {
    return declare('object', declared, (value) =>
      declared.is(value) ? (value as T) : new Problem(declared.must),
    );
  },
};

function shown(declared: Option<unknown>, given: unknown): string {
  if (declared.isSecret) return '***';
  if (typeof given === 'function') return 'a function';
  return declared.kind === 'object' ? `of type ${typeof given}` : JSON.stringify(given);
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table of options: those with a default or required are always there. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

export interface LoadOptions {
  /** What an unknown name does: `refuse` (with the nearest known name) or `warn`. Default refuse. */
  readonly unknown?: 'refuse' | 'warn';
  /** Receives the warnings. */
  readonly logger?: Logger;
}

/** A declared set of options; `load` reads a source of them and reports every problem together. */
export class OptionSet<T extends OptionTable> {
  /** `subject` starts the sentence of an error, for example `broker.conf`. */
  constructor(
    readonly subject: string,
    readonly table: T,
  ) {}

  get names(): string[] {
    return Object.keys(this.table);
  }

  /** Throws `OptionsError` with a sentence for each problem; nothing is half loaded. */
  load(source: Readonly<Record<string, unknown>>, how: LoadOptions = {}): OptionValues<T> {
    const problems: string[] = [];
    const values: Record<string, unknown> = {};
    for (const [name, declared] of Object.entries(this.table)) {
      const given = source[name];
      if (given === undefined) {
        if (declared.isRequired) problems.push(`'${name}' is missing: ${declared.meaning}`);
        else values[name] = declared.fallback;
        continue;
      }
      const value = declared.read(given);
      if (value instanceof Problem) {
        problems.push(`'${name}' ${value.text}, but is ${shown(declared, given)}`);
      } else values[name] = value;
    }
    for (const name of Object.keys(source)) {
      if (Object.hasOwn(this.table, name) || source[name] === undefined) continue;
      const sentence = this.unknownName(name);
      if (how.unknown === 'warn') how.logger?.warn(`${this.subject}: ${sentence}`);
      else problems.push(sentence);
    }
    if (problems.length > 0) throw new OptionsError(this.subject, problems);
    return values as OptionValues<T>;
  }

  private unknownName(name: string): string {
    const near = nearestName(name, this.names);
    return `'${name}' is not a known option${near === undefined ? '' : `; did you mean '${near}'?`}`;
  }
}

export function defineOptions<T extends OptionTable>(subject: string, table: T): OptionSet<T> {
  return new OptionSet(subject, table);
}
