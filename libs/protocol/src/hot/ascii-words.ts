/** Four ASCII characters as the big-endian word that they are in a buffer. */
export function word(four: string): number {
  return (
    (four.charCodeAt(0) << 24) |
    (four.charCodeAt(1) << 16) |
    (four.charCodeAt(2) << 8) |
    four.charCodeAt(3)
  );
}

/** Two decimal digits as a 16-bit word, by their value. */
export const decimalPairs: Int16Array = Int16Array.from({ length: 100 }, (_, n) => {
  const [tens, ones] = [Math.floor(n / 10), n % 10];
  return ((0x30 + tens) << 8) | (0x30 + ones);
});

/** Two upper-case hex digits as a 16-bit word, by the value of the byte. */
export const hexPairs: Int16Array = Int16Array.from({ length: 256 }, (_, n) => {
  const text = n.toString(16).toUpperCase().padStart(2, '0');
  return (text.charCodeAt(0) << 8) | text.charCodeAt(1);
});

/** Bits that are set when some byte of a word is below `n` (at most 0x80). */
export function hasByteBelow(value: number, n: number): number {
  return (value - Math.imul(n, 0x01010101)) & ~value & 0x80808080;
}

/** Non-zero when a word of JSON text holds a quote, a backslash or a control character. */
export function isSpecialWord(value: number): number {
  const quote = value ^ 0x22222222;
  const backslash = value ^ 0x5c5c5c5c;
  return (
    (((quote - 0x01010101) & ~quote) |
      ((backslash - 0x01010101) & ~backslash) |
      ((value - 0x20202020) & ~value)) &
    0x80808080
  );
}
