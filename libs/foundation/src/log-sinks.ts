import type { Resource } from './lifecycle.js';
import type { LogFile } from './log-file.js';
import { consoleLogger, type LogFields, type Logger, type LogLevel } from './logger.js';

const ranks: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** More lines than this are not kept for a file that is set later. */
const mostEarly = 200;

/**
 * What a server says: to the logger it was given and, once there is one, to a file; both from a
 * level on that can change. The first lines are kept for the file, which is known only after the
 * settings have been read.
 */
export class LogSinks implements Resource {
  level: LogLevel = 'info';
  readonly logger: Logger;
  private early: ((file: Logger) => void)[] | undefined = [];
  private file: LogFile | undefined;
  private fileLogger: Logger | undefined;

  constructor(
    private readonly name: string,
    given: Logger,
  ) {
    this.logger = this.loggerFor(given, []);
  }

  /** From now on lines go to the file too, beginning with those that were said before. */
  open(file: LogFile | undefined): void {
    const early = this.early ?? [];
    this.early = undefined;
    if (file === undefined) return;
    this.file = file;
    this.fileLogger = consoleLogger(this.name, {
      level: 'debug',
      write: (line) => file.write(line),
    });
    for (const say of early) say(this.fileLogger);
  }

  close(): void {
    this.file?.close();
    this.fileLogger = undefined;
  }

  private loggerFor(given: Logger, names: readonly string[]): Logger {
    const say =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (sentence: string, fields?: LogFields): void => {
        if (ranks.indexOf(level) < ranks.indexOf(this.level)) return;
        given[level](sentence, fields);
        const toFile = (file: Logger): void =>
          names.reduce((logger, name) => logger.child(name), file)[level](sentence, fields);
        if (this.fileLogger !== undefined) toFile(this.fileLogger);
        else if (this.early !== undefined && this.early.length < mostEarly) this.early.push(toFile);
      };
    return {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: (name) => this.loggerFor(given.child(name), [...names, name]),
    };
  }
}
