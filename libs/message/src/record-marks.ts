import type { Span } from '@nestjs-rocketmq/foundation';
import { nameEnd, pairEnd } from './properties.js';

const encoder = new TextEncoder();
const tags = encoder.encode('TAGS');
const keys = encoder.encode('KEYS');
const uniqueKey = encoder.encode('UNIQ_KEY');
const delay = encoder.encode('DELAY');

/**
 * Where the values stand that the store itself reads in the property text of a record, found in one
 * pass. (What a request brings is read by `PropertyMarks` of the protocol.) `at` is
 * -1 where a property is not there. Of several pairs with one name the last counts.
 */
export class RecordMarks {
  tagsAt = -1;
  tagsTo = 0;
  keysAt = -1;
  keysTo = 0;
  uniqueKeyAt = -1;
  uniqueKeyTo = 0;
  delayAt = -1;
  delayTo = 0;

  /** Looks through the property text between two positions; `data` is a view of `bytes`. */
  locate({ bytes, data }: Pick<Span, 'bytes' | 'data'>, from: number, to: number): this {
    this.tagsAt = -1;
    this.keysAt = -1;
    this.uniqueKeyAt = -1;
    this.delayAt = -1;
    for (let at = from, end: number; at < to; at = end + 1) {
      end = endOfPair(data, at, to);
      if (hasValueOf(tags, bytes, at, end)) {
        this.tagsAt = at + tags.length + 1;
        this.tagsTo = end;
      } else if (hasValueOf(keys, bytes, at, end)) {
        this.keysAt = at + keys.length + 1;
        this.keysTo = end;
      } else if (hasValueOf(uniqueKey, bytes, at, end)) {
        this.uniqueKeyAt = at + uniqueKey.length + 1;
        this.uniqueKeyTo = end;
      } else if (hasValueOf(delay, bytes, at, end)) {
        this.delayAt = at + delay.length + 1;
        this.delayTo = end;
      }
    }
    return this;
  }
}

const ends = pairEnd * 0x01010101;

/** Where a pair ends. Looks at four bytes at a time: recovery does this to every byte of a text. */
function endOfPair(data: DataView, from: number, to: number): number {
  let at = from;
  for (const lastWord = to - 4; at <= lastWord; at += 4) {
    const word = data.getInt32(at) ^ ends;
    // Not zero when one of the four bytes is.
    if (((word - 0x01010101) & ~word & 0x80808080) !== 0) break;
  }
  while (at < to && data.getUint8(at) !== pairEnd) at += 1;
  return at;
}

/** Whether the pair between `at` and `end` has that name, and a value. */
function hasValueOf(name: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  const valueAt = at + name.length + 1;
  if (bytes[at] !== name[0] || valueAt >= end || bytes[valueAt - 1] !== nameEnd) return false;
  for (let i = 1; i < name.length; i += 1) if (bytes[at + i] !== name[i]) return false;
  return true;
}
