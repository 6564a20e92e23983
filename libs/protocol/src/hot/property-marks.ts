import type { Span } from '@nestjs-rocketmq/foundation';
import { hasByteBelow, isSpecialWord, word } from './ascii-words.js';
import type { PropertiesSpan } from './hot-types.js';

/** A span that moves. All of one shape, so that readers stay fast. */
export class MovingSpan implements Span {
  constructor(
    public bytes: Uint8Array,
    public data: DataView,
    public from: number,
    public to: number,
  ) {}

  point(bytes: Uint8Array, data: DataView, from: number, to: number): void {
    this.bytes = bytes;
    this.data = data;
    this.from = from;
    this.to = to;
  }
}

const noBytes = new Uint8Array(0);
const noData = new DataView(noBytes.buffer);

export function newSpan(): MovingSpan {
  return new MovingSpan(noBytes, noData, 0, 0);
}

const nameEnd = 1;
const valueEnd = 2;
/** `0001` and `0002`. */
const firstMark = 0x30303031;
const secondMark = 0x30303032;
const names = {
  KEYS: word('KEYS'),
  TAGS: word('TAGS'),
  DELA: word('DELA'),
  ELAY: word('ELAY'),
  UNIQ: word('UNIQ'),
  _KEY: word('_KEY'),
  TRAN: word('TRAN'),
  _MSG: word('_MSG'),
  TIME: word('TIME'),
  R_D: word('R_DE'),
  true: word('true'),
  __SH: word('__SH'),
  ARDI: word('ARDI'),
  NGKE: word('NGKE'),
};
const letterY = 0x59;

/** Where escapes of a JSON header are undone. Grows to the longest header seen. */
let scratch = new Uint8Array(16_384);
let scratchData = new DataView(scratch.buffer);

/** Message properties with the ones found that decide a message's way. Reused. */
export class PropertyMarks implements PropertiesSpan {
  bytes: Uint8Array = noBytes;
  data: DataView = noData;
  from = 0;
  to = 0;
  readonly uniqueKey: MovingSpan = newSpan();
  readonly keys: MovingSpan = newSpan();
  readonly tags: MovingSpan = newSpan();
  delayLevel = 0;
  isTransaction = false;
  isTimer = false;
  isDelayed = false;
  hasShardingKey = false;

  /** No properties at all. */
  clear(): void {
    if (this.to === 0) return;
    this.reset(noBytes, noData, 0);
    this.to = 0;
  }

  /** Marks properties where they lie. */
  readPlain(bytes: Uint8Array, data: DataView, from: number, to: number): void {
    this.reset(bytes, data, from);
    this.to = to;
    let at = from;
    while (at < to) {
      const nameTo = find(bytes, data, at, to, nameEnd);
      if (nameTo >= to) return;
      const valueTo = find(bytes, data, nameTo + 1, to, valueEnd);
      this.mark(at, nameTo, valueTo);
      at = valueTo + 1;
    }
  }

  /**
   * Undoes the escapes of a JSON text that starts at `at`, behind its quote, and marks what comes
   * out. Gives back the place of the closing quote, or -1 for what only a real parser can read.
   */
  readJson(bytes: Uint8Array, data: DataView, at: number, end: number): number {
    if (scratch.length < end - at + 8) {
      scratch = new Uint8Array((end - at + 8) * 2);
      scratchData = new DataView(scratch.buffer);
    }
    const out = scratch;
    const outData = scratchData;
    this.reset(out, outData, 0);
    let p = at;
    let q = 0;
    let nameFrom = 0;
    let nameTo = -1;
    for (;;) {
      let four = data.getInt32(p);
      while (isSpecialWord(four) === 0) {
        outData.setInt32(q, four);
        p += 4;
        q += 4;
        four = data.getInt32(p);
      }
      let c = bytes[p] as number;
      while (c !== 0x22 && c !== 0x5c) {
        if (c < 0x20) return -1;
        out[q++] = c;
        c = bytes[++p] as number;
      }
      if (c === 0x22) break;
      if (bytes[p + 1] !== 0x75) {
        const plain = plainEscape(bytes[p + 1] as number);
        if (plain < 0) return -1;
        out[q++] = plain;
        p += 2;
        continue;
      }
      // The separators are nearly all the escapes there are.
      const digits = data.getInt32(p + 2);
      const code =
        digits === firstMark ? nameEnd : digits === secondMark ? valueEnd : hexCode(bytes, p + 2);
      if (code < 0 || code > 0x7f) return -1;
      if (code === nameEnd && nameTo < 0) nameTo = q;
      else if (code === valueEnd && nameTo >= 0) {
        this.mark(nameFrom, nameTo, q);
        nameTo = -1;
      }
      if (code === valueEnd) nameFrom = q + 1;
      out[q++] = code;
      p += 6;
    }
    if (p >= end) return -1;
    this.to = q;
    if (nameTo >= 0) this.mark(nameFrom, nameTo, q);
    return p;
  }

