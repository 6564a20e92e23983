import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { MessageConverter } from '../converter/message-converter.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { readTable, type Problems } from './problems.js';

/** How payloads become bytes: of the module, of one connection, of one template. */
export interface FormatOptions {
  /**
   * Converters beside those of the next wider place (template, connection, module, then the built-in
   * ones: JSON, MessagePack, text, bytes), asked first. Default none.
   */
  readonly converters?: readonly MessageConverter[];
  /**
   * Content type of objects that are sent, and of messages that come without one. Default: that of the
   * next wider place, at last `application/json`.
   */
  readonly contentType?: string;
}

function isConverter(value: unknown): boolean {
  const { contentType, read, write } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof contentType === 'string' && typeof read === 'function' && typeof write === 'function'
  );
}

/** An option `converters`. */
export const convertersOption = (meaning: string) =>
  option.object<readonly MessageConverter[]>({
    meaning,
    is: (value) => Array.isArray(value) && value.every(isConverter),
    must: 'must be an array of { contentType, write, read }',
  });

/** Part of the options of a connection and of a template. */
export const formatTable = {
  converters: convertersOption(
    'Converters of your own, asked before those of the connection, the module and the built-in ones.',
  ),
  contentType: option.text({
    meaning:
      "Content type of objects that are sent: the connection's or the module's by default, at last " +
      'application/json.',
  }),
};

const formatOptions = defineOptions('formats', formatTable);

/** `base` with what is given here before it; what is wrong goes to `problems`. */
export function readFormats(
  where: string,
  { converters, contentType }: FormatOptions,
  base: MessageConverters,
  problems: Problems,
): MessageConverters {
  if (converters === undefined && contentType === undefined) return base;
  const values = readTable(where, formatOptions, { converters, contentType }, problems);
  const all = base.with(values.converters ?? []);
  const wanted = values.contentType;
  if (wanted === undefined) return all;
  if (all.knows(wanted)) return all.with([], wanted);
  problems.add(
    'ROCKETMQ_OPTION_INVALID',
    `${where}: no converter knows the 'contentType' ${JSON.stringify(wanted)}; known are ` +
      all.contentTypes.join(', '),
  );
  return all;
}
