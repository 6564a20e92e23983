import { messageOf } from './errors.js';

/** Details of a log line, by name. */
export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Where sentences go. Users pass their own; `consoleLogger` and `silentLogger` are ours. */
export interface Logger {
  debug(sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
  /** A logger whose lines carry one more name. */
  child(name: string): Logger;
}

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

export interface ConsoleLoggerOptions {
  /** The lowest level printed. Default `info`. */
  readonly level?: LogLevel;
  /** Receives each finished line. Default: warnings and errors to stderr, the rest to stdout. */
  readonly write?: (line: string, level: LogLevel) => void;
}

function toConsole(line: string, level: LogLevel): void {
  if (level === 'warn' || level === 'error') console.error(line);
  else console.log(line);
}

function printField(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(messageOf(value));
  if (typeof value === 'string') return /^[\w.:/@%-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return value.toString();
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch {
    return '[unprintable]';
  }
}

/** Prints `time LEVEL [name] sentence key=value ...`, a line each. */
export function consoleLogger(name: string, options: ConsoleLoggerOptions = {}): Logger {
  const lowest = ranks[options.level ?? 'info'];
  const write = options.write ?? toConsole;
  const print = (level: LogLevel, sentence: string, fields?: LogFields): void => {
    if (ranks[level] < lowest) return;
    const pairs = Object.entries(fields ?? {}).map(
      ([key, value]) => ` ${key}=${printField(value)}`,
    );
    const time = new Date().toISOString();
    write(`${time} ${level.toUpperCase().padEnd(5)} [${name}] ${sentence}${pairs.join('')}`, level);
  };
  return {
    debug: (sentence, fields) => print('debug', sentence, fields),
    info: (sentence, fields) => print('info', sentence, fields),
    warn: (sentence, fields) => print('warn', sentence, fields),
    error: (sentence, fields) => print('error', sentence, fields),
    child: (inner) => consoleLogger(`${name}.${inner}`, options),
  };
}

const nothing = (): void => undefined;

/** Prints nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};

/**
 * The same logger, except that what it throws is swallowed: whoever logs does so in the middle of
 * other work, and a full disk behind a logger must not stop that.
 */
export function forgivingLogger(logger: Logger): Logger {
  const say =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (sentence: string, fields?: LogFields): void => {
      try {
        logger[level](sentence, fields);
      } catch {
        // There is nobody left to tell.
      }
    };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (name) => forgivingLogger(childOf(logger, name)),
  };
}

function childOf(logger: Logger, name: string): Logger {
  try {
    return logger.child(name);
  } catch {
    return logger;
  }
}
