import type { CommandDefinition } from '../command/define-command.js';
import { encodeFrame, type Frame } from '../frame/frame.js';
import { readFields, writeFields, type ExtFields } from '../command/header-schema.js';
import type { StoreIdentity } from './answer-text.js';
import { makeAskedView, type BoundView } from './asked-view.js';
import { compileAnswerWriters, type AnswerWriters } from './compile-answer.js';
import { compileFieldsScanners } from './compile-scanner.js';
import type { HotAnswer } from './hot-types.js';
import {
  scanBinaryHeader,
  scanJsonHeader,
  scannedFields,
  type FieldsScanners,
} from './header-scanner.js';
import type { HeaderSlots } from './header-slots.js';
import { tableAnswerWriters } from './table-answer.js';
import { viewOf } from '@nestjs-rocketmq/foundation';

const codeWord = 0x7b22636f;
const codeRest = 0x6465223a;
const noBody = new Uint8Array(0);

/**
 * The code that a header begins with, without reading the rest; -1 when only a real parser can
 * tell. `slots.parsed` is then where the JSON header goes on. May throw `RangeError` at the end of
 * the buffer.
 */
export function peekCode(
  slots: HeaderSlots,
  bytes: Uint8Array,
  data: DataView,
  at: number,
  form: number,
): number {
  if (form === 1) return data.getInt16(at);
  if (data.getInt32(at) !== codeWord || data.getInt32(at + 4) !== codeRest) return -1;
  let p = at + 8;
  let code = 0;
  let digit = (bytes[p] as number) - 0x30;
  while (digit >= 0 && digit <= 9 && p < at + 16) {
    code = code * 10 + digit;
    digit = (bytes[++p] as number) - 0x30;
  }
  slots.parsed = p;
  return p === at + 8 ? -1 : code;
}

const knownScanners = new WeakMap<CommandDefinition, FieldsScanners>();

function scannersOf(
  definition: CommandDefinition,
  fields: ReturnType<typeof scannedFields>,
): FieldsScanners {
  let scanners = knownScanners.get(definition);
  if (scanners === undefined)
    knownScanners.set(definition, (scanners = compileFieldsScanners(fields)));
  return scanners;
}

/** A command compiled for the hot path: how its requests are read and its answers written. */
export class HotCommand {
  readonly bound: BoundView;
  readonly writers: AnswerWriters;
  /** Filled by processors; written and partly emptied by the writers. */
  readonly answer: HotAnswer<CommandDefinition>;
  private readonly scanners: FieldsScanners;

  constructor(
    readonly definition: CommandDefinition,
    private readonly slots: HeaderSlots,
    identity: StoreIdentity,
  ) {
    const fields = scannedFields(definition);
    this.scanners = scannersOf(definition, fields);
    this.bound = makeAskedView(slots, fields);
    this.writers =
      compileAnswerWriters(definition, identity) ?? tableAnswerWriters(definition, identity);
    this.answer = emptyAnswer(definition) as HotAnswer<CommandDefinition>;
  }

  /** Reads a header into the slots. False: it is for the tolerant door. May throw `RangeError`. */
  scan(bytes: Uint8Array, data: DataView, at: number, end: number, form: number): boolean {
    const { slots, scanners } = this;
    const fits =
      form === 0
        ? scanJsonHeader(scanners.json, slots, bytes, data, slots.parsed, end)
        : scanBinaryHeader(scanners.binary, slots, bytes, data, at, end);
    return fits && (slots.seen & this.bound.required) === this.bound.required;
  }

  /**
   * The tolerant door: a header that was decoded by the real parser is written anew in the fast
   * writing and scanned. Throws `HeaderError` when it does not fit the declaration.
   */
  scanDecoded(frame: Frame): void {
    const { asks } = this.definition;
    const ext = writeFields(asks, readFields(asks, frame.extFields), {} as ExtFields);
    const clean = encodeFrame({
      ...frame,
      extFields: ext,
      remark: undefined,
      body: noBody,
      form: 'json',
    });
    // Scanners look ahead by words; a little room keeps them inside.
    const bytes = new Uint8Array(clean.length + 16);
    bytes.set(clean);
    const data = viewOf(bytes);
    peekCode(this.slots, bytes, data, 8, 0);
    if (!this.scan(bytes, data, 8, clean.length, 0)) {
      throw new TypeError(`The scanner of ${this.definition.name} refuses its own writing.`);
    }
    this.slots.isBinary = false;
  }
}

/** Required numbers begin as 0 and not undefined, so that the fields keep one kind of value. */
function emptyAnswer(definition: CommandDefinition): Record<string, unknown> {
  const answer: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(definition.answers)) {
    if (field.isOptional) answer[name] = undefined;
    else if (field.kind === 'bool') answer[name] = false;
    else answer[name] = field.kind === 'text' || field.kind === 'properties' ? '' : 0;
  }
  return answer;
}
