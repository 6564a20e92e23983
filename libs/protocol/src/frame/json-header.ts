import { FrameError } from '../protocol.errors.js';
import type { ExtFields } from '../command/header-schema.js';
import { parseFastjson } from '../json/fastjson.js';
import type { Header } from './header.js';
import { languageOf } from './language.js';

/**
 * The header as JSON, members in alphabetical order without blanks as Java writes it; the fast
 * scanners of every implementation count on `{"code":` in front.
 */
export function encodeJsonHeader(header: Header): Uint8Array {
  const ext = JSON.stringify(header.extFields);
  const remark = header.remark === undefined ? '' : `,"remark":${JSON.stringify(header.remark)}`;
  return Buffer.from(
    `{"code":${header.code}${ext === '{}' ? '' : `,"extFields":${ext}`},"flag":${header.flag}` +
      `,"language":${JSON.stringify(header.language)},"opaque":${header.opaque}${remark}` +
      `,"serializeTypeCurrentRPC":"JSON","version":${header.version}}`,
    'utf8',
  );
}

/**
 * Reads what Java's parser takes: any order, unknown members, numbers as text, numbers and booleans
 * as ext values, null ext values (dropped), fastjson's wider JSON.
 * Throws `FrameError` for the rest; numbers beyond 32 bits belong to it.
 */
export function decodeJsonHeader(bytes: Uint8Array): Header {
  const raw = parse(bytes);
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw) || raw instanceof Map) {
    throw new FrameError('the JSON header is no object');
  }
  const remark = raw['remark'];
  return {
    code: number('code', raw['code']),
    language: languageOf(raw['language']),
    version: number('version', raw['version']),
    opaque: number('opaque', raw['opaque']),
    flag: number('flag', raw['flag']),
    remark: remark === undefined || remark === null ? undefined : text('remark', remark),
    extFields: extFields(raw['extFields']),
  };
}

const utf8 = new TextDecoder('utf-8');

function parse(bytes: Uint8Array): ReturnType<typeof parseFastjson> {
  try {
    // Nearly every header is plain JSON, which the built-in parser reads several times faster.
    return JSON.parse(utf8.decode(bytes)) as ReturnType<typeof parseFastjson>;
  } catch {
    return parseWider(bytes);
  }
}

function parseWider(bytes: Uint8Array): ReturnType<typeof parseFastjson> {
  try {
    return parseFastjson(bytes);
  } catch (error) {
    throw new FrameError('the JSON header is broken', { cause: error });
  }
}

function number(name: string, raw: unknown): number {
  if (raw === undefined || raw === null) return 0;
  const value = typeof raw === 'string' && /^[+-]?\d+$/.test(raw) ? Number(raw) : raw;
  if (typeof value === 'number' && value === (value | 0)) return value | 0;
  throw new FrameError(`'${name}' of the JSON header is no whole number of 32 bits`, {
    details: { [name]: String(raw).slice(0, 100) },
  });
}

function text(name: string, raw: unknown): string {
  if (typeof raw === 'string') return raw;
  // Java puts the JSON text of a nested value into a text member.
  return typeof raw === 'object' ? JSON.stringify(raw) : String(raw);
}

function extFields(raw: unknown): ExtFields {
  const ext = Object.create(null) as ExtFields;
  if (raw === undefined || raw === null) return ext;
  if (typeof raw !== 'object' || Array.isArray(raw) || raw instanceof Map) {
    throw new FrameError("'extFields' of the JSON header is no object");
  }
  for (const [name, value] of Object.entries(raw)) {
    if (value !== null && value !== undefined) ext[name] = text(name, value);
  }
  return ext;
}
