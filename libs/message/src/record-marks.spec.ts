import { spanOf } from '@nestjs-rocketmq/foundation';
import { findProperty, foundTo } from './properties.js';
import { RecordMarks } from './record-marks.js';

const encoder = new TextEncoder();
const names = ['TAGS', 'KEYS', 'UNIQ_KEY', 'DELAY'] as const;

function placesOf(marks: RecordMarks): Record<string, readonly number[]> {
  const place = (at: number, to: number): readonly number[] => (at < 0 ? [at] : [at, to]);
  return {
    TAGS: place(marks.tagsAt, marks.tagsTo),
    KEYS: place(marks.keysAt, marks.keysTo),
    UNIQ_KEY: place(marks.uniqueKeyAt, marks.uniqueKeyTo),
    DELAY: place(marks.delayAt, marks.delayTo),
  };
}

describe('RecordMarks', () => {
  const long = 'x'.repeat(500);
  it.each([
    ['all four', 'TAGS\u0001a\u0002KEYS\u0001b c\u0002UNIQ_KEY\u0001d\u0002DELAY\u00013\u0002'],
    ['none', 'TAG\u0001a\u0002KEYSS\u0001b\u0002UNIQ\u0001d\u0002XDELAY\u00013\u0002'],
    ['the last of several', 'KEYS\u0001a\u0002TAGS\u0001b\u0002KEYS\u0001cc\u0002'],
    ['a last pair without its end', 'KEYS\u0001a\u0002TAGS\u0001b'],
    ['no empty values', 'TAGS\u0001\u0002KEYS\u0001\u0002DELAY\u0001'],
    ['values behind long ones', `LONG\u0001${long}\u0002TAGS\u0001${long}\u0002KEYS\u0001k\u0002`],
    ['nothing in an empty text', ''],
  ])('finds what findProperty finds: %s', (_what, text) => {
    const bytes = encoder.encode(`AB${text}\u0002TAGS\u0001behind\u0002`);
    const to = 2 + encoder.encode(text).length;
    const found = names.map((name) => {
      const at = findProperty(bytes, 2, to, encoder.encode(name));
      return [name, at < 0 ? [at] : [at, foundTo()]];
    });
    const marks = new RecordMarks().locate(spanOf(encoder.encode('TAGS\u0001old\u0002')), 0, 9);
    expect(placesOf(marks.locate(spanOf(bytes), 2, to))).toEqual(Object.fromEntries(found));
  });
});
