import { xxHash32 } from './xxhash.js';

describe('xxHash32', () => {
  it.each([
    ['', 0, 0x02cc5d05],
    ['a', 0, 0x550d7456],
    ['abc', 0, 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
  ])("of '%s' is what others compute", (text, seed, hash) => {
    expect(xxHash32(new TextEncoder().encode(text), seed)).toBe(hash);
  });
});
