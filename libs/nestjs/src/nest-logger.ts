import { Logger as NestLogger } from '@nestjs/common';
import { messageOf, type LogFields, type Logger } from '@nestjs-rocketmq/foundation';

/** Our log port onto Nest's logger, so that an application has one log. */
export function nestLogger(context: string): Logger {
  const logger = new NestLogger(context);
  return {
    debug: (sentence, fields) => logger.debug(line(sentence, fields)),
    info: (sentence, fields) => logger.log(line(sentence, fields)),
    warn: (sentence, fields) => logger.warn(line(sentence, fields)),
    error: (sentence, fields) => {
      const cause = fields?.['error'];
      logger.error(line(sentence, fields), cause instanceof Error ? cause.stack : undefined);
    },
    child: (name) => nestLogger(`${context}:${name}`),
  };
}

/** One text, because a logger of the user's may not know what to do with objects. */
function line(sentence: string, fields: LogFields = {}): string {
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${printed(value)}`);
  return pairs.length === 0 ? sentence : `${sentence} ${pairs.join(' ')}`;
}

function printed(value: unknown): string {
  if (value instanceof Error) return messageOf(value);
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
