import type { CommandDefinition } from '../command/define-command.js';
import { wireNameOf, type Field } from '../command/header-schema.js';
import { word } from './ascii-words.js';
import { closingQuote, maxHotFields, type HeaderSlots } from './header-slots.js';
import { DeclarationError } from '../protocol.errors.js';

/** One declared field with its place in the slots. */
export interface ScannedField {
  readonly name: string;
  readonly field: Field;
  readonly slot: number;
  /** Names on the wire, the present one last: where both are there it holds. */
  readonly wireNames: readonly string[];
}

/** Scans JSON ext fields from behind their `{`; gives back the place behind their `}`, or -1. */
export type JsonFieldsScanner = (
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
) => number;

/** Scans the ext fields of a binary header; false for what does not fit. */
export type BinaryFieldsScanner = (
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
) => boolean;

export interface FieldsScanners {
  readonly json: JsonFieldsScanner;
  readonly binary: BinaryFieldsScanner;
}

/** The request fields of a command, or its answer fields, in the order of their slots. */
export function scannedFields(
  command: CommandDefinition,
  side: 'asks' | 'answers' = 'asks',
): ScannedField[] {
  const entries = Object.entries(command[side]);
  const marks = entries.filter(([, field]) => field.kind === 'properties').length;
  if (entries.length > maxHotFields || marks > 1) {
    throw new DeclarationError(
      `${command.name} cannot be a hot command: at most ${maxHotFields} fields, one of properties`,
    );
  }
  return entries.map(([name, field], slot) => ({
    name,
    field,
    slot,
    wireNames: [...field.formerNames, wireNameOf(name, field)],
  }));
}

/** The bits that must be set in `seen`. */
export function requiredMask(fields: readonly ScannedField[]): number {
  return fields.reduce((mask, { field, slot }) => mask | (field.isOptional ? 0 : 1 << slot), 0);
}

const words = {
  extF: word('extF'),
  ield: word('ield'),
  sBrace: word('s":{'),
  flag: word('flag'),
  opaq: word('opaq'),
  ueQuote: word('ue":'),
  lang: word('lang'),
  uage: word('uage'),
  rema: word('rema'),
  rkQuote: word('rk":'),
  seri: word('seri'),
  aliz: word('aliz'),
  eTyp: word('eTyp'),
  eCur: word('eCur'),
  rent: word('rent'),
  rpcQuote: word('RPC"'),
  vers: word('vers'),
  ionQuote: word('ion"'),
};
const quoteColon = 0x223a;
const colonQuote = 0x3a22;
const comma = 0x2c;
const quote = 0x22;
const closeBrace = 0x7d;

/**
 * Reads a JSON header in the one writing that fast writers use: no blanks, texts as ext values,
 * known members in any order. `at` is behind the code. False for anything else: then a real parser
 * decides.
 */
export function scanJsonHeader(
  fields: JsonFieldsScanner,
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
): boolean {
  slots.bytes = bytes;
  slots.data = data;
  slots.isBinary = false;
  slots.seen = 0;
  slots.flag = 0;
  slots.version = 0;
  slots.unknown = 0;
  slots.remarkFrom = 0;
  slots.remarkTo = 0;
  slots.properties.clear();
  let sawOpaque = false;
  let p = at;
  while (bytes[p] === comma && bytes[p + 1] === quote && p < end) {
    const name = data.getInt32(p + 2);
    if (name === words.extF) {
      const fits = data.getInt32(p + 6) === words.ield && data.getInt32(p + 10) === words.sBrace;
      p = fits ? fields(slots, bytes, data, p + 14, end) : -1;
    } else if (name === words.flag && data.getInt16(p + 6) === quoteColon) {
      p = slots.integer(bytes, p + 8);
      slots.flag = slots.parsed;
    } else if (name === words.opaq && data.getInt32(p + 6) === words.ueQuote) {
      p = slots.integer(bytes, p + 10);
      slots.opaque = slots.parsed;
      sawOpaque = true;
    } else p = scanRareMember(slots, bytes, data, p, name);
    if (p < 0) return false;
  }
  return sawOpaque && p === end - 1 && bytes[p] === closeBrace;
}

/** Members that a hot command only steps over, but for the version. */
function scanRareMember(
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  p: number,
  name: number,
): number {
  if (name === words.vers && data.getInt32(p + 6) === words.ionQuote && bytes[p + 10] === 0x3a) {
    const next = slots.integer(bytes, p + 11);
    slots.version = slots.parsed;
    return next;
  }
  let text = -1;
  if (name === words.lang && data.getInt32(p + 6) === words.uage) {
    if (data.getInt16(p + 10) === quoteColon && bytes[p + 12] === quote) text = p + 13;
  } else if (name === words.rema && data.getInt32(p + 6) === words.rkQuote) {
    if (bytes[p + 10] === quote) text = p + 11;
  } else if (name === words.seri) {
    const fits =
      data.getInt32(p + 6) === words.aliz &&
      data.getInt32(p + 10) === words.eTyp &&
      data.getInt32(p + 14) === words.eCur &&
      data.getInt32(p + 18) === words.rent &&
      data.getInt32(p + 22) === words.rpcQuote &&
      data.getInt16(p + 26) === colonQuote;
    if (fits) text = p + 28;
  }
  if (text < 0) return -1;
  const close = closingQuote(bytes, data, text);
  if (name === words.rema) {
    slots.remarkFrom = text;
    slots.remarkTo = close;
  }
  return close < 0 ? -1 : close + 1;
}

/** An ext field that the command does not declare: steps over name and value. At its first quote. */
export function skipMember(
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
): number {
  slots.unknown += 1;
  const nameEnd = closingQuote(bytes, data, at + 1);
  if (nameEnd < 0 || data.getInt16(nameEnd + 1) !== colonQuote) return -1;
  const valueEnd = closingQuote(bytes, data, nameEnd + 3);
  return valueEnd < 0 ? -1 : valueEnd + 1;
}

const fixedBinary = 21;

/** Reads a binary header whole. False when a length leads out of it or a field does not fit. */
export function scanBinaryHeader(
  fields: BinaryFieldsScanner,
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
): boolean {
  if (end - at < fixedBinary) return false;
  slots.bytes = bytes;
  slots.data = data;
  slots.isBinary = true;
  slots.seen = 0;
  slots.version = data.getInt16(at + 3);
  slots.opaque = data.getInt32(at + 5);
  slots.flag = data.getInt32(at + 9);
  slots.properties.clear();
  slots.unknown = 0;
  const remarkLength = data.getInt32(at + 13);
  slots.remarkFrom = at + 17;
  slots.remarkTo = at + 17 + remarkLength;
  if (remarkLength < 0 || remarkLength > end - at - fixedBinary) return false;
  const extAt = at + 17 + remarkLength;
  if (data.getInt32(extAt) !== end - extAt - 4) return false;
  return fields(slots, bytes, data, extAt + 4, end);
}
