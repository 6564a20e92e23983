import * as zlib from 'node:zlib';
import { BytesError } from './foundation.errors.js';

/** A range inside a buffer. May be a reused object: copy what must outlive the call. */
export interface Span {
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`, with the same start. */
  readonly data: DataView;
  /** First byte. */
  readonly from: number;
  /** One past the last byte. */
  readonly to: number;
}

const utf8 = new TextDecoder('utf-8');
const encoder = new TextEncoder();

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function spanOf(bytes: Uint8Array, from = 0, to = bytes.length): Span {
  return { bytes, data: viewOf(bytes), from, to };
}

/** A span without bytes. */
export const emptySpan: Span = spanOf(new Uint8Array(0));

export function copySpan(span: Span): Uint8Array {
  // Not span.bytes.slice: of a Buffer that is a view, and the bytes would not be the caller's own.
  return Uint8Array.prototype.slice.call(span.bytes, span.from, span.to);
}

/** CRC-32 (ISO 3309, as java.util.zip.CRC32), unsigned. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlib.crc32(bytes, seed);
}

/** Reads big-endian values and refuses to leave its buffer. */
export class ByteReader {
  private readonly data: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    public position = 0,
    private readonly end = bytes.length,
  ) {
    this.data = viewOf(bytes);
  }

  get remaining(): number {
    return this.end - this.position;
  }

  int8(): number {
    return this.data.getInt8(this.take(1));
  }

  uint8(): number {
    return this.data.getUint8(this.take(1));
  }

  int16(): number {
    return this.data.getInt16(this.take(2));
  }

  int32(): number {
    return this.data.getInt32(this.take(4));
  }

  /** A 64-bit integer as a number; throws `BytesError` beyond 2^53. */
  int64(): number {
    const value = this.data.getBigInt64(this.take(8));
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new BytesError(`The 64-bit integer ${value} does not fit a number.`, {
      details: { value: value.toString() },
    });
  }

  bigint64(): bigint {
    return this.data.getBigInt64(this.take(8));
  }

  /** A view, not a copy. */
  take8(length: number): Uint8Array {
    const from = this.take(length);
    return this.bytes.subarray(from, from + length);
  }

  text(length: number): string {
    return utf8.decode(this.take8(length));
  }

  skip(length: number): void {
    this.take(length);
  }

  private take(length: number): number {
    if (length < 0 || length > this.remaining) {
      throw new BytesError(
        `${length} bytes were asked at position ${this.position}, but ${this.remaining} remain.`,
        { details: { length, position: this.position, remaining: this.remaining } },
      );
    }
    const from = this.position;
    this.position += length;
    return from;
  }
}

/** Writes big-endian values into a buffer that grows up to `limit`. */
export class ByteWriter {
  private bytes: Uint8Array;
  private data: DataView;
  private length = 0;

  constructor(
    capacity = 256,
    private readonly limit = 2 ** 31 - 1,
  ) {
    this.bytes = new Uint8Array(capacity);
    this.data = viewOf(this.bytes);
  }

  get position(): number {
    return this.length;
  }

  // Room is made first: growing replaces both views.
  int8(value: number): this {
    const at = this.room(1);
    this.data.setInt8(at, value);
    return this;
  }

  int16(value: number): this {
    const at = this.room(2);
    this.data.setInt16(at, value);
    return this;
  }

  int32(value: number): this {
    const at = this.room(4);
    this.data.setInt32(at, value);
    return this;
  }

  int64(value: number | bigint): this {
    const at = this.room(8);
    this.data.setBigInt64(at, BigInt(value));
    return this;
  }

  raw(value: Uint8Array): this {
    const at = this.room(value.length);
    this.bytes.set(value, at);
    return this;
  }

  text(value: string): this {
    return this.raw(encoder.encode(value));
  }

  /** Overwrites four bytes that were written before. */
  patchInt32(at: number, value: number): this {
    if (at < 0 || at + 4 > this.length) {
      throw new BytesError(`Position ${at} was not written yet.`, { details: { at } });
    }
    this.data.setInt32(at, value);
    return this;
  }

  /** What was written, as a view of the writer's memory. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private room(more: number): number {
    const at = this.length;
    const wanted = at + more;
    if (wanted > this.limit) {
      throw new BytesError(`${wanted} bytes are more than the limit of ${this.limit}.`, {
        details: { wanted, limit: this.limit },
      });
    }
    if (wanted > this.bytes.length) {
      const grown = new Uint8Array(Math.max(wanted, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.data = viewOf(grown);
    }
    this.length = wanted;
    return at;
  }
}
