import type { Span } from '@nestjs-rocketmq/foundation';
import { findProperty, foundTo, type RecordDraft } from '@nestjs-rocketmq/message';
import type { ScannedRecord } from '../commit-log/recovery.js';
import { keyHashOfBytes } from './key-hash.js';

const encoder = new TextEncoder();
const uniqueKeyName = encoder.encode('UNIQ_KEY');
const keysName = encoder.encode('KEYS');
const blank = 0x20;
const firstCapacity = 4096;

/** Keys on their way into the index: hashes with the position and time of their record. */
export class StagedKeys {
  count = 0;
  /** How many of them belong to records that the log has. */
  logged = 0;
  /** The last record that the log has, with keys or without; time 0 when there is none. */
  readonly last = { position: 0, time: 0 };
  private readonly reached = { position: 0, time: 0 };
  hashes = new Int32Array(firstCapacity);
  positions = new Float64Array(firstCapacity);
  times = new Float64Array(firstCapacity);

  /** Stages the keys of a draft: its unique key and each of its keys. */
  addDraft(seed: number, draft: RecordDraft, position: number, time: number): void {
    const { uniqueKey, keys } = draft;
    if (uniqueKey !== undefined) this.addSpan(seed, uniqueKey, position, time);
    else this.addUniqueKey(seed, holder(draft, uniqueKeyName), position, time);
    if (keys !== undefined) this.addTokens(seed, keys, keys.from, keys.to, position, time);
    else this.findKeys(seed, holder(draft, keysName), position, time);
  }

  /** A record was looked at. */
  reach(position: number, time: number): void {
    this.reached.position = position;
    this.reached.time = time;
  }

  /** The log has all of it. */
  keep(): void {
    this.logged = this.count;
    this.last.position = this.reached.position;
    this.last.time = this.reached.time;
  }

  /** The log has nothing of what came since `keep`. */
  drop(): void {
    this.count = this.logged;
    this.reached.position = this.last.position;
    this.reached.time = this.last.time;
  }

  /** Stages the keys of a record that stands in the log. */
  addRecord(seed: number, record: ScannedRecord): void {
    const { data, marks, logPosition: position, storeTime: time } = record;
    const { uniqueKeyAt, uniqueKeyTo, keysAt, keysTo } = marks;
    if (uniqueKeyAt >= 0) {
      this.add(keyHashOfBytes(seed, data, uniqueKeyAt, uniqueKeyTo), position, time);
    }
    if (keysAt >= 0) this.addTokens(seed, record, keysAt, keysTo, position, time);
  }

  /** Forgets the first `from` of `count`. */
  moveUp(from: number, count: number): void {
    this.hashes.copyWithin(0, from, count);
    this.positions.copyWithin(0, from, count);
    this.times.copyWithin(0, from, count);
    this.count = count - from;
    this.logged -= from;
  }

  private addUniqueKey(seed: number, text: Span, position: number, time: number): void {
    const at = findProperty(text.bytes, text.from, text.to, uniqueKeyName);
    if (at >= 0) this.add(keyHashOfBytes(seed, text.data, at, foundTo()), position, time);
  }

  private findKeys(seed: number, text: Span, position: number, time: number): void {
    const at = findProperty(text.bytes, text.from, text.to, keysName);
    if (at >= 0) this.addTokens(seed, text, at, foundTo(), position, time);
  }

  private addSpan(seed: number, key: Span, position: number, time: number): void {
    if (key.to > key.from) {
      this.add(keyHashOfBytes(seed, key.data, key.from, key.to), position, time);
    }
  }

  /** Keys are separated by single blanks; nothing between two blanks is no key. */
  private addTokens(
    seed: number,
    text: Pick<Span, 'bytes' | 'data'>,
    from: number,
    to: number,
    position: number,
    time: number,
  ): void {
    const { bytes, data } = text;
    for (let start = from; start < to;) {
      let end = start;
      while (end < to && bytes[end] !== blank) end += 1;
      if (end > start) this.add(keyHashOfBytes(seed, data, start, end), position, time);
      start = end + 1;
    }
  }

  private add(hash: number, position: number, time: number): void {
    const at = this.count;
    if (at === this.hashes.length) this.grow();
    this.hashes[at] = hash;
    this.positions[at] = position;
    this.times[at] = time;
    this.count = at + 1;
  }

  private grow(): void {
    const capacity = this.hashes.length * 2;
    const hashes = new Int32Array(capacity);
    const positions = new Float64Array(capacity);
    const times = new Float64Array(capacity);
    hashes.set(this.hashes);
    positions.set(this.positions);
    times.set(this.times);
    this.hashes = hashes;
    this.positions = positions;
    this.times = times;
  }
}

/** Of two properties with one name the later one counts, so the suffix is looked at first. */
function holder(draft: RecordDraft, name: Uint8Array): Span {
  return hasProperty(draft.suffix, name) ? draft.suffix : draft.properties;
}

function hasProperty(text: Span, name: Uint8Array): boolean {
  return findProperty(text.bytes, text.from, text.to, name) >= 0;
}
