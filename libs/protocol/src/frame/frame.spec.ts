import { FrameError } from '../protocol.errors.js';
import { decodeFrame, encodeFrame, isOneway, isResponse } from './frame.js';
import type { Frame, HeaderForm } from './frame.js';
import { FrameDecoder } from './frame-decoder.js';

const frame = (form: HeaderForm, change: Partial<Frame> = {}): Frame => ({
  code: 11,
  language: 'JAVA',
  version: 479,
  opaque: -7,
  flag: 0,
  remark: 'a "remark" with ü',
  extFields: { topic: 'T', empty: 'x', ü: '€\u2028' },
  body: new Uint8Array([1, 2, 3]),
  form,
  ...change,
});

const jsonFrame = (header: string): Uint8Array => {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length);
  bytes.writeInt32BE(4 + text.length, 0);
  bytes.writeInt32BE(text.length, 4);
  text.copy(bytes, 8);
  return bytes;
};

describe('a frame', () => {
  it.each(['json', 'binary'] as const)('comes back as it was written, as %s', (form) => {
    const read = decodeFrame(encodeFrame(frame(form)));
    expect({ ...read, extFields: { ...read.extFields }, body: [...read.body] }).toEqual({
      ...frame(form),
      body: [1, 2, 3],
    });
  });

  it('writes the binary header that Java writes', () => {
    const bytes = encodeFrame(
      frame('binary', {
        code: 1,
        version: 0,
        opaque: 8,
        flag: 1,
        remark: 'system error, some words',
        extFields: { a: 'b' },
        body: new Uint8Array(0),
      }),
    );
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `${'00000039'}${'01000035'}0001000000000000080000000100000018` +
        `${Buffer.from('system error, some words').toString('hex')}00000008000161000000` +
        '0162',
    );
  });

  it('writes the JSON header in the order and form that Java writes', () => {
    const bytes = encodeFrame(
      frame('json', { remark: undefined, extFields: {}, body: new Uint8Array(0), opaque: 7 }),
    );
    expect(Buffer.from(bytes.subarray(8)).toString()).toBe(
      '{"code":11,"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":479}',
    );
  });

  it.each([
    ['numbers as texts', '{"code":"11","opaque":"-3"}', 11, -3],
    ['unknown members', '{"code":11,"opaque":-3,"what":{"ever":[1]}}', 11, -3],
    ['single quotes and bare names', "{code:11,'opaque':-3}", 11, -3],
    ['junk after the header', '{"code":11,"opaque":-3}} and more', 11, -3],
  ])('tolerates %s as Java does', (_what, header, code, opaque) => {
    expect(decodeFrame(jsonFrame(header))).toMatchObject({ code, opaque, language: 'JAVA' });
  });

  it('takes numbers and booleans as ext values and drops null', () => {
    const { extFields } = decodeFrame(
      jsonFrame('{"extFields":{"a":1,"b":true,"c":null,"__proto__":"p"}}'),
    );
    expect(Object.entries(extFields)).toEqual([
      ['a', '1'],
      ['b', 'true'],
      ['__proto__', 'p'],
    ]);
  });

  it.each([
    ['lower case', '"java"', 'JAVA'],
    ['an ordinal', '9', 'GO'],
    ['a name nobody knows', '"KOTLIN"', 'OTHER'],
  ])('reads a language given as %s', (_what, language, expected) => {
    expect(decodeFrame(jsonFrame(`{"language":${language}}`)).language).toBe(expected);
  });

  it.each([
    ['an opaque beyond 32 bits', '{"opaque":2147483648}'],
    ['no object', '[1]'],
    ['half a header', '{"code":1'],
    ['ext fields that are a list', '{"extFields":[]}'],
    ['nothing', ''],
    ['deep nesting in the wide form', `{a:${'['.repeat(5000)}`],
  ])('refuses a JSON header with %s', (_what, header) => {
    expect(() => decodeFrame(jsonFrame(header))).toThrow(FrameError);
  });

  it('keeps the last of two ext fields of one name in the binary form', () => {
    const bytes = encodeFrame(frame('binary', { extFields: { ab: '1', ac: '2' } }));
    const at = Buffer.from(bytes).indexOf('ac');
    bytes[at + 1] = 'b'.charCodeAt(0);
    expect({ ...decodeFrame(bytes).extFields }).toEqual({ ab: '2' });
  });

  it.each([
    ['the remark', 8 + 13],
    ['the ext fields', 8 + 17],
  ])('refuses a binary header whose length of %s leads out of it', (_what, at) => {
    for (const length of [-1, 0x7fffffff, 1000]) {
      const bytes = encodeFrame(frame('binary', { remark: undefined }));
      new DataView(bytes.buffer).setInt32(at, length);
      expect(() => decodeFrame(bytes)).toThrow(FrameError);
    }
  });

  it('refuses a header form that is neither JSON nor binary', () => {
    const bytes = encodeFrame(frame('json'));
    bytes[4] = 2;
    expect(() => decodeFrame(bytes)).toThrow('header form 2 is unknown');
  });

  it('tells responses and oneway requests by the flag', () => {
    expect([0, 1, 2, 3].map(isResponse)).toEqual([false, true, false, true]);
    expect([0, 1, 2, 3].map(isOneway)).toEqual([false, false, true, true]);
  });
});

describe('a frame decoder', () => {
  const prefix = (length: number, headerWord: number): Uint8Array => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setInt32(0, length);
    new DataView(bytes.buffer).setInt32(4, headerWord);
    return bytes;
  };

  it('yields every frame wherever the stream is cut', () => {
    const stream = Buffer.concat(
      (['json', 'binary', 'json'] as const).map((form, index) =>
        encodeFrame(frame(form, { opaque: index, body: new Uint8Array(index * 5000) })),
      ),
    );
    for (const step of [1, 3, 7, 8, 9, 100, 4096, stream.length]) {
      const decoder = new FrameDecoder();
      const opaques: number[] = [];
      for (let at = 0; at < stream.length; at += step) {
        decoder.push(stream.subarray(at, at + step), (bytes) => {
          opaques.push(decodeFrame(bytes).opaque);
        });
      }
      expect([step, opaques, decoder.pending]).toEqual([step, [0, 1, 2], 0]);
    }
  });

  it('hands out frames of one chunk without copying', () => {
    const chunk = encodeFrame(frame('json'));
    new FrameDecoder().push(chunk, (bytes) => expect(bytes.buffer).toBe(chunk.buffer));
    expect.assertions(1);
  });

  it.each([
    ['negative', -1, 0],
    ['zero', 0, 0],
    ['too small for the header word', 3, 0],
    ['huge', 0x7fffffff, 0],
    ['one over the limit', 1021, 0],
    ['with a header longer than the frame', 100, 97],
    ['with an unknown header form', 100, 5 << 24],
  ])('refuses a length that is %s, in one chunk and byte by byte', (_what, length, word) => {
    const bytes = prefix(length, word);
    const decoder = (): FrameDecoder => new FrameDecoder({ maxFrameBytes: 1024 });
    expect(() => decoder().push(bytes, () => undefined)).toThrow(FrameError);
    const slow = decoder();
    expect(() => {
      for (const byte of bytes) slow.push(Uint8Array.of(byte), () => undefined);
    }).toThrow(FrameError);
  });

  it('does not take the memory that a length word claims before the bytes are there', () => {
    const decoder = new FrameDecoder();
    const before = process.memoryUsage().arrayBuffers;
    decoder.push(prefix(16 * 1024 * 1024 - 4, 10), () => undefined);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
    expect(decoder.pending).toBe(8);
  });
});
