import { isSpecialWord } from './ascii-words.js';
import { PropertyMarks } from './property-marks.js';

/** At most this many fields have a hot command's header: a bit each must fit a small integer. */
export const maxHotFields = 30;

const longest15 = 15;
const maxInt32 = 2_147_483_647;
const maxLong = 9_223_372_036_854_775_807n;
const noBytes = new Uint8Array(0);

/**
 * What a scanner finds in a header: numbers as values, texts as two positions. One object for all
 * commands, overwritten by each request.
 */
export class HeaderSlots {
  /** Where the texts lie. */
  bytes: Uint8Array = noBytes;
  data: DataView = new DataView(noBytes.buffer);
  isBinary = false;
  opaque = 0;
  flag = 0;
  version = 0;
  /** Where the remark stands; empty when there is none. */
  remarkFrom = 0;
  remarkTo = 0;
  /** Where the ext fields stand, when they were only stepped over. */
  extFrom = 0;
  extTo = 0;
  /** Ext fields that the command does not declare. */
  unknown = 0;
  /** A bit for each field that was there. */
  seen = 0;
  readonly numbers = new Float64Array(maxHotFields);
  readonly from = new Int32Array(maxHotFields);
  readonly to = new Int32Array(maxHotFields);
  readonly properties: PropertyMarks = new PropertyMarks();

  /** What `integer` has read. */
  parsed = 0;

  /** Bare digits of 32 bits; gives back the place behind them, or -1. */
  integer(bytes: Uint8Array, at: number): number {
    let p = at;
    let c = bytes[p] as number;
    const isNegative = c === 0x2d;
    if (isNegative) c = bytes[++p] as number;
    const start = p;
    let value = 0;
    while (c >= 0x30 && c <= 0x39) {
      value = value * 10 + (c - 0x30);
      c = bytes[++p] as number;
    }
    if (p === start || p - start > 10) return -1;
    if (isNegative) value = 0 - value;
    if (value > maxInt32 || value < -maxInt32 - 1) return -1;
    this.parsed = value;
    return p;
  }

  /** A JSON text behind its opening quote; gives back the place behind the closing one, or -1. */
  text(field: number, bytes: Uint8Array, data: DataView, at: number): number {
    const close = closingQuote(bytes, data, at);
    this.from[field] = at;
    this.to[field] = close;
    return close < 0 ? -1 : close + 1;
  }

  /** Decimal digits of 32 bits between quotes. */
  int32(field: number, bytes: Uint8Array, at: number): number {
    let p = at;
    let c = bytes[p] as number;
    const isNegative = c === 0x2d;
    if (isNegative) c = bytes[++p] as number;
    const start = p;
    let value = 0;
    while (c >= 0x30 && c <= 0x39) {
      value = value * 10 + (c - 0x30);
      c = bytes[++p] as number;
    }
    const digits = p - start;
    if (c !== 0x22 || digits === 0 || digits > 10) return -1;
    if (isNegative) value = 0 - value;
    if (value > maxInt32 || value < -maxInt32 - 1) return -1;
    this.numbers[field] = value;
    return p + 1;
  }

  /** Decimal digits of 64 bits between quotes. */
  int64(field: number, bytes: Uint8Array, at: number, isSaturating: boolean): number {
    let p = at;
    let c = bytes[p] as number;
    const isNegative = c === 0x2d;
    if (isNegative) c = bytes[++p] as number;
    const start = p;
    let value = 0;
    while (c >= 0x30 && c <= 0x39) {
      value = value * 10 + (c - 0x30);
      c = bytes[++p] as number;
    }
    if (c !== 0x22 || p === start) return -1;
    if (p - start > longest15) value = longNumber(bytes, start, p, isNegative, isSaturating);
    else if (isNegative) value = 0 - value;
    if (Number.isNaN(value)) return -1;
    this.numbers[field] = value;
    return p + 1;
  }

