import { copySpan, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { allCommands } from '../commands/index.js';
import type { CommandDefinition } from '../command/define-command.js';
import { readAsked } from '../command/remoting-command.js';
import { decodeFrame, encodeFrame, type Frame, type HeaderForm } from '../frame/frame.js';
import { StoreIdentity } from './answer-text.js';
import { compileAnswerWriters, type AnswerWriters } from './compile-answer.js';
import { compileFieldsScanners } from './compile-scanner.js';
import { HeaderSlots } from './header-slots.js';
import { scannedFields, scanBinaryHeader, scanJsonHeader } from './header-scanner.js';
import { HotCommand, peekCode } from './hot-command.js';
import { OutputBuffer } from './output-buffer.js';
import { tableAnswerWriters } from './table-answer.js';
import { tableFieldsScanners } from './table-scanner.js';

const seed = seedOfRun();
const rounds = Number(process.env['PROPERTY_RUNS'] ?? 4);
const title = `with seed ${seed}`;

const random = new SeededRandom(seed);
const below = (end: number) => random.below(end);
const oneOf = <T>(values: readonly T[]): T => random.pick(values);

const letters = [
  'a',
  'Topic',
  'q',
  '"',
  '\\',
  '%RETRY%',
  'é',
  '漢',
  '😀',
  '\n',
  ' ',
  '0',
  '/',
  '{',
];
const randomText = () => Array.from({ length: below(12) }, () => oneOf(letters)).join('');
const propertyNames = [
  'KEYS',
  'TAGS',
  'DELAY',
  'UNIQ_KEY',
  'TRAN_MSG',
  'TIMER_DELAY_SEC',
  '__SHARDINGKEY',
  'WAIT',
  'x',
];
const randomProperties = () =>
  Array.from({ length: below(6) }, () => `${oneOf(propertyNames)}\u0001${randomText()}`).join(
    '\u0002',
  ) + oneOf(['', '\u0002']);
const randomInt32 = () => oneOf([0, 1, -1, 2_147_483_647, -2_147_483_648, below(1e9), below(100)]);
const randomInt64 = () =>
  oneOf([0, -1, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, below(1e15), 1_760_000_000_000]);

function randomValue(kind: string): string {
  switch (kind) {
    case 'int32':
      return String(randomInt32());
    case 'int64':
      return String(randomInt64());
    case 'bool':
      return oneOf(['true', 'false']);
    case 'properties':
      return randomProperties();
    default:
      return randomText();
  }
}

function randomRequest(command: CommandDefinition, form: HeaderForm): Frame {
  const entries = scannedFields(command)
    .filter(({ field }) => !field.isOptional || random.next() < 0.6)
    .map(({ wireNames, field }) => [oneOf(wireNames), randomValue(field.kind)] as const);
  const strange = Array.from({ length: below(3) }, () => [`zz${below(99)}`, randomText()] as const);
  const shuffled = [...entries, ...strange].toSorted(() => random.next() - 0.5);
  return {
    code: command.code,
    language: 'JAVA',
    version: below(500),
    opaque: randomInt32(),
    flag: below(2) * 2,
    remark: oneOf([undefined, randomText()]),
    extFields: Object.fromEntries(shuffled),
    body: Buffer.from('body of the request'),
    form,
  };
}

interface Scanned {
  readonly fits: boolean;
  readonly slots: HeaderSlots;
}

function scanWith(
  scanners: ReturnType<typeof tableFieldsScanners>,
  bytes: Uint8Array,
  form: HeaderForm,
): Scanned {
  const slots = new HeaderSlots();
  const data = viewOf(bytes);
  const end = 8 + (data.getInt32(4) & 0xffffff);
  try {
    const code = peekCode(slots, bytes, data, 8, form === 'json' ? 0 : 1);
    if (code < 0) return { fits: false, slots };
    const fits =
      form === 'json'
        ? scanJsonHeader(scanners.json, slots, bytes, data, slots.parsed, end)
        : scanBinaryHeader(scanners.binary, slots, bytes, data, 8, end);
    return { fits, slots };
  } catch (error) {
    if (error instanceof RangeError) return { fits: false, slots };
    throw error;
  }
}

/** What was found, without what earlier fields left behind. */
function found({ slots }: Scanned, count: number): unknown {
  const { seen, opaque, flag, version, properties: p } = slots;
  const seenFields = Array.from({ length: count }, (_, i) => i).filter(
    (i) => (seen & (1 << i)) !== 0,
  );
  const values = seenFields.map((i) => [i, slots.numbers[i], slots.from[i], slots.to[i]]);
  const marks = [p.uniqueKey, p.keys, p.tags, p].map((span) =>
    Buffer.from(copySpan(span)).toString(),
  );
  const flags = [p.delayLevel, p.isTransaction, p.isTimer, p.isDelayed, p.hasShardingKey];
  return { seen, opaque, flag, version, values, marks, flags };
}

const hotAble = allCommands.filter(
  ({ asks }) =>
    Object.keys(asks).length <= 30 &&
    Object.values(asks).filter(({ kind }) => kind === 'properties').length <= 1,
);

describe.each(['json', 'binary'] as const)('scanners of %s headers', (form) => {
  const commands = hotAble.filter(({ code }) => form === 'json' || code <= 0x7fff);

  it(`compiled, from the table and by the real parser find the same, ${title}`, () => {
    for (const command of commands) {
      const fields = scannedFields(command);
      const compiled = compileFieldsScanners(fields);
      const table = tableFieldsScanners(fields);
      const slots = new HeaderSlots();
      const hot = new HotCommand(command, slots, new StoreIdentity());
      for (let i = 0; i < rounds; i += 1) {
        const frame = randomRequest(command, form);
        const bytes = encodeFrame(frame);
        const asked = readOrUndefined(command, bytes);
        const byCode = scanWith(compiled, bytes, form);
        const byTable = scanWith(table, bytes, form);
        expect(byCode.fits).toBe(byTable.fits);
        if (byCode.fits) {
          expect(found(byCode, fields.length)).toEqual(found(byTable, fields.length));
        }
        if (asked === undefined) continue;
        const data = viewOf(bytes);
        const formNumber = form === 'json' ? 0 : 1;
        peekCode(slots, bytes, data, 8, formNumber);
        const end = 8 + (data.getInt32(4) & 0xffffff);
        if (!hot.scan(bytes, data, 8, end, formNumber)) hot.scanDecoded(decodeFrame(bytes));
        expect(hot.bound.view.keep()).toEqual(asked);
        expect([slots.opaque, slots.flag, slots.version]).toEqual([
          frame.opaque,
          frame.flag,
          frame.version,
        ]);
      }
    }
  });

  it(`agree about headers with a byte changed or cut off, ${title}`, () => {
    for (let i = 0; i < 125 * rounds; i += 1) {
      const command = oneOf(commands);
      const fields = scannedFields(command);
      const bytes = encodeFrame(randomRequest(command, form));
      const length = viewOf(bytes).getInt32(4) & 0xffffff;
      bytes[8 + below(length)] = oneOf([0x22, 0x5c, 0x2c, 0x7d, 0x30, 0x00, 0xff, below(256)]);
      if (random.next() < 0.3)
        viewOf(bytes).setInt32(4, ((form === 'json' ? 0 : 1) << 24) | below(length));
      const byCode = scanWith(compileFieldsScanners(fields), bytes, form);
      const byTable = scanWith(tableFieldsScanners(fields), bytes, form);
      expect(byCode.fits).toBe(byTable.fits);
      if (!byCode.fits) continue;
      expect(found(byCode, fields.length)).toEqual(found(byTable, fields.length));
    }
  });
});

function readOrUndefined(command: CommandDefinition, bytes: Uint8Array): unknown {
  try {
    return readAsked(command, decodeFrame(bytes));
  } catch {
    return undefined;
  }
}

describe('a scanner', () => {
  it('reads JSON numbers of 64 bits to the last safe one, and saturates where declared', () => {
    const saturating = allCommands.find(({ asks }) =>
      Object.values(asks).some((f) => f.isSaturating),
    );
    if (saturating === undefined) return;
    const name = Object.entries(saturating.asks).find(([, field]) => field.isSaturating)?.[0] ?? '';
    const slots = new HeaderSlots();
    const hot = new HotCommand(saturating, slots, new StoreIdentity());
    const frame = randomRequest(saturating, 'json');
    const wireName = saturating.asks[name]?.wireName ?? name;
    frame.extFields[wireName] = '9223372036854775807';
    hot.scanDecoded(frame);
    expect((hot.bound.view.keep() as Record<string, unknown>)[name]).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('writers of answers', () => {
  const identity = new StoreIdentity();
  identity.set(Uint8Array.of(192, 168, 1, 20), 10911);

  it.each(['json', 'binary'] as const)(`compiled and plain write the same %s, ${title}`, (form) => {
    for (const command of allCommands) {
      const compiled = compileAnswerWriters(command, identity) as AnswerWriters;
      const plain = tableAnswerWriters(command, identity);
      for (let i = 0; i < rounds; i += 1) {
        const first = randomAnswer(command);
        const second = { ...first };
        const rest = [
          randomInt32(),
          oneOf([0, 0, 1, 19, 208]),
          oneOf(['', randomText()]),
          below(4) * 1000,
        ] as const;
        const one = written(compiled[form], first, rest);
        const other = written(plain[form], second, rest);
        expect(Buffer.from(one).toString('latin1')).toBe(Buffer.from(other).toString('latin1'));
        expect(first).toEqual(second);
      }
    }
  });

  it('refuses a number that is none, naming the field, and writes nothing', () => {
    const command = allCommands.find(({ code }) => code === 310) as CommandDefinition;
    const { json } = compileAnswerWriters(command, identity) as AnswerWriters;
    const out = new OutputBuffer();
    const answer = { msgId: 1, queueId: Number.NaN, queueOffset: 1 };
    expect(() => json(out, answer, 1, 0, '', 0)).toThrow("header field 'queueId'");
    expect(out.used).toBe(0);
  });
});

function randomAnswer(command: CommandDefinition): Record<string, unknown> {
  const answer: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(command.answers)) {
    const isThere = !field.isOptional || random.next() < 0.6;
    answer[name] = isThere ? randomAnswerValue(field.kind) : undefined;
  }
  return answer;
}

function randomAnswerValue(kind: string): unknown {
  switch (kind) {
    case 'int32':
      return randomInt32();
    case 'int64':
      return randomInt64();
    case 'bool':
      return random.next() < 0.5;
    case 'offsetId':
      return oneOf([0, 4096, below(2 ** 31), 2 ** 40 + below(2 ** 31), 'ABCDEF']);
    default:
      return oneOf([randomText(), spanOf(Buffer.from(`..${randomText()}..`), 2)]);
  }
}

function written(
  writer: AnswerWriters['json'],
  answer: Record<string, unknown>,
  [opaque, code, remark, bodySize]: readonly [number, number, string, number],
): Uint8Array {
  const out = new OutputBuffer();
  out.append(Buffer.alloc(below(3_000)));
  const start = out.used;
  const bodyAt = writer(out, answer, opaque, code, remark, bodySize);
  return out.bytes.subarray(start, bodyAt);
}