  private reset(bytes: Uint8Array, data: DataView, from: number): void {
    this.bytes = bytes;
    this.data = data;
    this.from = from;
    this.to = from;
    this.uniqueKey.point(bytes, data, from, from);
    this.keys.point(bytes, data, from, from);
    this.tags.point(bytes, data, from, from);
    this.delayLevel = 0;
    this.isTransaction = false;
    this.isTimer = false;
    this.isDelayed = false;
    this.hasShardingKey = false;
  }

  /** Looks whether the property `[from, nameTo)` with the value `(nameTo, to)` is one of ours. */
  private mark(from: number, nameTo: number, to: number): void {
    const { bytes, data } = this;
    const length = nameTo - from;
    if (length < 4) return;
    const first = data.getInt32(from);
    if (length === 4) {
      if (first === names.TAGS) this.tags.point(bytes, data, nameTo + 1, to);
      else if (first === names.KEYS) this.keys.point(bytes, data, nameTo + 1, to);
    } else if (length === 8) {
      const second = data.getInt32(from + 4);
      if (first === names.UNIQ && second === names._KEY) {
        this.uniqueKey.point(bytes, data, nameTo + 1, to);
      } else if (first === names.TRAN && second === names._MSG) {
        this.isTransaction = to - nameTo === 5 && isTrue(bytes, nameTo + 1);
      }
    } else if (length === 5) {
      if (first === names.DELA && data.getInt32(from + 1) === names.ELAY) {
        this.isDelayed = true;
        this.delayLevel = smallNumber(bytes, nameTo + 1, to);
      }
    } else if (length === 13) {
      if (first === names.__SH && data.getInt32(from + 4) === names.ARDI) {
        this.hasShardingKey =
          data.getInt32(from + 8) === names.NGKE && bytes[from + 12] === letterY;
      }
    } else if (length >= 14 && first === names.TIME && data.getInt32(from + 4) === names.R_D) {
      this.isTimer = true;
    }
  }
}

/** `true` in any case, as Java's parseBoolean. */
function isTrue(bytes: Uint8Array, at: number): boolean {
  let four = 0;
  for (let i = 0; i < 4; i += 1) four = (four << 8) | ((bytes[at + i] as number) | 0x20);
  return four === names.true;
}

/** Decimal digits, or 0 for anything else. */
function smallNumber(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  if (to - from > 9) return 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    value = value * 10 + digit;
  }
  return value;
}

/** The next `mark` (1 or 2) at or behind `at`; `to` when there is none. */
function find(bytes: Uint8Array, data: DataView, at: number, to: number, mark: number): number {
  let p = at;
  const lastWord = to - 4;
  while (p <= lastWord && hasByteBelow(data.getInt32(p), 3) === 0) p += 4;
  while (p < to && bytes[p] !== mark) {
    p += 1;
    while (p <= lastWord && hasByteBelow(data.getInt32(p), 3) === 0) p += 4;
  }
  return p;
}

function plainEscape(c: number): number {
  switch (c) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return c;
    case 0x6e:
      return 0x0a;
    case 0x74:
      return 0x09;
    case 0x72:
      return 0x0d;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    default:
      return -1;
  }
}

function hexCode(bytes: Uint8Array, at: number): number {
  let code = 0;
  for (let i = 0; i < 4; i += 1) {
    const c = bytes[at + i] as number;
    const lower = c | 0x20;
    if (c >= 0x30 && c <= 0x39) code = code * 16 + c - 0x30;
    else if (lower >= 0x61 && lower <= 0x66) code = code * 16 + lower - 0x57;
    else return -1;
  }
  return code;
}
