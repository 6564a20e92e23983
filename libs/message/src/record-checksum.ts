import { crc32, type Span, spanOf } from '@nestjs-rocketmq/foundation';
import {
  propertiesLength,
  type RecordDraft,
  recordField,
  type RecordParts,
} from './message-record.js';
import { findProperty, nameEnd, pairEnd } from './properties.js';
import { PropertyName } from './property-names.js';

/**
 * The checksum of a whole record, the last of its properties: `__CRC32#`, 0x01, ten decimal digits
 * with the least significant first, 0x02. It is the CRC-32, without its highest bit, of everything
 * before it in the record, sizes included.
 * Source: org.apache.rocketmq.store.CommitLog, MessageDecoder.createCrc32, 5.3.3.
 */
const name = new TextEncoder().encode(PropertyName.CRC32);
const digits = 10;
const zero = 0x30;
/** Bytes of the property. */
export const checksumPropertyBytes = name.length + 1 + digits + 1;

/** Bytes that `appendRecordChecksum` will add to the record of a draft. */
export function checksumBytesOf(draft: RecordDraft): number {
  const { properties, suffix } = draft;
  const last = suffix.to > suffix.from ? suffix : properties;
  const needsEnd = last.to > last.from && last.bytes[last.to - 1] !== pairEnd;
  return checksumPropertyBytes + (needsEnd ? 1 : 0);
}

/** Adds the checksum to the record of `size` bytes that was written at `at` from this draft. */
export function appendRecordChecksum(
  bytes: Uint8Array,
  data: DataView,
  at: number,
  size: number,
  draft: RecordDraft,
): number {
  const properties = propertiesLength(draft);
  const lengthAt = at + size - properties - 2;
  let to = at + size;
  if (properties > 0 && bytes[to - 1] !== pairEnd) {
    bytes[to] = pairEnd;
    to += 1;
  }
  const end = to + checksumPropertyBytes;
  data.setInt32(at + recordField.size, end - at);
  data.setInt16(lengthAt, end - lengthAt - 2);
  let checksum = crc32(bytes.subarray(at, to)) & 0x7fffffff;
  bytes.set(name, to);
  to += name.length;
  bytes[to] = nameEnd;
  for (let i = 1; i <= digits; i += 1) {
    bytes[to + i] = zero + (checksum % 10);
    checksum = Math.floor(checksum / 10);
  }
  bytes[end - 1] = pairEnd;
  return end - at;
}

/** How a whole record is checked: not, when it has its checksum, or it must have it. */
export type RecordChecksumRule = 'NONE' | 'PRESENT' | 'REQUIRED';

/** What is wrong with a record by its own checksum, or undefined. */
export function recordChecksumFault(
  bytes: Uint8Array,
  parts: RecordParts,
  rule: RecordChecksumRule,
): string | undefined {
  if (rule === 'NONE') return undefined;
  const end = parts.from + parts.size;
  const at = end - checksumPropertyBytes;
  if (at < parts.propertiesFrom || !isNamed(bytes, at) || bytes[end - 1] !== pairEnd) {
    // Its name may be what is damaged: the property looks like nothing else.
    const looksLikeIt = at >= parts.propertiesFrom && looksLikeChecksum(bytes, at);
    return rule === 'REQUIRED' || looksLikeIt ? 'it does not have its own checksum' : undefined;
  }
  let checksum = 0;
  for (let i = digits; i > 0; i -= 1) {
    checksum = checksum * 10 + (bytes[at + name.length + i] as number) - zero;
  }
  const isIntact = (crc32(bytes.subarray(parts.from, at)) & 0x7fffffff) === checksum;
  return isIntact ? undefined : 'it does not fit its own checksum';
}

/** The draft without a checksum that came with it: that of another record. */
export function withoutChecksum(draft: RecordDraft): RecordDraft {
  const { bytes, from, to } = draft.properties;
  if (findProperty(bytes, from, to, name) < 0) return draft;
  return { ...draft, properties: cutOut(draft.properties) };
}

function cutOut({ bytes, from, to }: Span): Span {
  const kept: number[] = [];
  for (let at = from; at < to;) {
    let end = bytes.indexOf(pairEnd, at);
    if (end < 0 || end >= to) end = to - 1;
    if (!isNamed(bytes, at)) for (let i = at; i <= end; i += 1) kept.push(bytes[i] as number);
    at = end + 1;
  }
  return spanOf(Uint8Array.from(kept));
}

function isNamed(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name[i]) return false;
  return bytes[at + name.length] === nameEnd;
}

/** Whether all but one byte are as in the property. */
function looksLikeChecksum(bytes: Uint8Array, at: number): boolean {
  let wrong = 0;
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name[i]) wrong += 1;
  if (bytes[at + name.length] !== nameEnd) wrong += 1;
  if (bytes[at + checksumPropertyBytes - 1] !== pairEnd) wrong += 1;
  return wrong === 1;
}
