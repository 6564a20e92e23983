const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const highBits = 0x80808080 | 0;

/** Java's `String.hashCode`, continued from the hash of what stands before. */
function textHash(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** What the hash of every key of a topic begins with. */
export function topicSeed(topic: string): number {
  return textHash(0, `${topic}#`);
}

/** Not negative, as slots need it; the one number without a positive counterpart becomes 0. */
function positive(hash: number): number {
  return hash === -2147483648 ? 0 : Math.abs(hash);
}

/** The hash of `topic#key` under which the index knows a key. */
export function keyHash(topic: string, key: string): number {
  return positive(textHash(topicSeed(topic), key));
}

/** The same of a key that stands as UTF-8 in a buffer: four bytes at a time. */
export function keyHashOfBytes(seed: number, data: DataView, from: number, to: number): number {
  let hash = seed;
  let at = from;
  for (const lastWord = to - 4; at <= lastWord; at += 4) {
    const word = data.getInt32(at);
    if ((word & highBits) !== 0) return decodedHash(seed, data, from, to);
    hash =
      (Math.imul(hash, 923_521) +
        Math.imul(word >>> 24, 29_791) +
        Math.imul((word >>> 16) & 0xff, 961) +
        Math.imul((word >>> 8) & 0xff, 31) +
        (word & 0xff)) |
      0;
  }
  for (; at < to; at += 1) {
    const byte = data.getUint8(at);
    if (byte > 0x7f) return decodedHash(seed, data, from, to);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return positive(hash);
}

function decodedHash(seed: number, data: DataView, from: number, to: number): number {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset + from, to - from);
  return positive(textHash(seed, decoder.decode(bytes)));
}
