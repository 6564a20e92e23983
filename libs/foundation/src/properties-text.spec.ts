import { PropertiesError } from './foundation.errors.js';
import { parseProperties, replaceProperties } from './properties-text.js';

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

describe('replaceProperties', () => {
  it('changes one value and leaves comments, order and other lines as they are', () => {
    const text = '# ports\nlistenPort = 1\n\n! names\nbrokerName: a\nunknown=x\n';
    expect(replaceProperties(text, { listenPort: '2' })).toBe(
      '# ports\nlistenPort=2\n\n! names\nbrokerName: a\nunknown=x\n',
    );
  });

  it('adds new names at the end', () => {
    expect(replaceProperties('a=1', { b: '2' })).toBe('a=1\nb=2\n');
    expect(replaceProperties('', { b: '2' })).toBe('b=2\n');
  });

  it('leaves one line of a name that stood there twice, where it counted', () => {
    expect(replaceProperties('a=1\nb=1\na=2\nc=1\n', { a: '3' })).toBe('b=1\na=3\nc=1\n');
  });

  it('replaces a line that goes on over several', () => {
    expect(replaceProperties('a=1,\\\n  2\nb=1\n', { a: '3' })).toBe('a=3\nb=1\n');
  });

  it('does not take the line after a comment for its continuation', () => {
    expect(replaceProperties('# a\\\na=1\n', { a: '2' })).toBe('# a\\\na=2\n');
  });

  it.each(['C:\\store', 'a=b:c#d!', 'two\nlines', 'tab\there', 'ü'])(
    'writes %j so that it is read back',
    (value) => {
      expect(parseProperties(replaceProperties('', { 'a name': value }))).toEqual({
        'a name': value,
      });
    },
  );
});
