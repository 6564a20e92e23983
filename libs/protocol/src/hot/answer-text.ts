import type { Span } from '@nestjs-rocketmq/foundation';
import { HeaderError } from '../protocol.errors.js';
import { decimalPairs, hexPairs, isSpecialWord } from './ascii-words.js';
import type { OutputBuffer } from './output-buffer.js';

/** Up to here a copy by words beats a native one. */
const copiedByWords = 85;
const encoder = new TextEncoder();
const utf8 = new TextDecoder('utf-8');

/** Where the store of this server is; log positions become message ids with it. */
export class StoreIdentity {
  /** Address and port as upper-case hex digits. */
  hex = '0000000000000000';
  bytes: Uint8Array = encoder.encode(this.hex);
  /** Over `bytes`; their length is a multiple of four. */
  data: DataView = new DataView(this.bytes.buffer);

  /** `host`: 4 or 16 bytes. */
  set(host: Uint8Array, port: number): void {
    const all = Buffer.alloc(host.length + 4);
    all.set(host);
    all.writeInt32BE(port, host.length);
    this.hex = all.toString('hex').toUpperCase();
    this.bytes = Uint8Array.from(Buffer.from(this.hex));
    this.data = new DataView(this.bytes.buffer);
  }
}

function unfit(name: string, value: unknown, what: string): HeaderError {
  return new HeaderError(`header field '${name}' must be ${what}, but is ${String(value)}`, {
    details: { field: name },
  });
}

/** Writes a whole number as decimal digits. Throws `HeaderError` for anything else. */
export function writeNumber(data: DataView, at: number, value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw unfit(name, value, 'a whole number');
  }
  return writeDigits(data, at, value);
}

/** The same, of 32 bits. */
export function writeInt32(data: DataView, at: number, value: unknown, name: string): number {
  if (typeof value !== 'number' || value !== (value | 0)) {
    throw unfit(name, value, 'a whole number of 32 bits');
  }
  return writeDigits(data, at, value);
}

/** Writes a safe integer as decimal digits. */
export function writeDigits(data: DataView, at: number, value: number): number {
  let p = at;
  let n = value;
  if (n < 0) {
    data.setUint8(p++, 0x2d);
    n = -n;
  }
  if (n > 0x7fffffff) {
    const high = Math.floor(n / 100_000_000);
    p = writeDigits(data, p, high);
    return writePadded(data, p, n - high * 100_000_000);
  }
  n |= 0;
  const end = p + digitsOf(n);
  let q = end;
  while (n >= 100) {
    const rest = (n / 100) | 0;
    q -= 2;
    data.setInt16(q, decimalPairs[n - rest * 100] as number);
    n = rest;
  }
  if (n >= 10) data.setInt16(q - 2, decimalPairs[n] as number);
  else data.setUint8(q - 1, 0x30 + n);
  return end;
}

/** Exactly eight digits. */
function writePadded(data: DataView, at: number, value: number): number {
  let n = value | 0;
  for (let q = at + 6; q >= at; q -= 2) {
    const rest = (n / 100) | 0;
    data.setInt16(q, decimalPairs[n - rest * 100] as number);
    n = rest;
  }
  return at + 8;
}

function digitsOf(n: number): number {
  if (n < 100_000) {
    if (n < 100) return n < 10 ? 1 : 2;
    if (n < 1_000) return 3;
    return n < 10_000 ? 4 : 5;
  }
  if (n < 10_000_000) return n < 1_000_000 ? 6 : 7;
  if (n < 100_000_000) return 8;
  return n < 1_000_000_000 ? 9 : 10;
}

/**
 * The text that a field held last, as it was written: most texts of answers are always the same.
 * Longer ones are not worth a look.
 */
export class LastText {
  private text = '';
  private readonly bytes = new Uint8Array(longestLast + 4);
  private readonly data = new DataView(this.bytes.buffer);
  private size = 0;

  /** Writes the text if it is the same again; gives back the place behind it, or -1. */
  write(data: DataView, at: number, value: string): number {
    if (value !== this.text) return -1;
    const { size, data: from } = this;
    for (let i = 0; i < size; i += 4) data.setInt32(at + i, from.getInt32(i));
    return at + size;
  }

  /** Takes note of what was written from `from` to `to`. */
  keep(out: OutputBuffer, value: string, from: number, to: number): void {
    if (to - from > longestLast) return;
    this.text = value;
    this.size = to - from;
    this.bytes.set(out.bytes.subarray(from, to));
  }
}

const longestLast = 32;

/** Writes a text into a JSON header, between its quotes; `tail` bytes stay free behind it. */
export function writeJsonText(
  out: OutputBuffer,
  at: number,
  value: unknown,
  name: string,
  tail: number,
  last: LastText,
): number {
  if (typeof value === 'string') {
    out.ensure(at, longestLast + tail);
    const again = last.write(out.data, at, value);
    if (again >= 0) return again;
    const end = writeJsonString(out, at, value, tail);
    last.keep(out, value, at, end);
    return end;
  }
  if (typeof value !== 'object' || value === null) throw unfit(name, value, 'a text or a span');
  const { bytes, data: from, from: start, to } = value as Span;
  const length = to - start;
  out.ensure(at, length + tail);
  const { data } = out;
  let p = at;
  let q = start;
  // A word at a time, up to 3 bytes beyond the end: those are written over.
  for (; q + 4 <= to; q += 4, p += 4) {
    const four = from.getInt32(q);
    if (isSpecialWord(four) !== 0) break;
    data.setInt32(p, four);
  }
  for (; q < to; q += 1, p += 1) {
    const c = bytes[q] as number;
    if (c < 0x20 || c === 0x22 || c === 0x5c) {
      return writeJsonString(out, at, utf8.decode(bytes.subarray(start, to)), tail);
    }
    data.setUint8(p, c);
  }
  return p;
}

