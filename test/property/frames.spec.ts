import * as fc from 'fast-check';
import {
  allCommands,
  BodyError,
  commandByCode,
  decodeFrame,
  decodeRegisterBrokerBody,
  encodeFrame,
  FrameDecoder,
  FrameError,
  HeaderError,
  JsonError,
  parseFastjson,
  readAskBody,
  readAsked,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import { runs } from './runs.js';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const codes = fc.oneof(
  fc.constantFrom(...allCommands.map(({ code }) => code)),
  fc.integer({ min: 0, max: 32_767 }),
);

const frames: fc.Arbitrary<Frame> = fc.record({
  code: codes,
  language: fc.constantFrom('JAVA', 'GO', 'OTHER'),
  version: fc.integer({ min: 0, max: 32_767 }),
  opaque: fc.integer(),
  flag: fc.integer({ min: 0, max: 3 }),
  remark: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: undefined }),
  extFields: fc.dictionary(text, text),
  body: fc.uint8Array({ maxLength: 300 }),
  form: fc.constantFrom('json', 'binary'),
});

/** Cuts bytes into parts of these sizes, again and again. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

function readAll(parts: readonly Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder();
  const read: Frame[] = [];
  for (const part of parts) decoder.push(part, (bytes) => read.push(decodeFrame(bytes.slice())));
  expect(decoder.pending).toBe(0);
  return read;
}

/** Members of the ext fields in order of their names: the binary form has no other order. */
const plain = (frame: Frame): object => ({
  ...frame,
  extFields: Object.entries(frame.extFields).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  body: [...frame.body],
});

describe('a stream of frames', () => {
  it('means the same wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }),
        (written, sizes) => {
          const read = readAll(cut(Buffer.concat(written.map(encodeFrame)), sizes));
          expect(read.map(plain)).toEqual(written.map(plain));
        },
      ),
      runs(300),
    );
  });
});

const allowed = [FrameError, HeaderError, BodyError, JsonError];

/** Reads bytes as a server would; anything thrown must be one of the errors that say so. */
function readAsServer(bytes: Uint8Array): 'read' | 'refused' {
  try {
    const decoder = new FrameDecoder();
    decoder.push(bytes, (whole) => {
      const frame = decodeFrame(whole);
      const command = commandByCode(frame.code);
      if (command === undefined) return;
      readAsked(command, frame);
      readAskBody(command, frame);
      if (command.name === 'REGISTER_BROKER') decodeRegisterBrokerBody(frame.body, frame.version);
    });
    return 'read';
  } catch (error) {
    if (allowed.some((kind) => error instanceof kind)) return 'refused';
    throw error;
  }
}

interface Mutation {
  readonly at: number;
  readonly kind: 'flip' | 'word' | 'cut' | 'repeat';
  readonly value: number;
}

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    kind: fc.constantFrom('flip', 'word', 'cut', 'repeat'),
    value: fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 1, 0x7fffffff, -0x80000000, 0xffffff)),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let result = bytes.slice();
  for (const { at, kind, value } of changes) {
    const place = Math.floor(at * result.length);
    if (kind === 'cut') result = result.slice(0, place);
    else if (kind === 'repeat') result = Buffer.concat([result, result.subarray(place)]);
    else if (kind === 'flip' && result.length > 0) result[place] = value & 0xff;
    else if (place + 4 <= result.length) {
      new DataView(result.buffer, result.byteOffset).setInt32(place, value);
    }
  }
  return result;
}

function frameOf(header: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), header]);
  bytes.writeInt32BE(4 + header.length, 0);
  bytes.writeInt32BE(header.length, 4);
  return bytes;
}

describe('broken frames', () => {
  it('are refused with an error of ours and never otherwise', () => {
    let refused = 0;
    fc.assert(
      fc.property(frames, mutations, (frame, changes) => {
        if (readAsServer(mutate(encodeFrame(frame), changes)) === 'refused') refused += 1;
      }),
      runs(5000),
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('of random bytes behind a right length are refused likewise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (noise) => {
        const bytes = Buffer.concat([Buffer.alloc(4), noise]);
        bytes.writeInt32BE(noise.length, 0);
        bytes.set([bytes[4]! & 1, 0, 0], 4);
        readAsServer(bytes);
      }),
      runs(3000),
    );
  });

  it('with headers that are almost JSON are read or refused', () => {
    const words =
      '{ } [ ] : , "code" "extFields" "a" \'b\' c 1 - 0 1e9 null true "$ref" "$.a" \\u00 " opaque';
    const pieces = fc.constantFrom(' ', '\u0000', ...words.split(' '));
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        readAsServer(frameOf(Buffer.from(parts.join(''))));
      }),
      runs(5000),
    );
  });

  it('with broken JSON bodies are read or refused', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), mutations, (json, changes) => {
        try {
          parseFastjson(mutate(Buffer.from(json), changes));
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
      runs(2000),
    );
  });
});
