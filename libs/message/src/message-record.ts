import { crc32, type Span } from '@nestjs-rocketmq/foundation';
import { MessageRecordError } from './message.errors.js';
import { maxPropertiesBytes, pairEnd } from './properties.js';
import { bornHostLength, storeHostLength, SysFlag } from './sys-flag.js';

/**
 * THE byte layout of a message: what the commit log holds and what a pull answer carries. All
 * numbers big-endian. Positions hold for IPv4 hosts; each IPv6 host moves what follows by 12.
 *
 * | at | bytes   | field                        | note                                           |
 * | -- | ------- | ---------------------------- | ---------------------------------------------- |
 * | 0  | 4       | size                         | of the whole record                            |
 * | 4  | 4       | magic                        | V1 or V2                                       |
 * | 8  | 4       | body CRC                     | CRC-32 of the stored body, highest bit cleared |
 * | 12 | 4       | queue id                     |                                                |
 * | 16 | 4       | flag                         | the user's                                     |
 * | 20 | 8       | queue offset                 | 0 for prepared and rolled back messages        |
 * | 28 | 8       | log position                 | of this record's first byte                    |
 * | 36 | 4       | system flag                  | `SysFlag`                                      |
 * | 40 | 8       | born timestamp               | the sender's clock, ms                         |
 * | 48 | 8 or 20 | born host                    | address, then port as int32                    |
 * | 56 | 8       | store timestamp              | the broker's clock, ms                         |
 * | 64 | 8 or 20 | store host                   | address, then port as int32                    |
 * | 72 | 4       | reconsume times              |                                                |
 * | 76 | 8       | prepared transaction offset  | of a committed message: position of its half   |
 * | 84 | 4 + n   | body                         | length first; may be empty                     |
 * |    | 1 + n   | topic                        | V1; V2 has two bytes of length                 |
 * |    | 2 + n   | properties                   | property text                                  |
 *
 * V2 exists for topics over 127 bytes and is used for those only.
 * Source: org.apache.rocketmq.store.CommitLog and MessageExtEncoder, 5.3.3.
 */
export const recordMagicV1 = 0xdaa320a7 | 0;
export const recordMagicV2 = 0xdaa320ab | 0;
/** Marks the unused rest of a log file; 4 bytes of size, then this, nothing else is written. */
export const blankMagic = 0xcbd43194 | 0;
/** Bytes of a blank that are written. */
export const blankBytes = 8;

export const recordField = {
  size: 0,
  magic: 4,
  bodyCrc: 8,
  queueId: 12,
  flag: 16,
  queueOffset: 20,
  logPosition: 28,
  sysFlag: 36,
  bornTimestamp: 40,
  bornHost: 48,
} as const;

const portBytes = 4;
/** Everything of a V1 record but hosts' addresses, body, topic and properties. */
const fixedBytes = 83;
/** The least that a record has: IPv4 hosts, no body, topic or properties. */
export const minRecordBytes = fixedBytes + 8;
/** The longest topic, in bytes, of a V1 record. */
export const maxTopicBytesV1 = 127;
export const maxTopicBytesV2 = 32767;

/** Reads a 64-bit integer as a number; exact up to 2^53. */
export function readInt64(data: DataView, at: number): number {
  return data.getInt32(at) * 4294967296 + data.getUint32(at + 4);
}

const inverse = 2 ** -32;

/** Writes an integer up to 2^53 as 64 bits. */
export function writeInt64(data: DataView, at: number, value: number): void {
  const low = value >>> 0;
  // Exact: a power of two, and a multiplication is several times faster than a division.
  data.setInt32(at, (value - low) * inverse);
  data.setUint32(at + 4, low);
}

/**
 * A message on its way into a log. Spans may be reused by the caller after the call that took the
 * draft: everything is copied at once.
 */
export interface RecordDraft {
  topic: string;
  queueId: number;
  flag: number;
  /** The bits for IPv6 hosts are set by whoever writes the record, from the addresses' lengths. */
  sysFlag: number;
  bornTimestamp: number;
  /** 4 or 16 bytes. */
  bornHost: Uint8Array;
  bornPort: number;
  storeHost: Uint8Array;
  storePort: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  body: Span;
  properties: Span;
  /** More property text, put behind `properties`; what the broker adds. */
  suffix: Span;
  /** What the queue entry carries: tag hash, or due time of a delayed message. */
  tagsCode: number;
  /**
   * Values of UNIQ_KEY and KEYS, where they are known (empty: there is none); otherwise they are
   * looked for in the property texts.
   */
  uniqueKey?: Span | undefined;
  keys?: Span | undefined;
}

