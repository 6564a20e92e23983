import type { CommandDefinition } from '../command/define-command.js';
import { wireNameOf, type Field } from '../command/header-schema.js';
import { languageNumber } from '../frame/language.js';
import * as text from './answer-text.js';
import { generate } from './generate.js';
import type { OutputBuffer } from './output-buffer.js';
import { frameSource, lastTexts, Source, valueCode, writeBinaryField } from './writer-source.js';

/**
 * Writes a request without remark at `out.used`, with room for a body of `bodySize` bytes; gives back
 * where the body begins. `extra` are ext fields beside the declared ones. Throws `HeaderError` naming the field that does not fit.
 */
export type RequestWriter = (
  out: OutputBuffer,
  asked: Record<string, unknown>,
  opaque: number,
  flag: number,
  bodySize: number,
  extra?: Readonly<Record<string, string>>,
) => number;

export interface RequestWriters {
  readonly json: RequestWriter;
  readonly binary: RequestWriter;
}

const parameters = 'out, asked, opaque, flag, bodySize, extra';
/** Texts may make the buffer grow, so `data` is read anew. */
const extraCode = (form: 'Json' | 'Binary'): string =>
  `if (extra !== undefined) { p = text.write${form}Extra(out, p, extra, tail); data = out.data; }`;
const identity = new text.StoreIdentity();

function eachField(
  source: Source,
  command: CommandDefinition,
  write: (name: string, field: Field, index: number) => void,
): void {
  for (const [index, [name, field]] of Object.entries(command.asks).entries()) {
    source.size += 24;
    source.code(`v = asked[${JSON.stringify(name)}];`);
    if (field.isOptional) source.code('if (v !== undefined && v !== null) {');
    write(name, field, index);
    if (field.isOptional) source.code('}');
  }
}

function jsonSource(command: CommandDefinition, language: string, version: number): string {
  const source = new Source();
  source.emit(`{"code":${command.code}`);
  source.code('const bare = p;');
  source.emit(',"extFields":{');
  source.code('const first = p;');
  eachField(source, command, (name, field, index) => {
    source.emit(`"${wireNameOf(name, field)}":"`);
    source.code(valueCode(name, field, index, true));
    source.emit('",');
  });
  source.code(extraCode('Json'));
  source.code(`if (p === first) p = bare; else data.setUint8(p - 1, ${'}'.charCodeAt(0)});`);
  source.emit(',"flag":');
  source.code('p = text.writeDigits(data, p, flag);');
  source.emit(`,"language":${JSON.stringify(language)},"opaque":`);
  source.code('p = text.writeDigits(data, p, opaque);');
  source.emit(`,"serializeTypeCurrentRPC":"JSON","version":${version}}`);
  return frameSource(source, 0);
}

function binarySource(command: CommandDefinition, language: string, version: number): string {
  const source = new Source();
  source.code(`
  data.setInt16(p, ${command.code});
  data.setInt8(p + 2, ${languageNumber(language)});
  data.setInt16(p + 3, ${version});
  data.setInt32(p + 5, opaque);
  data.setInt32(p + 9, flag);
  data.setInt32(p + 13, 0);
  const ext = p + 17;
  p += 21;
  let at = 0;`);
  eachField(source, command, (name, field, index) => {
    writeBinaryField(source, name, field, index);
  });
  source.code(extraCode('Binary'));
  source.code('data.setInt32(ext, p - ext - 4);');
  return frameSource(source, 1);
}

/**
 * Writers for the requests of one command; undefined where code must not be generated, and for
 * what only the plain encoder knows: codes beyond the binary header, and saturating numbers.
 */
export function compileRequestWriters(
  command: CommandDefinition,
  language: string,
  version: number,
): RequestWriters | undefined {
  const isPlain = Object.values(command.asks).some((field) => field.isSaturating);
  if (isPlain || command.code > 0x7fff || !/^[\x20-\x7e]*$/.test(language)) return undefined;
  const helpers = { text, identity, last: lastTexts(command.asks) };
  const jsonBody = jsonSource(command, language, version);
  const json = generate<RequestWriter>('writeJsonRequest', helpers, parameters, jsonBody);
  const binaryBody = binarySource(command, language, version);
  const binary = generate<RequestWriter>('writeBinaryRequest', helpers, parameters, binaryBody);
  return json && binary ? { json, binary } : undefined;
}
