/** xxHash of 32 bits, as the LZ4 frame format uses it to check headers and contents. */
const p1 = 0x9e3779b1;
const p2 = 0x85ebca77;
const p3 = 0xc2b2ae3d;
const p4 = 0x27d4eb2f;
const p5 = 0x165667b1;

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

const mix = (lane: number, word: number): number =>
  Math.imul(rotate((lane + Math.imul(word, p2)) | 0, 13), p1);

/** The hash of `bytes` as a number from 0 to 2^32 - 1. */
export function xxHash32(bytes: Uint8Array, seed = 0): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { length } = bytes;
  let at = 0;
  let hash: number;
  if (length >= 16) {
    let [a, b, c, d] = [(seed + p1 + p2) | 0, (seed + p2) | 0, seed | 0, (seed - p1) | 0];
    for (; at + 16 <= length; at += 16) {
      a = mix(a, data.getInt32(at, true));
      b = mix(b, data.getInt32(at + 4, true));
      c = mix(c, data.getInt32(at + 8, true));
      d = mix(d, data.getInt32(at + 12, true));
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  } else hash = (seed + p5) | 0;
  hash = (hash + length) | 0;
  for (; at + 4 <= length; at += 4) {
    const word = Math.imul(data.getInt32(at, true), p3);
    hash = Math.imul(rotate((hash + word) | 0, 17), p4);
  }
  for (; at < length; at += 1) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[at] as number, p5)) | 0, 11), p1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), p2);
  hash = Math.imul(hash ^ (hash >>> 13), p3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