/** What the log decides about a record. */
export interface RecordPlace {
  readonly queueOffset: number;
  /** Byte position in the log. */
  readonly position: number;
  readonly storeTimestamp: number;
}

/** Bytes of property text that the draft will have as a record. */
export function propertiesLength(draft: RecordDraft): number {
  const own = draft.properties.to - draft.properties.from;
  const more = draft.suffix.to - draft.suffix.from;
  return own + more + (needsPairEnd(draft) ? 1 : 0);
}

/** Bytes that the draft will have as a record; `topicBytes` is the length of the encoded topic. */
export function recordSize(draft: RecordDraft, topicBytes: number): number {
  return (
    fixedBytes +
    draft.bornHost.length +
    draft.storeHost.length +
    (draft.body.to - draft.body.from) +
    topicBytes +
    (topicBytes > maxTopicBytesV1 ? 1 : 0) +
    propertiesLength(draft)
  );
}

/**
 * Writes the draft as a record at `at` and answers its size. The caller has made sure that
 * `recordSize` bytes fit, that the topic has at most 32,767 bytes and the property text too.
 */
export function writeRecord(
  bytes: Uint8Array,
  data: DataView,
  at: number,
  draft: RecordDraft,
  topic: Uint8Array,
  place: RecordPlace,
): number {
  const { body } = draft;
  const isV2 = topic.length > maxTopicBytesV1;
  // One view serves the checksum and the copy; the spans' own memory is larger than the body.
  // Asked of the DataView, memory and offset are compiled in; of a Uint8Array they are slow calls.
  const { data: around, from: bodyFrom } = body;
  const content = new Uint8Array(
    around.buffer as ArrayBuffer,
    around.byteOffset + bodyFrom,
    body.to - bodyFrom,
  );
  data.setInt32(at + recordField.magic, isV2 ? recordMagicV2 : recordMagicV1);
  data.setInt32(at + recordField.bodyCrc, bodyChecksum(content));
  data.setInt32(at + recordField.queueId, draft.queueId);
  data.setInt32(at + recordField.flag, draft.flag);
  writeInt64(data, at + recordField.queueOffset, place.queueOffset);
  writeInt64(data, at + recordField.logPosition, place.position);
  data.setInt32(at + recordField.sysFlag, hostBits(draft));
  writeInt64(data, at + recordField.bornTimestamp, draft.bornTimestamp);
  let to = writeHost(bytes, data, at + recordField.bornHost, draft.bornHost, draft.bornPort);
  writeInt64(data, to, place.storeTimestamp);
  to = writeHost(bytes, data, to + 8, draft.storeHost, draft.storePort);
  data.setInt32(to, draft.reconsumeTimes);
  writeInt64(data, to + 4, draft.preparedTransactionOffset);
  data.setInt32(to + 12, content.length);
  bytes.set(content, to + 16);
  to += 16 + content.length;
  if (isV2) {
    data.setInt16(to, topic.length);
    to += 2;
  } else {
    data.setInt8(to, topic.length);
    to += 1;
  }
  to = copyShort(bytes, to, topic, 0, topic.length);
  to = writeProperties(bytes, data, to, draft);
  data.setInt32(at, to - at);
  return to - at;
}

function writeProperties(
  bytes: Uint8Array,
  data: DataView,
  at: number,
  draft: RecordDraft,
): number {
  const { properties, suffix } = draft;
  let to = copySpanWords(data, at + 2, properties);
  if (needsPairEnd(draft)) {
    bytes[to] = pairEnd;
    to += 1;
  }
  to = copySpanWords(data, to, suffix);
  data.setInt16(at, to - at - 2);
  return to;
}

/** The stored checksum of a body: CRC-32 without its highest bit. */
export function bodyChecksum(body: Uint8Array): number {
  return crc32(body) & 0x7fffffff;
}

/** Where the parts of a record lie; positions count from the start of the buffer. */
export class RecordParts {
  from = 0;
  size = 0;
  sysFlag = 0;
  /** Position of the store timestamp. */
  storeTimestamp = 0;
  /** Position of the store host. */
  storeHost = 0;
  /** Position of the reconsume times; the prepared transaction offset follows. */
  reconsumeTimes = 0;
  bodyFrom = 0;
  bodyTo = 0;
  topicFrom = 0;
  topicTo = 0;
  propertiesFrom = 0;
  propertiesTo = 0;

