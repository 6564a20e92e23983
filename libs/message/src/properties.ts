import { MessagePropertyError } from './message.errors.js';
import { PropertyName } from './property-names.js';

/**
 * The property text: `name` 0x01 `value` 0x02, repeated. Whether the last 0x02 is written differs
 * between releases of Apache RocketMQ; readers accept both. We write it, as 4.9.8 and 5.3.3 do.
 */
export const nameEnd = 0x01;
export const pairEnd = 0x02;

const nameEndText = '\u0001';
const pairEndText = '\u0002';
/** The longest property text in bytes: its length is a signed 16-bit number. */
export const maxPropertiesBytes = 32767;

const nearBytes = 96;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export type Properties = Readonly<Record<string, string>>;

/**
 * Writes a map as property text. Undefined values are left out.
 * Throws `MessagePropertyError` when a name is empty or anything contains 0x01 or 0x02: such a text
 * would be read as other properties.
 */
export function encodeProperties(properties: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    if (value === undefined) continue;
    if (name === '' || breaksText(name) || breaksText(value)) {
      throw new MessagePropertyError(
        `The property ${JSON.stringify(name)} cannot be sent: names must not be empty, and neither ` +
          'names nor values may contain the characters U+0001 and U+0002.',
        { details: { name } },
      );
    }
    text += name + nameEndText + value + pairEndText;
  }
  return text;
}

/** One pair as it stands in a property text. Names and values are not checked. */
export function propertyText(name: string, value: string): string {
  return name + nameEndText + value + pairEndText;
}

/**
 * Reads a property text. As Java does, pairs without 0x01 and pairs with an empty name or value are
 * passed over, and the last of several pairs with one name counts.
 */
export function decodeProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (let from = 0; from < text.length;) {
    let to = text.indexOf(pairEndText, from);
    if (to < 0) to = text.length;
    const middle = text.indexOf(nameEndText, from);
    if (middle > from && middle < to - 1) {
      setOwn(properties, text.slice(from, middle), text.slice(middle + 1, to));
    }
    from = to + 1;
  }
  return properties;
}

/**
 * Finds one property in the bytes of a property text without reading the others. Answers where
 * its value starts (and leaves the end in `foundTo()`), or -1. The last pair of a name counts.
 */
export function findProperty(
  bytes: Uint8Array,
  from: number,
  to: number,
  name: Uint8Array,
): number {
  let found = -1;
  for (let at = from; at < to;) {
    const end = endOfPair(bytes, at, to);
    const valueAt = at + name.length + 1;
    if (valueAt < end && bytes[valueAt - 1] === nameEnd && startsWith(bytes, at, name)) {
      found = valueAt;
      lastTo = end;
    }
    at = end + 1;
  }
  return found;
}

let lastTo = 0;

/** The end of the value that the last successful `findProperty` found. */
export function foundTo(): number {
  return lastTo;
}

/** The value of one property in the bytes of a property text, or undefined. */
export function readProperty(
  bytes: Uint8Array,
  from: number,
  to: number,
  name: Uint8Array,
): string | undefined {
  const at = findProperty(bytes, from, to, name);
  return at < 0 ? undefined : decoder.decode(bytes.subarray(at, lastTo));
}

/**
 * The value of one property, named by a string, in the bytes of a property text: what
 * `decodeProperties` would have for it, without reading the others.
 */
export function propertyOfBytes(
  bytes: Uint8Array,
  from: number,
  to: number,
  name: string,
): string | undefined {
  if (!isPlainName(name)) return ownValue(decodeProperties(textOf(bytes, from, to)), name);
  const { length } = name;
  let valueFrom = -1;
  let valueTo = -1;
  for (let at = from; at < to;) {
    const end = endOfPair(bytes, at, to);
    const valueAt = at + length + 1;
    if (valueAt < end && bytes[valueAt - 1] === nameEnd && isText(bytes, at, name)) {
      valueFrom = valueAt;
      valueTo = end;
    }
    at = end + 1;
  }
  return valueFrom < 0 ? undefined : textOf(bytes, valueFrom, valueTo);
}

/** A property of a map, and nothing that every object has. */
export function ownValue(properties: Properties, name: string): string | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** The smallest hash of a tag. What is smaller, in the place of a tags code, is something else. */
export const leastTagsCode = -0x8000_0000;

/** The hash of a tag as Java's `String.hashCode` has it: 32 bits, signed. 0 for no tag. */
export function tagHash(tag: string | undefined): number {
  if (tag === undefined) return 0;
  let hash = 0;
  for (let i = 0; i < tag.length; i += 1) hash = (Math.imul(hash, 31) + tag.charCodeAt(i)) | 0;
  return hash;
}

