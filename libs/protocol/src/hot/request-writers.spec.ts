import { viewOf } from '@nestjs-rocketmq/foundation';
import { allCommands } from '../commands/index.js';
import type { CommandDefinition } from '../command/define-command.js';
import { encodeAnswer, encodeRequest, readAnswer } from '../command/remoting-command.js';
import { decodeFrame, type HeaderForm } from '../frame/frame.js';
import { AnswerReader, headerText, scanEnvelope } from './answer-reader.js';
import { compileRequestWriters } from './compile-request.js';
import { HeaderSlots } from './header-slots.js';
import { OutputBuffer } from './output-buffer.js';

const texts = [
  '',
  'topic',
  '%RETRY%group',
  'a"b\\c',
  'UNIQ_KEY\u0001A\u0002',
  'é漢😀',
  '\n\u0003',
  'x'.repeat(40),
];
const numbers = [0, -1, 7, 2_147_483_647, -2_147_483_648];

/** The `n`th value of a kind. */
function value(kind: string, n: number): unknown {
  if (kind === 'int32') return numbers[n % numbers.length];
  if (kind === 'int64') return [...numbers, 2 ** 53 - 1, 1_760_000_000_000][n % 7];
  if (kind === 'bool') return n % 2 === 0;
  // An empty id counts as none.
  return kind === 'offsetId' ? 'AB01' : texts[n % texts.length];
}

/** Fields of a header, optional ones here and there. */
function header(fields: CommandDefinition['asks'], n: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  Object.entries(fields).forEach(([name, field], i) => {
    if (!field.isOptional || (n + i) % 3 !== 0) values[name] = value(field.kind, n + i);
  });
  return values;
}

/** By round; most have none. */
const extras: readonly (Record<string, string> | undefined)[] = [
  undefined,
  { Signature: 'a+/=' },
  { AccessKey: 'x'.repeat(3_000), 'odd "näme"': 'é漢😀\n', Signature: '' },
];
const rounds = Array.from({ length: 16 }, (_, n) => n);

describe.each(['json', 'binary'] as const)('requests in the %s form', (form: HeaderForm) => {
  it('are written by compiled code as by the plain encoder, byte for byte', () => {
    let compiledCommands = 0;
    for (const command of allCommands) {
      const writers = compileRequestWriters(command, 'OTHER', 479);
      if (writers === undefined) continue;
      compiledCommands += 1;
      for (const n of rounds) {
        const asked = header(command.asks, n);
        const oneway = n % 2 === 0;
        const plain = encodeRequest(command, asked, {
          opaque: n - 3,
          form,
          oneway,
          extra: extras[n],
        });
        const out = new OutputBuffer();
        const end = writers[form](out, asked, n - 3, oneway ? 2 : 0, 0, extras[n]);
        const bytes = Buffer.from(out.bytes.subarray(0, end));
        expect(bytes.toString('latin1')).toBe(Buffer.from(plain).toString('latin1'));
      }
    }
    expect(compiledCommands).toBeGreaterThan(20);
  });

  it('name the field that does not fit, and leave the output as it was', () => {
    const command = allCommands.find(({ code }) => code === 310) as CommandDefinition;
    const writers = compileRequestWriters(command, 'OTHER', 479);
    const out = new OutputBuffer();
    const asked = { ...header(command.asks, 1), queueId: 1.5 };
    expect(() => writers?.[form](out, asked, 1, 0, 10)).toThrow("header field 'queueId'");
    expect(() => writers?.[form](out, { ...asked, queueId: undefined }, 1, 0, 10)).toThrow(
      'queueId',
    );
    expect(out.used).toBe(0);
  });
});

describe.each(['json', 'binary'] as const)('answers in the %s form', (form: HeaderForm) => {
  const slots = new HeaderSlots();
  const formNumber = form === 'json' ? 0 : 1;

  function scanned(bytes: Uint8Array): number | undefined {
    const end = 8 + (viewOf(bytes).getInt32(4) & 0xffffff);
    return scanEnvelope(slots, bytes, viewOf(bytes), 8, end, formNumber);
  }

  it('are read in place as by the plain decoder', () => {
    for (const command of allCommands) {
      if (!AnswerReader.reads(command)) continue;
      const reader = new AnswerReader(command, slots);
      for (const n of rounds) {
        const remark = n % 4 === 0 ? texts[n / 4 + 3] : undefined;
        const frame = encodeAnswer(command, {
          opaque: n,
          form,
          header: header(command.answers, n),
          remark,
        });
        const bytes = new Uint8Array(frame.length + 8);
        bytes.set(frame);
        expect(scanned(bytes)).toBe(0);
        expect([slots.opaque, slots.flag, slots.version]).toEqual([n, 1, 479]);
        if (remark !== undefined)
          expect(headerText(slots, slots.remarkFrom, slots.remarkTo)).toBe(remark);
        const plain = readAnswer(command, decodeFrame(frame));
        expect(reader.read(bytes, viewOf(bytes), frame.length)).toEqual(plain);
      }
    }
  });

  it('with a field that is not declared are left to the plain decoder', () => {
    const command = allCommands.find(({ code }) => code === 30) as CommandDefinition;
    const frame = encodeAnswer(command, {
      opaque: 1,
      form,
      header: { offset: 3 },
      extra: { more: 'x' },
    });
    const bytes = new Uint8Array(frame.length + 8);
    bytes.set(frame);
    const reader = new AnswerReader(command, slots);
    expect(scanned(bytes)).toBe(0);
    expect(reader.read(bytes, viewOf(bytes), frame.length)).toBeUndefined();
  });
});
