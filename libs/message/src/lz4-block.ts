/**
 * Blocks of the LZ4 format: sequences of literals and of copies of what stood before.
 *
 * | part of a sequence | bytes | note                                                      |
 * | ------------------ | ----- | --------------------------------------------------------- |
 * | token              | 1     | literals (high half) and copy length - 4 (low), 15: more  |
 * | more literals      | n     | 255 each, until one is smaller                            |
 * | literals           | n     |                                                           |
 * | distance           | 2     | little endian, back from here; absent in the last one     |
 * | more copy length   | n     | as above                                                  |
 */
const leastCopy = 4;
/** The last copy begins at least so far before the end, and the last bytes are literals. */
const copyMargin = 12;
const lastLiterals = 5;
const farthest = 0xffff;
const hashBits = 14;
/** After so many failed looks the search takes longer steps: what does not compress passes fast. */
const skipAfter = 6;
const shortPiece = 48;

/** The most bytes that a block of `length` bytes can become. */
export function lz4Bound(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/** Compresses `source` into `target`, which has `lz4Bound` bytes; answers how many were written. */
export function compressLz4Block(source: Uint8Array, target: Uint8Array): number {
  const data = new DataView(source.buffer, source.byteOffset, source.length);
  const places = new Int32Array(1 << hashBits).fill(-1);
  const copyLimit = source.length - copyMargin;
  const end = source.length - lastLiterals;
  let written = 0;
  let literalsFrom = 0;
  let misses = 1 << skipAfter;
  for (let at = 0; at <= copyLimit;) {
    const word = data.getInt32(at, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const before = places[slot] as number;
    places[slot] = at;
    if (before < 0 || at - before > farthest || data.getInt32(before, true) !== word) {
      at += misses >> skipAfter;
      misses += 1;
      continue;
    }
    let length = leastCopy;
    while (at + length < end && source[before + length] === source[at + length]) length += 1;
    written = putLiterals(source, literalsFrom, at, length - leastCopy, target, written);
    target[written] = at - before;
    target[written + 1] = (at - before) >> 8;
    written = putMore(length - leastCopy, target, written + 2);
    at += length;
    literalsFrom = at;
    misses = 1 << skipAfter;
  }
  return putLiterals(source, literalsFrom, source.length, 0, target, written);
}

/** Token, length and literals of a sequence; `copy` is the length of its copy above the least. */
function putLiterals(
  source: Uint8Array,
  from: number,
  to: number,
  copy: number,
  target: Uint8Array,
  at: number,
): number {
  const count = to - from;
  target[at] = (Math.min(count, 15) << 4) | Math.min(copy, 15);
  const next = putMore(count, target, at + 1);
  copyPiece(source, from, target, next, count);
  return next + count;
}

/** Short pieces are copied sooner by a loop than by a call, which needs a view. */
function copyPiece(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  at: number,
  count: number,
): void {
  if (count > shortPiece) target.set(source.subarray(from, from + count), at);
  else for (let i = 0; i < count; i += 1) target[at + i] = source[from + i] as number;
}

function putMore(length: number, target: Uint8Array, at: number): number {
  if (length < 15) return at;
  let rest = length - 15;
  let next = at;
  for (; rest >= 255; rest -= 255) target[next++] = 255;
  target[next++] = rest;
  return next;
}

/** Where what is decompressed goes; copies may reach back into what stands there already. */
export interface Lz4Output {
  bytes: Uint8Array;
  length: number;
  /** Makes room for so many more bytes, or throws. */
  reserve(more: number): void;
}

/** Appends a decompressed block to `output`. Throws `RangeError` when the block is damaged. */
export function decompressLz4Block(block: Uint8Array, output: Lz4Output): void {
  let at = 0;
  const more = (): number => {
    let sum = 0;
    for (;;) {
      const byte = block[at++];
      if (byte === undefined) throw new RangeError('a length is cut off');
      sum += byte;
      if (byte < 255) return sum;
    }
  };
  while (at < block.length) {
    const token = block[at++] as number;
    let literals = token >> 4;
    if (literals === 15) literals += more();
    if (at + literals > block.length) throw new RangeError('literals are cut off');
    output.reserve(literals);
    copyPiece(block, at, output.bytes, output.length, literals);
    output.length += literals;
    at += literals;
    if (at === block.length) return;
    if (at + 2 > block.length) throw new RangeError('a distance is cut off');
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    let length = token & 15;
    if (length === 15) length += more();
    if (distance === 0 || distance > output.length) throw new RangeError('a copy reaches too far');
    appendCopy(output, distance, length + leastCopy);
  }
  throw new RangeError('the last sequence is missing');
}

function appendCopy(output: Lz4Output, distance: number, length: number): void {
  output.reserve(length);
  const { bytes } = output;
  const to = output.length + length;
  if (length <= shortPiece) {
    for (let at = output.length; at < to; at += 1) bytes[at] = bytes[at - distance] as number;
    output.length = to;
    return;
  }
  // What is copied may be what the copy itself wrote: then it repeats, in growing pieces.
  let step = distance;
  for (let at = output.length; at < to;) {
    const piece = Math.min(step, to - at);
    bytes.copyWithin(at, at - step, at - step + piece);
    at += piece;
    if (piece === step) step += piece;
  }
  output.length = to;
}
