import { FrameError } from '../protocol.errors.js';
import { decodeBinaryHeader, encodeBinaryHeader } from './binary-header.js';
import type { Header } from './header.js';
import { decodeJsonHeader, encodeJsonHeader } from './json-header.js';

/**
 * A frame: length word (bytes that follow it), header word (form in the first byte, length of the
 * header in the other three), header, body. Big-endian.
 * Source: `RemotingCommand`, `NettyDecoder` of 5.3.3; `docs/wire.md`.
 */
export type HeaderForm = 'json' | 'binary';

export interface Frame extends Header {
  /** Empty when the frame has none. When decoded, a view into the bytes given. */
  readonly body: Uint8Array;
  readonly form: HeaderForm;
}

export const responseFlag = 1;
export const onewayFlag = 2;
/** Java's default limit, the length word included. */
export const defaultMaxFrameBytes = 16 * 1024 * 1024;

const lengthSize = 4;
const prefixSize = 8;
const maxHeaderLength = 0xffffff;

export function isResponse(flag: number): boolean {
  return (flag & responseFlag) !== 0;
}

export function isOneway(flag: number): boolean {
  return (flag & onewayFlag) !== 0;
}

/** One whole frame, length word included. Throws `FrameError` when a part is too long. */
export function encodeFrame(frame: Frame): Uint8Array {
  const isJson = frame.form === 'json';
  const header = isJson ? encodeJsonHeader(frame) : encodeBinaryHeader(frame);
  if (header.length > maxHeaderLength) {
    throw new FrameError(
      `the header of code ${frame.code} has ${header.length} bytes; at most ${maxHeaderLength} fit`,
      { details: { code: frame.code, headerLength: header.length } },
    );
  }
  const bytes = new Uint8Array(prefixSize + header.length + frame.body.length);
  const data = new DataView(bytes.buffer);
  data.setInt32(0, bytes.length - lengthSize);
  data.setInt32(4, ((isJson ? 0 : 1) << 24) | header.length);
  bytes.set(header, prefixSize);
  bytes.set(frame.body, prefixSize + header.length);
  return bytes;
}

/**
 * Reads one whole frame, length word included. `body` is a view into `bytes`.
 * Throws `FrameError` for anything that Java's decoder refuses.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < prefixSize || data.getInt32(0) !== bytes.length - lengthSize) {
    throw new FrameError(`${bytes.length} bytes are not one whole frame`, {
      details: { length: bytes.length },
    });
  }
  const word = data.getUint32(4);
  const headerEnd = prefixSize + checkHeaderWord(word, bytes.length);
  const header = bytes.subarray(prefixSize, headerEnd);
  const isJson = word >>> 24 === 0;
  const read = isJson ? decodeJsonHeader(header) : decodeBinaryHeader(header);
  return { ...read, body: bytes.subarray(headerEnd), form: isJson ? 'json' : 'binary' };
}

/** The length of the header; `frameBytes` includes the length word. */
function checkHeaderWord(word: number, frameBytes: number): number {
  const form = word >>> 24;
  const headerLength = word & maxHeaderLength;
  if (form > 1) {
    throw new FrameError(`header form ${form} is unknown: 0 is JSON, 1 is binary`, {
      details: { form },
    });
  }
  if (headerLength > frameBytes - prefixSize) {
    throw new FrameError(
      `the header claims ${headerLength} bytes, but its frame has ${frameBytes - prefixSize}`,
      { details: { headerLength, frameBytes } },
    );
  }
  return headerLength;
}

/**
 * The size of the frame that starts at `at`, length word included; undefined while fewer than four
 * bytes are there. Throws `FrameError` for a length that no frame has.
 */
export function frameSizeAt(
  data: DataView,
  at: number,
  end: number,
  maxFrameBytes: number,
): number | undefined {
  if (end - at < lengthSize) return undefined;
  const length = data.getInt32(at);
  if (length < prefixSize - lengthSize || length > maxFrameBytes - lengthSize) {
    throw new FrameError(
      `a frame claims ${length} bytes; between 4 and ${maxFrameBytes - lengthSize} are allowed`,
      { details: { length, maxFrameBytes } },
    );
  }
  if (end - at >= prefixSize) checkHeaderWord(data.getUint32(at + 4), length + lengthSize);
  return length + lengthSize;
}