/** A letter may become six bytes (`\\u0001`). */
const longestEscape = 6;

function writeJsonString(out: OutputBuffer, at: number, value: string, tail: number): number {
  const { length } = value;
  out.ensure(at, length * longestEscape + tail);
  const { data } = out;
  let p = at;
  for (let i = 0; i < length; i += 1) {
    const c = value.charCodeAt(i);
    if (c >= 0x20 && c <= 0x7e && c !== 0x22 && c !== 0x5c) {
      data.setUint8(p++, c);
    } else if (c === 1 || c === 2) {
      // The separators of message properties.
      data.setInt32(p, 0x5c753030);
      data.setInt16(p + 4, 0x3030 | c);
      p += 6;
    } else return writeEscaped(out, at, value, tail);
  }
  return p;
}

function writeEscaped(out: OutputBuffer, at: number, value: string, tail: number): number {
  const text = encoder.encode(JSON.stringify(value).slice(1, -1));
  out.ensure(at, text.length + tail);
  out.bytes.set(text, at);
  return at + text.length;
}

/** Writes a text into a binary header, without its length. */
export function writePlainText(
  out: OutputBuffer,
  at: number,
  value: unknown,
  name: string,
  tail: number,
  last: LastText,
): number {
  if (typeof value === 'string') {
    out.ensure(at, longestLast + tail);
    const again = last.write(out.data, at, value);
    if (again >= 0) return again;
    const end = writePlainString(out, at, value, tail);
    last.keep(out, value, at, end);
    return end;
  }
  if (typeof value !== 'object' || value === null) throw unfit(name, value, 'a text or a span');
  const { bytes, data: from, from: start, to } = value as Span;
  const length = to - start;
  out.ensure(at, length + tail);
  if (length > copiedByWords) out.bytes.set(bytes.subarray(start, to), at);
  else {
    const { data } = out;
    let q = 0;
    for (; q + 4 <= length; q += 4) data.setInt32(at + q, from.getInt32(start + q));
    for (; q < length; q += 1) data.setUint8(at + q, bytes[start + q] as number);
  }
  return at + length;
}

function writePlainString(out: OutputBuffer, at: number, value: string, tail: number): number {
  const { length } = value;
  out.ensure(at, length + tail);
  const { data } = out;
  for (let i = 0; i < length; i += 1) {
    const c = value.charCodeAt(i);
    if (c > 0x7f) {
      const text = encoder.encode(value);
      out.ensure(at, text.length + tail);
      out.bytes.set(text, at);
      return at + text.length;
    }
    data.setUint8(at + i, c);
  }
  return at + length;
}

/** Writes further ext fields of a JSON header, each with a comma behind it. */
export function writeJsonExtra(
  out: OutputBuffer,
  at: number,
  extra: Readonly<Record<string, string>>,
  tail: number,
): number {
  const room = tail + 8;
  let p = at;
  for (const name in extra) {
    out.ensure(p, room);
    out.data.setUint8(p, 0x22);
    p = writeJsonString(out, p + 1, name, room);
    // A quote, a colon, a quote.
    out.data.setInt16(p, 0x223a);
    out.data.setUint8(p + 2, 0x22);
    p = writeJsonString(out, p + 3, extra[name] as string, room);
    out.data.setInt16(p, 0x222c);
    p += 2;
  }
  return p;
}

/** The same of a binary header: length and name, length and value. */
export function writeBinaryExtra(
  out: OutputBuffer,
  at: number,
  extra: Readonly<Record<string, string>>,
  tail: number,
): number {
  const room = tail + 8;
  let p = at;
  for (const name in extra) {
    const afterName = writePlainString(out, p + 2, name, room);
    out.data.setInt16(p, afterName - p - 2);
    p = writePlainString(out, afterName + 4, extra[name] as string, room);
    out.data.setInt32(afterName, p - afterName - 4);
  }
  return p;
}

/** Writes a message id: from a log position with the identity, or a text as it is. */
export function writeOffsetId(
  out: OutputBuffer,
  at: number,
  value: unknown,
  name: string,
  tail: number,
  last: LastText,
  identity: StoreIdentity,
): number {
  if (typeof value !== 'number') return writePlainText(out, at, value, name, tail, last);
  if (!Number.isSafeInteger(value) || value < 0) throw unfit(name, value, 'a log position');
  const prefix = identity.data;
  const size = identity.bytes.length;
  out.ensure(at, size + 16 + tail);
  const { data } = out;
  let p = at;
  for (let i = 0; i < size; i += 4, p += 4) data.setInt32(p, prefix.getInt32(i));
  const high = Math.floor(value / 0x100000000);
  const low = value >>> 0;
  for (let shift = 24; shift >= 0; shift -= 8, p += 2) {
    data.setInt16(p, hexPairs[(high >>> shift) & 0xff] as number);
  }
  for (let shift = 24; shift >= 0; shift -= 8, p += 2) {
    data.setInt16(p, hexPairs[(low >>> shift) & 0xff] as number);
  }
  return p;
}

/** Writes `true` or `false`. */
export function writeBool(data: DataView, at: number, value: unknown, name: string): number {
  if (value === true) {
    data.setInt32(at, 0x74727565);
    return at + 4;
  }
  if (value !== false) throw unfit(name, value, 'true or false');
  data.setInt32(at, 0x66616c73);
  data.setUint8(at + 4, 0x65);
  return at + 5;
}
