import type { HeaderSlots } from './header-slots.js';
import {
  skipMember,
  type BinaryFieldsScanner,
  type FieldsScanners,
  type JsonFieldsScanner,
  type ScannedField,
} from './header-scanner.js';

/**
 * The same scanners as `compileFieldsScanners` makes, read from the table of fields at run time.
 * They are the reference of the compiled ones, and serve where code must not be generated
 * (`--disallow-code-generation-from-strings`).
 */
export function tableFieldsScanners(fields: readonly ScannedField[]): FieldsScanners {
  const byName = new Map<string, ScannedField>();
  for (const field of fields) for (const name of field.wireNames) byName.set(name, field);
  return { json: jsonScanner(byName), binary: binaryScanner(byName) };
}

/** A former name counts for nothing when the present one was seen. */
function find(
  byName: ReadonlyMap<string, ScannedField>,
  slots: HeaderSlots,
  name: string,
): ScannedField | undefined {
  const known = byName.get(name);
  if (known === undefined || name === known.wireNames.at(-1)) return known;
  return (slots.seen & (1 << known.slot)) === 0 ? known : undefined;
}

function jsonScanner(byName: ReadonlyMap<string, ScannedField>): JsonFieldsScanner {
  return (slots, bytes, data, at, end) => {
    slots.seen = 0;
    let p = at;
    if (bytes[p] === 0x7d) return p + 1;
    for (;;) {
      if (bytes[p] !== 0x22) return -1;
      const close = bytes.indexOf(0x22, p + 1);
      if (close < 0 || close >= end) return -1;
      const known = find(byName, slots, String.fromCharCode(...bytes.subarray(p + 1, close)));
      if (known === undefined) p = skipMember(slots, bytes, data, p);
      else if (data.getInt16(close + 1) !== 0x3a22) return -1;
      else {
        p = jsonValue(slots, known, bytes, data, close + 3, end);
        slots.seen |= 1 << known.slot;
      }
      if (p < 0) return -1;
      if (bytes[p] === 0x7d) return p + 1;
      if (bytes[p] !== 0x2c) return -1;
      p += 1;
    }
  };
}

function jsonValue(
  slots: HeaderSlots,
  { field, slot }: ScannedField,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  end: number,
): number {
  switch (field.kind) {
    case 'int32':
      return slots.int32(slot, bytes, at);
    case 'int64':
      return slots.int64(slot, bytes, at, field.isSaturating);
    case 'bool':
      return slots.bool(slot, bytes, data, at);
    case 'properties':
      return slots.marks(slot, bytes, data, at, end);
    default:
      return slots.text(slot, bytes, data, at);
  }
}

function binaryScanner(byName: ReadonlyMap<string, ScannedField>): BinaryFieldsScanner {
  return (slots, bytes, data, at, end) => {
    slots.seen = 0;
    let p = at;
    while (p < end) {
      const nameLength = data.getInt16(p);
      const valueAt = p + 2 + nameLength;
      if (nameLength < 0 || valueAt + 4 > end) return false;
      const from = valueAt + 4;
      const to = from + data.getInt32(valueAt);
      if (to < from || to > end) return false;
      const name = String.fromCharCode(...bytes.subarray(p + 2, valueAt));
      const known = find(byName, slots, name);
      if (known !== undefined) {
        if (!binaryValue(slots, known, bytes, data, from, to)) return false;
        slots.seen |= 1 << known.slot;
      } else slots.unknown += 1;
      p = to;
    }
    return true;
  };
}

function binaryValue(
  slots: HeaderSlots,
  { field, slot }: ScannedField,
  bytes: Uint8Array,
  data: DataView,
  from: number,
  to: number,
): boolean {
  switch (field.kind) {
    case 'int32':
      return slots.plainInt32(slot, bytes, from, to);
    case 'int64':
      return slots.plainInt64(slot, bytes, from, to, field.isSaturating);
    case 'bool':
      return slots.plainBool(slot, data, from, to);
    case 'properties':
      return slots.plainMarks(slot, bytes, data, from, to);
    default:
      return slots.plainText(slot, from, to);
  }
}
