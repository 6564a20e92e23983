import { JsonError } from '../protocol.errors.js';
import { parseFastjson, writeFastjson } from './fastjson.js';

describe('reading the JSON of Java', () => {
  it.each([
    ['bare integer keys', '{"addrs":{0:"a:1",1:"b:2"}}', { addrs: { 0: 'a:1', 1: 'b:2' } }],
    ['single quotes and bare names', "{a:'b',c:[1,]}", { a: 'b', c: [1] }],
    ['escapes', '{k:"\\u00fc\\n\\"\\x41\\/"}', { k: 'ü\n"A/' }],
    ['numbers with a type letter', '{a:1.5D,b:-2e3}', { a: 1.5, b: -2000 }],
    ['junk after the value', '{"a":1}}}', { a: 1 }],
    ['blanks everywhere', ' { "a" : [ 1 , 2 ] } ', { a: [1, 2] }],
    ['a member named __proto__', '{__proto__:1}', JSON.parse('{"__proto__":1}')],
  ])('takes %s', (_what, text, expected) => {
    expect(parseFastjson(text)).toEqual(expected);
  });

  it('takes objects as keys and gives a Map', () => {
    const text = '{"offsetTable":{{"brokerName":"b","queueId":3,"topic":"T"}:{"maxOffset":7}}}';
    const { offsetTable } = parseFastjson(text) as { offsetTable: Map<unknown, unknown> };
    expect([...offsetTable]).toEqual([
      [{ brokerName: 'b', queueId: 3, topic: 'T' }, { maxOffset: 7 }],
    ]);
  });

  it('keeps whole numbers beyond 2^53 exact when asked', () => {
    const text = '{"a":9223372036854775807,"b":1}';
    expect(parseFastjson(text, { bigints: true })).toEqual({ a: 9223372036854775807n, b: 1 });
    expect(parseFastjson(text)).toEqual({ a: 2 ** 63, b: 1 });
  });

  it('follows references from the root and drops those it cannot follow', () => {
    const text =
      '{"t":{"a.b":{"x":1}},"same":{"$ref":"$.t.a\\\\.b"},"lost":{"$ref":"$.no"},"up":{"$ref":".."},' +
      '"m":{{"$ref":"$.t.null"}:1,{"q":1}:2}}';
    const value = parseFastjson(text) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['t', 'same', 'm']);
    expect(value['same']).toEqual({ x: 1 });
    expect([...(value['m'] as Map<unknown, unknown>)]).toEqual([[{ q: 1 }, 2]]);
  });

  it.each(['', '{', '[1', '{"a"}', '{"a":', '"open', '{a:nope}', '{"a":"\\u12"}', '{"a":"\\q"}'])(
    'refuses %j with JsonError',
    (text) => {
      expect(() => parseFastjson(text)).toThrow(JsonError);
    },
  );

  it('refuses nesting that would exhaust the stack', () => {
    expect(() => parseFastjson(`{a:${'['.repeat(100_000)}`)).toThrow(JsonError);
    expect(() => parseFastjson(`{a:${'{a:'.repeat(100_000)}`)).toThrow(JsonError);
  });
});

describe('writing JSON for Java', () => {
  it('leaves undefined and null members out and writes the keys of a Map as Java does', () => {
    const map = new Map<unknown, unknown>([
      [0, 'a'],
      [{ queueId: 1 }, 9223372036854775807n],
      ['s', null],
    ]);
    expect(writeFastjson({ map, none: undefined, nil: null, list: [1, 'x'] })).toBe(
      '{"map":{0:"a",{"queueId":1}:9223372036854775807},"list":[1,"x"]}',
    );
  });

  it('escapes what Java escapes', () => {
    expect(writeFastjson('a"\\\n\u2028ü/')).toBe('"a\\"\\\\\\n\\u2028ü/"');
  });

  it('is read back equal', () => {
    const value = { a: [1, 2.5, true, 'x\u2029'], b: { c: {} } };
    expect(parseFastjson(writeFastjson(value))).toEqual(value);
  });
});
