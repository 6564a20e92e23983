import type { CommandDefinition } from '../command/define-command.js';
import { wireNameOf, type Field } from '../command/header-schema.js';
import { defaultLanguage, languageNumber } from '../frame/language.js';
import { currentVersion } from '../frame/version.js';
import * as text from './answer-text.js';
import { generate } from './generate.js';
import type { OutputBuffer } from './output-buffer.js';
import { frameSource, lastTexts, Source, valueCode, writeBinaryField } from './writer-source.js';

/**
 * Writes the header of an answer at `out.used`, with room for a body of `bodySize` bytes; gives back
 * where the body begins. The caller moves `out.used` behind it. `remark` empty means none.
 */
export type AnswerWriter = (
  out: OutputBuffer,
  answer: Record<string, unknown>,
  opaque: number,
  code: number,
  remark: string,
  bodySize: number,
) => number;

export interface AnswerWriters {
  readonly json: AnswerWriter;
  readonly binary: AnswerWriter;
}

const parameters = 'out, answer, opaque, code, remark, bodySize';

/** Goes through the fields; optional ones are written when set, and are empty again afterwards. */
function eachField(
  source: Source,
  command: CommandDefinition,
  write: (name: string, field: Field, index: number) => void,
): void {
  for (const [index, [name, field]] of Object.entries(command.answers).entries()) {
    source.size += 24;
    source.code(`v = answer[${JSON.stringify(name)}];`);
    if (field.isOptional) source.code('if (v !== undefined) {');
    write(name, field, index);
    if (field.isOptional) source.code(`answer[${JSON.stringify(name)}] = undefined; }`);
  }
}

function jsonSource(command: CommandDefinition): string {
  const source = new Source();
  source.emit('{"code":');
  source.code('p = text.writeDigits(data, p, code); const bare = p;');
  source.emit(',"extFields":{');
  source.code('const first = p;');
  eachField(source, command, (name, field, index) => {
    source.emit(`"${wireNameOf(name, field)}":"`);
    source.code(valueCode(name, field, index, true));
    source.emit('",');
  });
  // The last comma becomes the brace; without any field there are no ext fields at all.
  source.code(`if (p === first) p = bare; else data.setUint8(p - 1, ${'}'.charCodeAt(0)});`);
  source.emit(`,"flag":1,"language":"${defaultLanguage}","opaque":`);
  source.code('p = text.writeDigits(data, p, opaque);');
  source.code('if (remark !== "") {');
  source.emit(',"remark":"');
  source.code(
    'p = text.writeJsonText(out, p, remark, "remark", tail, last.at(-1)); data = out.data;',
  );
  source.emit('"');
  source.code('}');
  source.emit(`,"serializeTypeCurrentRPC":"JSON","version":${currentVersion}}`);
  return frameSource(source, 0);
}

function binarySource(command: CommandDefinition): string {
  const source = new Source();
  source.code(`
  data.setInt16(p, code);
  data.setInt8(p + 2, ${languageNumber(defaultLanguage)});
  data.setInt16(p + 3, ${currentVersion});
  data.setInt32(p + 5, opaque);
  data.setInt32(p + 9, 1);
  p += 17;
  if (remark !== "") {
    p = text.writePlainText(out, p, remark, "remark", tail, last.at(-1)); data = out.data;
  }
  data.setInt32(start + 21, p - start - 25);
  const ext = p;
  p += 4;
  let at = 0;`);
  eachField(source, command, (name, field, index) => {
    writeBinaryField(source, name, field, index);
  });
  source.code('data.setInt32(ext, p - ext - 4);');
  return frameSource(source, 1);
}

/** Writers for the answers of one command; undefined where code must not be generated. */
export function compileAnswerWriters(
  command: CommandDefinition,
  identity: text.StoreIdentity,
): AnswerWriters | undefined {
  const helpers = { text, identity, last: lastTexts(command.answers) };
  const json = generate<AnswerWriter>('writeJsonAnswer', helpers, parameters, jsonSource(command));
  const binary = generate<AnswerWriter>(
    'writeBinaryAnswer',
    helpers,
    parameters,
    binarySource(command),
  );
  return json && binary ? { json, binary } : undefined;
}
