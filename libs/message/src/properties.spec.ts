import {
  decodeProperties,
  encodeProperties,
  findProperty,
  foundTo,
  propertyOfBytes,
  readProperty,
  splitKeys,
  tagHash,
  tagHashOfBytes,
} from './properties.js';

const encoder = new TextEncoder();

describe('property text', () => {
  it('closes every pair, the last one too', () => {
    expect(encodeProperties({ A: '1', B: undefined, C: '' })).toBe('A\u00011\u0002C\u0001\u0002');
  });

  it('reads texts with and without the last mark, and passes over broken pairs', () => {
    expect(decodeProperties('A\u00011\u0002B\u00012')).toEqual({ A: '1', B: '2' });
    expect(decodeProperties('\u0001x\u0002C\u0001\u0002noise\u0002D\u00014\u0002')).toEqual({
      D: '4',
    });
    expect(decodeProperties('')).toEqual({});
  });

  it('takes the last of several pairs with one name, and any name', () => {
    expect(decodeProperties('A\u00011\u0002A\u00012\u0002')).toEqual({ A: '2' });
    const odd = decodeProperties('__proto__\u0001x\u0002toString\u0001y\u0002');
    expect(Object.entries(odd)).toEqual([
      ['__proto__', 'x'],
      ['toString', 'y'],
    ]);
  });

  it('refuses what would be read as other properties', () => {
    for (const bad of [{ 'a\u0001b': 'x' }, { a: 'x\u0002y' }, { '': 'x' }]) {
      expect(() => encodeProperties(bad)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_PROPERTY_ILLEGAL' }) as Error,
      );
    }
  });

  it('finds one property in bytes, as the map would have it', () => {
    const bytes = encoder.encode('..XTAGS\u0001no\u0002TAGS\u0001a\u0002TAGS\u0001é\u0002E\u0001');
    const tags = encoder.encode('TAGS');
    const at = findProperty(bytes, 2, bytes.length, tags);
    expect(new TextDecoder().decode(bytes.subarray(at, foundTo()))).toBe('é');
    expect(readProperty(bytes, 2, bytes.length, encoder.encode('E'))).toBeUndefined();
    expect(readProperty(bytes, 2, bytes.length, encoder.encode('XTAGS'))).toBe('no');
  });

  it('reads one property by its name as the map has it, whatever the text and the name', () => {
    const texts = [
      '',
      'A\u00011\u0002B\u00012',
      'A\u00011\u0002A\u00012\u0002A\u0001\u0002AA\u00013\u0002',
      '\u0001x\u0002C\u0001\u0002noise\u0002D\u0001a\u0001b\u0002',
      '__proto__\u0001x\u0002toString\u0001y\u0002é\u0001ö\u0002',
    ];
    const names = ['', 'A', 'AA', 'B', 'C', 'D', 'D\u0001a', 'noise', '__proto__', 'toString', 'é'];
    for (const text of texts) {
      const bytes = encoder.encode(`..${text}`);
      const map = new Map(Object.entries(decodeProperties(text)));
      for (const name of names) {
        expect([name, propertyOfBytes(bytes, 2, bytes.length, name)]).toEqual([
          name,
          map.get(name),
        ]);
      }
    }
  });
});

describe('tag hash', () => {
  it('is what Java computes for the same text', () => {
    expect(tagHash('TagA')).toBe(2_598_919);
    expect(tagHash('a long tag name that overflows')).toBe(
      hashByRule('a long tag name that overflows'),
    );
    expect(tagHash('polygenelubricants')).toBe(-2_147_483_648);
    expect(tagHash(undefined)).toBe(0);
    expect(tagHash('')).toBe(0);
  });

  it('is the same over bytes, beyond ASCII too', () => {
    for (const tag of ['TagA', 'Größe', '订单', '😀']) {
      const bytes = encoder.encode(`-${tag}-`);
      expect(tagHashOfBytes(bytes, 1, bytes.length - 1)).toBe(tagHash(tag));
    }
  });
});

describe('keys', () => {
  it('are split at blanks, empty ones dropped', () => {
    expect(splitKeys(' a  b ')).toEqual(['a', 'b']);
    expect(splitKeys(undefined)).toEqual([]);
  });
});

function hashByRule(text: string): number {
  let hash = 0n;
  for (let i = 0; i < text.length; i += 1) hash = hash * 31n + BigInt(text.charCodeAt(i));
  return Number(BigInt.asIntN(32, hash));
}
