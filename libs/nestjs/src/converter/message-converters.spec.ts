import { MessageConverters, targetOf, type PayloadTarget } from './message-converters.js';

const converters = new MessageConverters();

function decode(body: string | Uint8Array, contentType?: string, target?: PayloadTarget): unknown {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const properties: Record<string, string> = contentType === undefined ? {} : { contentType };
  return converters.decode({ body: bytes, properties }, target);
}

describe('converters', () => {
  it.each([
    ['an object', { id: 1, list: [1, 'a', null] }, undefined],
    ['an object as MessagePack', { id: 2 ** 40, bytes: Buffer.from([1]) }, 'application/msgpack'],
    ['a text', 'grün', undefined],
    ['a number', 42, undefined],
    ['bytes', Uint8Array.of(0, 255), undefined],
    ['a text as JSON', 'quoted', 'application/json'],
  ])('read back what they wrote: %s', (_, payload, contentType) => {
    const { body, contentType: written } = converters.encode(payload, contentType);
    expect(decode(body, written)).toEqual(payload);
  });

  it('read a body without content type as JSON, unless a text or bytes are wanted', () => {
    expect(decode('{"id":1}')).toEqual({ id: 1 });
    expect(decode('{"id":1}', undefined, 'text')).toBe('{"id":1}');
    expect(decode('{"id":1}', undefined, 'bytes')).toBeInstanceOf(Uint8Array);
    expect(decode('x', 'application/json', 'buffer')).toEqual(Buffer.from('x'));
    expect(() => decode('plain')).toThrow('The body is not application/json');
  });

  it("read Spring's text/plain, which may be JSON or not", () => {
    expect(decode('{"id":1}', 'text/plain')).toEqual({ id: 1 });
    expect(decode('{"id":1}', 'text/plain', 'object')).toEqual({ id: 1 });
    expect(decode('hello', 'text/plain')).toBe('hello');
    expect(decode('{broken', 'text/plain')).toBe('{broken');
    expect(() => decode('hello', 'text/plain', 'object')).toThrow('not application/json');
  });

  it('keep a text of ours that looks like JSON a text', () => {
    const { body, contentType } = converters.encode('{"id":1}');
    expect(decode(body, contentType)).toBe('{"id":1}');
  });

  it('give a JSON text to a handler that wants a text, and JSON as it is otherwise', () => {
    expect(decode('"inner"', 'application/json', 'text')).toBe('inner');
    expect(decode('{"id":1}', 'application/json', 'text')).toBe('{"id":1}');
  });

  it('refuse bytes that are no UTF-8, with the start of the body', () => {
    expect(() => decode(Uint8Array.of(0xff, 0xfe, 0x41), undefined, 'text')).toThrow(
      '(it begins "ÿþA")',
    );
  });

  it('refuse an unknown content type with those they know', () => {
    expect(() => decode('x', 'application/jsonx')).toThrow("perhaps 'application/json' was meant");
    expect(() => decode('x', 'image/png')).toThrow('application/msgpack, text/plain');
  });

  it('ask converters of the application first, by content type', () => {
    const csv = {
      contentType: 'text/csv',
      write: (payload: unknown) => new TextEncoder().encode((payload as string[]).join(';')),
      read: (body: Uint8Array) => new TextDecoder().decode(body).split(';'),
    };
    const own = new MessageConverters([csv], 'text/csv');
    const { body, contentType } = own.encode(['a', 'b']);
    expect([contentType, new TextDecoder().decode(body)]).toEqual(['text/csv', 'a;b']);
    expect(own.decode({ body, properties: { contentType: 'Text/CSV; header=absent' } })).toEqual([
      'a',
      'b',
    ]);
  });

  it('write MessagePack that does not change when more is written', () => {
    const first = converters.encode({ a: 1 }, 'application/msgpack').body;
    const copy = Uint8Array.from(first);
    for (let n = 0; n < 1_000; n += 1) converters.encode({ b: n }, 'application/msgpack');
    expect(first).toEqual(copy);
  });

  it('take what a handler wants from the class of its parameter', () => {
    class Order {}
    const types = [String, Buffer, Uint8Array, Object, Array, undefined, Order];
    expect(types.map(targetOf)).toEqual(['text', 'buffer', 'bytes', 'any', 'any', 'any', 'object']);
  });
});