  /**
   * Finds the parts of the record at `at`; answers undefined, or why the bytes up to `end` are no
   * whole record. The body's checksum is not looked at.
   */
  locate(data: DataView, at: number, end: number): string | undefined {
    if (end - at < minRecordBytes) return `only ${end - at} bytes are left`;
    const size = data.getInt32(at);
    if (size < minRecordBytes || size > end - at) return `its size is given as ${size}`;
    const magic = data.getInt32(at + recordField.magic);
    const isV2 = magic === recordMagicV2;
    if (!isV2 && magic !== recordMagicV1) {
      return `its magic number is 0x${(magic >>> 0).toString(16)}`;
    }
    const to = at + size;
    const sysFlag = data.getInt32(at + recordField.sysFlag);
    this.from = at;
    this.size = size;
    this.sysFlag = sysFlag;
    this.storeTimestamp = at + recordField.bornHost + bornHostLength(sysFlag) + portBytes;
    this.storeHost = this.storeTimestamp + 8;
    this.reconsumeTimes = this.storeHost + storeHostLength(sysFlag) + portBytes;
    const bodyFrom = this.reconsumeTimes + 16;
    if (bodyFrom > to) return 'it is too short for its hosts';
    const bodyLength = data.getInt32(bodyFrom - 4);
    const topicLengthAt = bodyFrom + bodyLength;
    if (bodyLength < 0 || topicLengthAt + (isV2 ? 4 : 3) > to) {
      return `its body length is given as ${bodyLength}`;
    }
    const topicLength = isV2 ? data.getInt16(topicLengthAt) : data.getInt8(topicLengthAt);
    this.bodyFrom = bodyFrom;
    this.bodyTo = topicLengthAt;
    this.topicFrom = topicLengthAt + (isV2 ? 2 : 1);
    this.topicTo = this.topicFrom + topicLength;
    if (topicLength < 0 || this.topicTo + 2 > to) return `its topic length is ${topicLength}`;
    this.propertiesFrom = this.topicTo + 2;
    this.propertiesTo = this.propertiesFrom + data.getInt16(this.topicTo);
    if (this.propertiesTo !== to) return 'its lengths do not add up to its size';
    return undefined;
  }
}

/** Throws `MessageRecordError` when the property text or the topic is too long to be a record. */
export function checkDraft(draft: RecordDraft, topicBytes: number): void {
  const properties = propertiesLength(draft);
  if (properties > maxPropertiesBytes) {
    throw new MessageRecordError(
      `The message has ${properties} bytes of properties; at most ${maxPropertiesBytes} fit.`,
      { details: { topic: draft.topic, bytes: properties } },
    );
  }
  if (topicBytes > maxTopicBytesV2) {
    throw new MessageRecordError(`The topic has ${topicBytes} bytes; at most 32767 fit.`, {
      details: { bytes: topicBytes },
    });
  }
}

function needsPairEnd(draft: RecordDraft): boolean {
  const { properties, suffix } = draft;
  if (properties.to === properties.from || suffix.to === suffix.from) return false;
  return properties.bytes[properties.to - 1] !== pairEnd;
}

function hostBits(draft: RecordDraft): number {
  let flag = draft.sysFlag & ~(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6);
  if (draft.bornHost.length === 16) flag |= SysFlag.BORN_HOST_V6;
  if (draft.storeHost.length === 16) flag |= SysFlag.STORE_HOST_V6;
  return flag;
}

function writeHost(
  bytes: Uint8Array,
  data: DataView,
  at: number,
  host: Uint8Array,
  port: number,
): number {
  const to = copyShort(bytes, at, host, 0, host.length);
  data.setInt32(to, port);
  return to + portBytes;
}

/** Up to this many bytes a loop is faster than a native copy, which needs a view first. */
const longestLoop = 64;

function copyShort(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  to: number,
): number {
  if (to - from > longestLoop) bytes.set(source.subarray(from, to), at);
  else for (let i = from; i < to; i += 1) bytes[at + i - from] = source[i] as number;
  return at + to - from;
}

/** Copies four bytes at a time; up to about 300 bytes that beats a native copy, which needs a view. */
function copySpanWords(data: DataView, at: number, span: Span): number {
  const { data: source, from, to } = span;
  const lastWord = to - 4;
  let p = from;
  let q = at;
  for (; p <= lastWord; p += 4, q += 4) data.setInt32(q, source.getInt32(p));
  for (; p < to; p += 1, q += 1) data.setUint8(q, source.getUint8(p));
  return q;
}
