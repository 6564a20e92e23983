import { BodyError } from '../protocol.errors.js';
import { writeFastjson } from './fastjson.js';
import { flag, list, object, objectTable, oneOf, optional, string, table, whole } from './shape.js';

const queue = object({ queueId: whole(), topic: string() });
const shape = object({
  topic: string(),
  count: whole(4),
  isOn: flag(true),
  mode: oneOf(['A', 'B'], 'B'),
  tags: list(string()),
  addrs: table(string()),
  offsets: objectTable(queue, whole()),
  zone: optional(string()),
});

describe('the shape of a body', () => {
  it('fills in what is missing and drops what is unknown', () => {
    expect(shape.read({ topic: 'T', other: 1, zone: null }, 'body')).toEqual({
      topic: 'T',
      count: 4,
      isOn: true,
      mode: 'B',
      tags: [],
      addrs: {},
      offsets: [],
    });
  });

  it('takes numbers as texts, texts as numbers and enums by position', () => {
    const read = shape.read({ topic: 7, count: '12', isOn: 'false', mode: 0 }, 'body');
    expect(read).toMatchObject({ topic: '7', count: 12, isOn: false, mode: 'A' });
  });

  it('reads object keys from a Map and from texts that hold JSON', () => {
    const key = { queueId: 1, topic: 'T' };
    const fromText = shape.read({ topic: 'T', offsets: { [JSON.stringify(key)]: 5 } }, 'body');
    const fromMap = shape.read({ topic: 'T', offsets: new Map([[key, 5]]) }, 'body');
    expect(fromText.offsets).toEqual([[key, 5]]);
    expect(fromMap.offsets).toEqual([[key, 5]]);
  });

  it.each([
    ['body.topic is missing', {}],
    ['body.count must be a whole number', { topic: 'T', count: 1.5 }],
    ['body.isOn must be true or false', { topic: 'T', isOn: 'maybe' }],
    ['body.mode must be one of A, B', { topic: 'T', mode: 'C' }],
    ['body.tags must be a list', { topic: 'T', tags: {} }],
    ['body.tags[1] must be a text', { topic: 'T', tags: ['a', {}] }],
    ['body.addrs must be an object', { topic: 'T', addrs: [] }],
    ['body.offsets has a key that is no object', { topic: 'T', offsets: { x: 1 } }],
    ['body must be an object', []],
  ])('refuses with the place: %s', (sentence, raw) => {
    expect(() => shape.read(raw, 'body')).toThrow(BodyError);
    expect(() => shape.read(raw, 'body')).toThrow(sentence);
  });

  it('writes members in alphabetical order, as Java does, with object keys', () => {
    const value = shape.read(
      { topic: 'T', offsets: new Map([[{ queueId: 1, topic: 'T' }, 5]]) },
      '',
    );
    expect(writeFastjson(shape.write(value))).toBe(
      '{"addrs":{},"count":4,"isOn":true,"mode":"B","offsets":{{"queueId":1,"topic":"T"}:5},' +
        '"tags":[],"topic":"T"}',
    );
  });
});
