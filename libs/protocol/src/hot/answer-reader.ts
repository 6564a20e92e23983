import type { CommandDefinition } from '../command/define-command.js';
import { compileFieldsScanners } from './compile-scanner.js';
import {
  requiredMask,
  scanBinaryHeader,
  scanJsonHeader,
  scannedFields,
  skipMember,
  type BinaryFieldsScanner,
  type FieldsScanners,
  type JsonFieldsScanner,
  type ScannedField,
} from './header-scanner.js';
import { maxHotFields, type HeaderSlots } from './header-slots.js';
import { peekCode } from './hot-command.js';
import { jsonTexts, plainTexts } from './intern-table.js';

/** Names shorter than this come again and again; longer texts are mostly ids. */
const internedBelow = 24;

const skipJson: JsonFieldsScanner = (slots, bytes, data, at) => {
  slots.extFrom = at;
  let p = at;
  if (bytes[p] === 0x7d) return p + 1;
  for (;;) {
    if (bytes[p] !== 0x22) return -1;
    p = skipMember(slots, bytes, data, p);
    if (p < 0) return -1;
    const c = bytes[p];
    if (c === 0x7d) return p + 1;
    if (c !== 0x2c) return -1;
    p += 1;
  }
};

const skipBinary: BinaryFieldsScanner = (slots, _bytes, _data, at, end) => {
  slots.extFrom = at;
  slots.extTo = end;
  return true;
};

/**
 * Reads code, opaque, flag and version of a header, and where its ext fields stand: enough to find
 * out who waits for it. Gives back the code, or undefined when only a real parser can tell (codes
 * below 0 among them). May throw `RangeError` at the end of the buffer.
 */
export function scanEnvelope(
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
  form: number,
): number | undefined {
  const code = peekCode(slots, bytes, data, at, form);
  if (code < 0) return undefined;
  slots.extFrom = 0;
  const fits =
    form === 0
      ? scanJsonHeader(skipJson, slots, bytes, data, slots.parsed, end)
      : scanBinaryHeader(skipBinary, slots, bytes, data, at, end);
  return fits ? code : undefined;
}

/** Reads the header fields of the answers to one command, after `scanEnvelope`. */
export class AnswerReader {
  private readonly fields: readonly ScannedField[];
  private readonly scanners: FieldsScanners;
  private readonly required: number;

  constructor(
    definition: CommandDefinition,
    private readonly slots: HeaderSlots,
  ) {
    this.fields = scannedFields(definition, 'answers');
    this.scanners = compileFieldsScanners(this.fields);
    this.required = requiredMask(this.fields);
  }

  /** False for commands with too many fields. */
  static reads(definition: CommandDefinition): boolean {
    const kinds = Object.values(definition.answers).map(({ kind }) => kind);
    return kinds.length <= maxHotFields && !kinds.includes('properties');
  }

  /**
   * The fields of a SUCCESS. Undefined when there are others than declared, one is missing or does
   * not fit: then the plain decoder has to look.
   */
  read(bytes: Uint8Array, data: DataView, headerEnd: number): Record<string, unknown> | undefined {
    const { slots } = this;
    slots.unknown = 0;
    slots.seen = 0;
    if (slots.extFrom > 0) {
      const fits = slots.isBinary
        ? this.scanners.binary(slots, bytes, data, slots.extFrom, slots.extTo)
        : this.scanners.json(slots, bytes, data, slots.extFrom, headerEnd) > 0;
      if (!fits || slots.unknown > 0) return undefined;
    }
    if ((slots.seen & this.required) !== this.required) return undefined;
    const values: Record<string, unknown> = {};
    for (const { name, field, slot } of this.fields) {
      if ((slots.seen & (1 << slot)) === 0) {
        if (field.fallback !== undefined) values[name] = field.fallback;
      } else if (field.kind === 'int32' || field.kind === 'int64')
        values[name] = slots.numbers[slot];
      else if (field.kind === 'bool') values[name] = slots.numbers[slot] === 1;
      else values[name] = headerText(slots, slots.from[slot] as number, slots.to[slot] as number);
    }
    return values;
  }
}

/** A text of the header that was scanned last. */
export function headerText(slots: HeaderSlots, from: number, to: number): string {
  const { bytes, data, isBinary } = slots;
  if (to - from < internedBelow) {
    return (isBinary ? plainTexts : jsonTexts).get(bytes, data, from, to);
  }
  const raw = utf8Slice.call(bytes, from, to);
  return isBinary || !raw.includes('\\') ? raw : (JSON.parse(`"${raw}"`) as string);
}

/** Several times faster than a TextDecoder for short texts. */
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice: (this: Uint8Array, from: number, to: number) => string;
};