/** `tagHash` of a tag that stands as UTF-8 in a buffer. */
export function tagHashOfBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let i = from; i < to; i += 1) {
    const byte = bytes[i] as number;
    if (byte > 0x7f) return tagHash(decoder.decode(bytes.subarray(from, to)));
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

/** Business keys as the `KEYS` property holds them: joined by single blanks. */
export function joinKeys(keys: string | readonly string[]): string {
  return typeof keys === 'string' ? keys : keys.join(' ');
}

/** The keys of a `KEYS` property. */
export function splitKeys(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(' ').filter((key) => key !== '');
}

/**
 * The properties that only RocketMQ itself may set; a message of a user that carries one is refused
 * by the producer. Source: `MessageConst.STRING_HASH_SET` of 5.3.3.
 */
export const reservedProperties: ReadonlySet<string> = new Set([
  PropertyName.TRACE_SWITCH,
  PropertyName.MSG_REGION,
  PropertyName.KEYS,
  PropertyName.TAGS,
  PropertyName.WAIT_STORE_MSG_OK,
  PropertyName.DELAY_TIME_LEVEL,
  PropertyName.RETRY_TOPIC,
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QUEUE_ID,
  PropertyName.TRANSACTION_PREPARED,
  PropertyName.PRODUCER_GROUP,
  PropertyName.MIN_OFFSET,
  PropertyName.MAX_OFFSET,
  PropertyName.BUYER_ID,
  PropertyName.ORIGIN_MESSAGE_ID,
  PropertyName.TRANSFER_FLAG,
  PropertyName.CORRECTION_FLAG,
  PropertyName.MQ2_FLAG,
  PropertyName.RECONSUME_TIME,
  PropertyName.UNIQUE_KEY,
  PropertyName.EXTEND_UNIQ_INFO,
  PropertyName.MAX_RECONSUME_TIMES,
  PropertyName.CONSUME_START_TIME,
  PropertyName.POP_CK,
  PropertyName.POP_CK_OFFSET,
  PropertyName.FIRST_POP_TIME,
  PropertyName.TRANSACTION_PREPARED_QUEUE_OFFSET,
  PropertyName.DUP_INFO,
  PropertyName.INSTANCE_ID,
  PropertyName.CORRELATION_ID,
  PropertyName.REPLY_TO_CLIENT,
  PropertyName.TTL,
  PropertyName.ARRIVE_TIME,
  PropertyName.PUSH_REPLY_TIME,
  PropertyName.CLUSTER,
  PropertyName.MESSAGE_TYPE,
  PropertyName.INNER_MULTI_QUEUE_OFFSET,
  PropertyName.TIMER_DELAY_SEC,
  PropertyName.TIMER_DELAY_MS,
  PropertyName.TIMER_DELIVER_MS,
  PropertyName.TIMER_ENQUEUE_MS,
  PropertyName.TIMER_DEQUEUE_MS,
  PropertyName.TIMER_ROLL_TIMES,
  PropertyName.TIMER_OUT_MS,
  PropertyName.TIMER_DEL_UNIQKEY,
  PropertyName.TIMER_DELAY_LEVEL,
  PropertyName.BORN_HOST,
  PropertyName.BORN_TIMESTAMP,
  PropertyName.DLQ_ORIGIN_TOPIC,
  PropertyName.DLQ_ORIGIN_MESSAGE_ID,
  PropertyName.CRC32,
]);

function breaksText(text: string): boolean {
  return text.includes(nameEndText) || text.includes(pairEndText);
}

function startsWith(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** ASCII without the marks of the text: each character is the byte that stands for it. */
function isPlainName(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    if (code <= pairEnd || code > 0x7f) return false;
  }
  return name !== '';
}

function isText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to));
}

/** Where a pair ends. Most are short, and a loop finds their end sooner than the call of `indexOf` returns. */
function endOfPair(bytes: Uint8Array, at: number, to: number): number {
  const near = Math.min(to, at + nearBytes);
  for (let i = at; i < near; i += 1) if (bytes[i] === pairEnd) return i;
  if (near === to) return to;
  const end = bytes.indexOf(pairEnd, near);
  return end < 0 || end > to ? to : end;
}

function setOwn(target: Record<string, string>, name: string, value: string): void {
  if (name !== '__proto__') target[name] = value;
  else {
    const own = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(target, name, own);
  }
}
