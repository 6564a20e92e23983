import { parseFastjson, writeFastjson } from '../json/fastjson.js';
import type { Shape } from '../json/shape.js';
import { BodyError, JsonError } from '../protocol.errors.js';

/** What a body is and how it becomes bytes. */
export interface BodyCodec<T> {
  readonly kind: 'none' | 'bytes' | 'text' | 'json';
  /** Throws `BodyError`. An empty body and no body are the same on the wire. */
  read(bytes: Uint8Array): T;
  write(value: T): Uint8Array;
}

/** No bytes. */
export const emptyBody: Uint8Array = new Uint8Array(0);
const utf8 = new TextDecoder('utf-8');
const encoder = new TextEncoder();

/** A command without a body; bytes that come anyway are ignored, as Java does. */
export function none(): BodyCodec<undefined> {
  return { kind: 'none', read: () => undefined, write: () => emptyBody };
}

/** Bytes whose meaning lies elsewhere (messages). */
export function bytes(): BodyCodec<Uint8Array> {
  return { kind: 'bytes', read: (body) => body, write: (value) => value };
}

/** UTF-8 text. */
export function plainText(): BodyCodec<string> {
  return {
    kind: 'text',
    read: (body) => utf8.decode(body),
    write: (value) => encoder.encode(value),
  };
}

export interface JsonOptions {
  /** Whole numbers beyond 2^53 reach the shape as `bigint`. */
  readonly bigints?: boolean;
}

/** JSON of a declared shape, read with Java's tolerance. */
export function json<T>(shape: Shape<T>, options: JsonOptions = {}): BodyCodec<T> {
  return {
    kind: 'json',
    read(body) {
      if (body.length === 0) throw new BodyError('the body is empty, but must be JSON');
      try {
        return shape.read(parseFastjson(body, options), 'body');
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        throw new BodyError(`the body is not JSON: ${error.message}`, { cause: error });
      }
    },
    write: (value) => encoder.encode(writeFastjson(shape.write(value))),
  };
}

/** A body that may be missing. */
export function optionalBody<T>(codec: BodyCodec<T>): BodyCodec<T | undefined> {
  return {
    kind: codec.kind,
    read: (body) => (body.length === 0 ? undefined : codec.read(body)),
    write: (value) => (value === undefined ? emptyBody : codec.write(value)),
  };
}
