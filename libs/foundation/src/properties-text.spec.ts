import { PropertiesError } from './foundation.errors.js';
import { parseProperties } from './properties-text.js';

describe('parseProperties', () => {
  it('reads names and values parted by =, : or a blank, with blanks around them', () => {
    expect(parseProperties('a=1\n  b : 2 \nc 3\nd\ne=x=y')).toEqual({
      a: '1',
      b: '2',
      c: '3',
      d: '',
      e: 'x=y',
    });
  });

  it('passes over comments and empty lines, whatever ends the lines', () => {
    expect(parseProperties('# a=1\r\n! b=2\r\n\r\nc=3\rd=4')).toEqual({ c: '3', d: '4' });
  });

  it('joins lines that end in a backslash, but not in two', () => {
    expect(parseProperties('a=one,\\\n   two\nb=c\\\\\nd=4')).toEqual({
      a: 'one,two',
      b: 'c\\',
      d: '4',
    });
  });

  it('undoes escapes', () => {
    expect(parseProperties('a\\=b=\\u0041\\tz')).toEqual({ 'a=b': 'A\tz' });
  });

  it('takes the last of several values', () => {
    expect(parseProperties('a=1\na=2')).toEqual({ a: '2' });
  });

  it('takes a name such as __proto__ for a name', () => {
    expect(Object.keys(parseProperties('__proto__=1'))).toEqual(['__proto__']);
  });

  it('refuses a broken unicode escape and names the line', () => {
    expect(() => parseProperties('a=1\nb=\\u12')).toThrow(PropertiesError);
    expect(() => parseProperties('a=1\nb=\\u12')).toThrow(/Line 2/);
  });
});
