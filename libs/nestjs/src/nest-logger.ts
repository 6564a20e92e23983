import { Logger as NestLogger } from '@nestjs/common';
import { messageOf, type LogFields, type Logger } from '@nestjs-rocketmq/foundation';

/**
 * Our log port onto Nest's logger, so that an application has one log: whatever logger it was given
 * by `app.useLogger` or `{ logger }` gets a sentence, then the details as one plain object.
 */
export function nestLogger(context: string): Logger {
  const logger = new NestLogger(context);
  return {
    debug: (sentence, fields) => logger.debug(sentence, ...params(fields)),
    info: (sentence, fields) => logger.log(sentence, ...params(fields)),
    warn: (sentence, fields) => logger.warn(sentence, ...params(fields)),
    error: (sentence, fields) => {
      const cause = fields?.['error'];
      const stack = cause instanceof Error && cause.stack !== undefined ? [cause.stack] : [];
      logger.error(sentence, ...params(fields), ...stack);
    },
    child: (name) => nestLogger(`${context}:${name}`),
  };
}

/** The same logger, whose warnings are for debugging only while `isQuiet` says so. */
export function quietWhile(logger: Logger, isQuiet: () => boolean): Logger {
  return {
    ...logger,
    warn: (sentence, fields) =>
      isQuiet() ? logger.debug(sentence, fields) : logger.warn(sentence, fields),
    child: (name) => quietWhile(logger.child(name), isQuiet),
  };
}

/** Plain objects only: Nest 12 prints them as structured parameters of the line. */
function params(fields: LogFields | undefined): Record<string, unknown>[] {
  const entries = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return [];
  const shown = entries.map(([name, value]) => [
    name,
    value instanceof Error ? messageOf(value) : value,
  ]);
  return [Object.fromEntries(shown) as Record<string, unknown>];
}
