import { FrameError } from '../protocol.errors.js';
import type { ExtFields } from '../command/header-schema.js';
import type { Header } from './header.js';
import { languageNumber, languages } from './language.js';

/**
 * The compact header, big-endian:
 * code int16, language int8, version int16, opaque int32, flag int32,
 * remark (int32 length, UTF-8), ext fields (int32 length of all), each name (int16 length, UTF-8)
 * and value (int32 length, UTF-8). Codes beyond 16 bits are cut, as Java cuts them.
 * Source: `RocketMQSerializable` of 5.3.3.
 */
const fixedSize = 21;
const utf8 = new TextDecoder('utf-8');

export function encodeBinaryHeader(header: Header): Uint8Array {
  const remark = Buffer.from(header.remark ?? '', 'utf8');
  const entries = Object.entries(header.extFields).map(
    ([name, value]) => [Buffer.from(name, 'utf8'), Buffer.from(value, 'utf8')] as const,
  );
  const extSize = entries.reduce((sum, [name, value]) => sum + 6 + name.length + value.length, 0);
  const bytes = Buffer.alloc(fixedSize + remark.length + extSize);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  data.setInt16(0, header.code);
  data.setInt8(2, languageNumber(header.language));
  data.setInt16(3, header.version);
  data.setInt32(5, header.opaque);
  data.setInt32(9, header.flag);
  data.setInt32(13, remark.length);
  bytes.set(remark, 17);
  let at = 17 + remark.length;
  data.setInt32(at, extSize);
  at += 4;
  for (const [name, value] of entries) {
    if (name.length > 0x7fff) {
      throw new FrameError(`an ext field name has ${name.length} bytes; at most 32767 fit`);
    }
    data.setInt16(at, name.length);
    bytes.set(name, at + 2);
    at += 2 + name.length;
    data.setInt32(at, value.length);
    bytes.set(value, at + 4);
    at += 4 + value.length;
  }
  return bytes;
}

/**
 * Reads a compact header. Of a name that occurs twice the last value holds.
 * Throws `FrameError` where a length leads out of the header.
 */
export function decodeBinaryHeader(bytes: Uint8Array): Header {
  if (bytes.length < fixedSize) throw tooShort(bytes.length);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const remarkLength = data.getInt32(13);
  const extAt = 17 + remarkLength;
  if (remarkLength < 0 || extAt + 4 > bytes.length) throw badLength('remark', remarkLength);
  const extLength = data.getInt32(extAt);
  const end = extAt + 4 + extLength;
  if (extLength < 0 || end > bytes.length) throw badLength('ext fields', extLength);
  return {
    code: data.getInt16(0),
    language: languages[data.getInt8(2)] ?? 'OTHER',
    version: data.getInt16(3),
    opaque: data.getInt32(5),
    flag: data.getInt32(9),
    remark: remarkLength === 0 ? undefined : utf8.decode(bytes.subarray(17, extAt)),
    extFields: decodeExtFields(bytes, data, extAt + 4, end),
  };
}

function decodeExtFields(bytes: Uint8Array, data: DataView, start: number, end: number): ExtFields {
  const ext = Object.create(null) as ExtFields;
  let at = start;
  while (at < end) {
    if (at + 2 > end) throw badLength('ext fields', end - start);
    const nameLength = data.getInt16(at);
    const valueAt = at + 2 + nameLength;
    if (nameLength < 0 || valueAt + 4 > end) throw badLength('ext name', nameLength);
    const valueLength = data.getInt32(valueAt);
    const next = valueAt + 4 + valueLength;
    if (valueLength < 0 || next > end) throw badLength('ext value', valueLength);
    const name = utf8.decode(bytes.subarray(at + 2, valueAt));
    ext[name] = utf8.decode(bytes.subarray(valueAt + 4, next));
    at = next;
  }
  return ext;
}

function badLength(what: string, length: number): FrameError {
  return new FrameError(`the binary header gives its ${what} ${length} bytes, which do not fit`, {
    details: { what, length },
  });
}

function tooShort(length: number): FrameError {
  return new FrameError(`a binary header has at least ${fixedSize} bytes, this one ${length}`, {
    details: { length },
  });
}