  /** `true` or `false` between quotes; other texts are for the tolerant door. */
  bool(field: number, bytes: Uint8Array, data: DataView, at: number): number {
    const four = data.getInt32(at);
    if (four === 0x74727565 && bytes[at + 4] === 0x22) {
      this.numbers[field] = 1;
      return at + 5;
    }
    if (four === 0x66616c73 && bytes[at + 4] === 0x65 && bytes[at + 5] === 0x22) {
      this.numbers[field] = 0;
      return at + 6;
    }
    return -1;
  }

  /** Message properties as a JSON text. */
  marks(field: number, bytes: Uint8Array, data: DataView, at: number, end: number): number {
    const close = this.properties.readJson(bytes, data, at, end);
    this.from[field] = at;
    this.to[field] = close;
    return close < 0 ? -1 : close + 1;
  }

  /** A text of the binary header; true, as everything may be one. */
  plainText(field: number, from: number, to: number): boolean {
    this.from[field] = from;
    this.to[field] = to;
    return true;
  }

  plainInt32(field: number, bytes: Uint8Array, from: number, to: number): boolean {
    const value = plainInteger(bytes, from, to);
    if (!(value <= maxInt32 && value >= -maxInt32 - 1)) return false;
    this.numbers[field] = value;
    return true;
  }

  plainInt64(
    field: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    isSaturating: boolean,
  ): boolean {
    let value = plainInteger(bytes, from, to);
    if (to - from > longest15 && bytes[from] !== undefined) {
      const isNegative = bytes[from] === 0x2d;
      value = longNumber(bytes, isNegative ? from + 1 : from, to, isNegative, isSaturating);
    }
    if (Number.isNaN(value)) return false;
    this.numbers[field] = value;
    return true;
  }

  plainBool(field: number, data: DataView, from: number, to: number): boolean {
    const length = to - from;
    if (length === 4 && data.getInt32(from) === 0x74727565) this.numbers[field] = 1;
    else if (length === 5 && data.getInt32(from) === 0x66616c73) this.numbers[field] = 0;
    else return false;
    return true;
  }

  plainMarks(field: number, bytes: Uint8Array, data: DataView, from: number, to: number): boolean {
    this.properties.readPlain(bytes, data, from, to);
    this.from[field] = from;
    this.to[field] = to;
    return true;
  }
}

/** The quote that ends a JSON text, or -1 for control characters, which no JSON text has. */
export function closingQuote(bytes: Uint8Array, data: DataView, at: number): number {
  let p = at;
  for (;;) {
    while (isSpecialWord(data.getInt32(p)) === 0) p += 4;
    for (;;) {
      const c = bytes[p] as number;
      if (c === 0x22) return p;
      if (c < 0x20 || c === undefined) return -1;
      if (c === 0x5c) {
        p += 2;
        break;
      }
      p += 1;
    }
  }
}

function plainInteger(bytes: Uint8Array, from: number, to: number): number {
  let p = from;
  const isNegative = bytes[p] === 0x2d;
  if (isNegative) p += 1;
  if (p === to) return Number.NaN;
  let value = 0;
  for (; p < to; p += 1) {
    const digit = (bytes[p] as number) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return isNegative ? 0 - value : value;
}

/** More digits than a number surely holds; NaN when the declaration cannot take them. */
function longNumber(
  bytes: Uint8Array,
  from: number,
  to: number,
  isNegative: boolean,
  isSaturating: boolean,
): number {
  let digits = '';
  for (let p = from; p < to; p += 1) {
    const c = bytes[p] as number;
    if (c < 0x30 || c > 0x39) return Number.NaN;
    digits += String.fromCharCode(c);
  }
  if (digits.length > 19) return Number.NaN;
  const exact = isNegative ? -BigInt(digits) : BigInt(digits);
  if (exact > maxLong || exact < -maxLong - 1n) return Number.NaN;
  const value = Number(exact);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  if (!isSaturating) return Number.NaN;
  return isNegative ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
}
