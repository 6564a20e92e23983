import { compressLz4Block, decompressLz4Block, lz4Bound, type Lz4Output } from './lz4-block.js';
import { xxHash32 } from './xxhash.js';

/**
 * The LZ4 frame format, as lz4-java writes and reads it: blocks of at most 4 MiB, independent of
 * each other, without checksums. Frames of others (dependent blocks, checksums, a content size) are
 * read as well.
 *
 * | field           | bytes | note                                                            |
 * | --------------- | ----- | --------------------------------------------------------------- |
 * | magic           | 4     | 0x184D2204, little endian as all numbers                        |
 * | flags           | 1     | version 01, independent, block sums, size, sum, 0, dictionary   |
 * | block size      | 1     | 4 to 7 in bits 4 to 6: 64 KiB to 4 MiB                          |
 * | content size    | 0, 8  | when flagged                                                    |
 * | header checksum | 1     | second byte of the hash of the fields after the magic           |
 * | blocks          | 4 + n | size (highest bit: stored as it is), data, hash when flagged    |
 * | end             | 4     | 0, then the hash of the content when flagged                    |
 */
const magic = 0x184d2204;
const flag = {
  version: 0x40,
  independent: 0x20,
  blockSums: 0x10,
  size: 0x08,
  sum: 0x04,
  dict: 0x01,
};
const versionMask = 0xc0;
const storedBit = 0x8000_0000;
const largestBlock = 4 * 1024 * 1024;
const largestBlockId = 7;

/** Compresses as one frame. */
export function compressLz4(source: Uint8Array): Uint8Array {
  const blocks = Math.ceil(source.length / largestBlock);
  const target = new Uint8Array(11 + blocks * 4 + lz4Bound(source.length) + blocks * 16);
  const data = new DataView(target.buffer);
  data.setUint32(0, magic, true);
  target[4] = flag.version | flag.independent;
  target[5] = largestBlockId << 4;
  target[6] = xxHash32(target.subarray(4, 6)) >>> 8;
  let at = 7;
  for (let from = 0; from < source.length; from += largestBlock) {
    const block = source.subarray(from, from + largestBlock);
    const size = compressLz4Block(block, target.subarray(at + 4));
    const isSmaller = size < block.length;
    if (!isSmaller) target.set(block, at + 4);
    const written = isSmaller ? size : block.length;
    data.setUint32(at, isSmaller ? size : (written | storedBit) >>> 0, true);
    at += 4 + written;
  }
  data.setUint32(at, 0, true);
  return target.subarray(0, at + 4);
}

/** Throws `RangeError` when the frame is damaged or holds more than `limit` bytes. */
export function decompressLz4(frame: Uint8Array, limit: number): Uint8Array {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const flags = readFlags(frame, data);
  let at = 6 + ((flags & flag.size) === 0 ? 0 : 8);
  if (frame[at] !== (xxHash32(frame.subarray(4, at)) >>> 8) % 256) fail('its header is damaged');
  at += 1;
  const blockLimit = 1 << (8 + 2 * (((frame[5] as number) >> 4) & 7));
  const output = new GrowingOutput(Math.min(frame.length * 4, limit), limit);
  for (;;) {
    const word = data.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const size = word & ~storedBit;
    if (size > blockLimit || at + size > frame.length) fail('a block is cut off');
    const block = frame.subarray(at, at + size);
    at += size;
    if ((flags & flag.blockSums) !== 0) {
      if (data.getUint32(at, true) !== xxHash32(block)) fail('a block is damaged');
      at += 4;
    }
    if ((word & storedBit) === 0) decompressLz4Block(block, output);
    else output.append(block);
  }
  const content = output.bytes.subarray(0, output.length);
  if ((flags & flag.sum) !== 0 && data.getUint32(at, true) !== xxHash32(content)) {
    fail('its content is damaged');
  }
  return content;
}

function readFlags(frame: Uint8Array, data: DataView): number {
  if (frame.length < 7 || data.getUint32(0, true) !== magic) fail('it is no frame');
  const flags = frame[4] as number;
  if ((flags & versionMask) !== flag.version) fail('it is of another version');
  if ((flags & flag.dict) !== 0) fail('it needs a dictionary');
  return flags;
}

function fail(why: string): never {
  throw new RangeError(why);
}

/** Grows by doubling, up to a limit. */
class GrowingOutput implements Lz4Output {
  bytes: Uint8Array;
  length = 0;

  constructor(
    size: number,
    private readonly limit: number,
  ) {
    this.bytes = new Uint8Array(size);
  }

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.limit) fail('it holds more than is allowed');
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.min(Math.max(needed, this.bytes.length * 2), this.limit));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(block: Uint8Array): void {
    this.reserve(block.length);
    this.bytes.set(block, this.length);
    this.length += block.length;
  }
}
