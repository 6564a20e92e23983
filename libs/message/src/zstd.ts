import { decompress } from 'fzstd';

/**
 * Zstandard frames. They are read in plain JavaScript, at once, and written by WebAssembly, which is
 * loaded at the first need.
 *
 * | field        | bytes      | note                                                              |
 * | ------------ | ---------- | ----------------------------------------------------------------- |
 * | magic        | 4          | 0xFD2FB528, little endian as all numbers                          |
 * | descriptor   | 1          | content size (bits 6, 7), single segment (5), checksum (2), dictionary (0, 1) |
 * | window       | 0, 1       | absent in a single segment                                        |
 * | dictionary   | 0, 1, 2, 4 |                                                                   |
 * | content size | 0 to 8     |                                                                   |
 * | blocks       | 3 + n      | last (bit 0), type (1, 2), size: raw, repeated byte, compressed   |
 * | checksum     | 0, 4       |                                                                   |
 */
const magic = 0xfd2fb528;
const sizeBytes = [0, 2, 4, 8] as const;
const dictionaryBytes = [0, 1, 2, 4] as const;
const largestBlock = 128 * 1024;
/** A window of one byte of description has at least this many bytes. */
const leastWindowLog = 10;
const blockType = { raw: 0, repeated: 1, compressed: 2 } as const;

/** Throws an error when the frame is damaged or may hold more than `limit` bytes. */
export function decompressZstd(frame: Uint8Array, limit: number): Uint8Array {
  const header = readHeader(frame);
  const most = mostContent(frame, header.blocksAt);
  if (most > limit || (header.contentSize ?? 0) > most) {
    throw new RangeError('it holds more than is allowed, or than it has');
  }
  return decompress(header.windowAt === undefined ? frame : smallWindow(frame, header, most));
}

interface Header {
  readonly windowAt: number | undefined;
  readonly contentSize: number | undefined;
  readonly blocksAt: number;
}

function readHeader(frame: Uint8Array): Header {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 6 || data.getUint32(0, true) !== magic) throw new RangeError('it is no frame');
  const descriptor = data.getUint8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  if ((descriptor & 3) !== 0) throw new RangeError('it needs a dictionary');
  const sizeAt = 5 + (isSingle ? 0 : 1) + dictionaryBytes[(descriptor & 3) as 0];
  const stated = sizeBytes[(descriptor >> 6) as 0 | 1 | 2 | 3];
  const length = stated === 0 && isSingle ? 1 : stated;
  const contentSize =
    length === 0
      ? undefined
      : length === 1
        ? data.getUint8(sizeAt)
        : length === 2
          ? data.getUint16(sizeAt, true) + 256
          : length === 4
            ? data.getUint32(sizeAt, true)
            : Number(data.getBigUint64(sizeAt, true));
  return { windowAt: isSingle ? undefined : 5, contentSize, blocksAt: sizeAt + length };
}

/** The most bytes that the blocks of the frame can hold, from their sizes alone. */
function mostContent(frame: Uint8Array, blocksAt: number): number {
  let most = 0;
  for (let at = blocksAt; at + 3 <= frame.length;) {
    const word =
      (frame[at] as number) | ((frame[at + 1] as number) << 8) | ((frame[at + 2] as number) << 16);
    const type = (word >> 1) & 3;
    const size = word >> 3;
    most += type === blockType.compressed ? largestBlock : size;
    if ((word & 1) !== 0) return most;
    at += 3 + (type === blockType.repeated ? 1 : size);
  }
  throw new RangeError('it is cut off');
}

/**
 * Java's frames state a window of megabytes, however short they are, and the decoder makes and moves
 * that much: a copy of the frame states what it can need.
 */
function smallWindow(frame: Uint8Array, { windowAt }: Header, most: number): Uint8Array {
  const at = windowAt as number;
  const needed = Math.max(Math.ceil(Math.log2(Math.max(most, 1))) - leastWindowLog, 0) << 3;
  if (needed >= (frame[at] as number)) return frame;
  const copy = frame.slice();
  copy[at] = needed;
  return copy;
}

type Compress = (source: Uint8Array, level: number) => Uint8Array;
let loading: Promise<Compress> | undefined;

/** Compresses as one frame; levels are 1 to 22. */
export async function compressZstd(source: Uint8Array, level: number): Promise<Uint8Array> {
  const compress = await (loading ??= load());
  return compress(source, level);
}

async function load(): Promise<Compress> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  return (source, level) => zstd.compress(source, level);
}
