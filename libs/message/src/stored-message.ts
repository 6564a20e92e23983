import { viewOf } from '@nestjs-rocketmq/foundation';
import { decompressBody, isCompressed } from './compression.js';
import { hostText } from './host-address.js';
import { MessageRecordError } from './message.errors.js';
import { offsetMessageId } from './message-id.js';
import {
  bodyChecksum,
  readInt64,
  recordField,
  recordMagicV2,
  RecordParts,
} from './message-record.js';
import { decodeProperties, ownValue, propertyOfBytes, splitKeys } from './properties.js';
import { PropertyName } from './property-names.js';
import { bornHostLength, storeHostLength } from './sys-flag.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const parts = new RecordParts();

/**
 * A message as a broker stored it: a view over the bytes of its record. Nothing is decoded before
 * it is asked for. The view keeps the whole buffer alive that the record lies in.
 */
export class StoredMessage {
  private readonly bytes: Uint8Array;
  private readonly data: DataView;
  private readonly at: number;
  /** Bytes of the whole record. */
  readonly storeSize: number;
  readonly sysFlag: number;
  private readonly bodyFrom: number;
  private readonly bodyTo: number;
  private readonly topicTo: number;
  private topicText: string | undefined;
  private propertyMap: Record<string, string> | undefined;
  private plainBody: Uint8Array | undefined;
  private attempts: number | undefined;

  /**
   * The record at `at`. Throws `MessageRecordError` when the bytes up to `end` are no whole record;
   * the checksum is looked at by `isIntact` only.
   */
  constructor(bytes: Uint8Array, data: DataView = viewOf(bytes), at = 0, end = bytes.length) {
    const fault = parts.locate(data, at, end);
    if (fault !== undefined) {
      throw new MessageRecordError(`No message stands at byte ${at}: ${fault}.`, {
        details: { at, fault },
      });
    }
    this.bytes = bytes;
    this.data = data;
    this.at = at;
    this.storeSize = parts.size;
    this.sysFlag = parts.sysFlag;
    this.bodyFrom = parts.bodyFrom;
    this.bodyTo = parts.bodyTo;
    this.topicTo = parts.topicTo;
  }

  get topic(): string {
    return (this.topicText ??= decoder.decode(this.bytes.subarray(this.topicFrom, this.topicTo)));
  }

  /** A consumer gives a retried message its original topic back. The bytes stay as they are. */
  set topic(topic: string) {
    this.topicText = topic;
  }

  get queueId(): number {
    return this.data.getInt32(this.at + recordField.queueId);
  }

  get queueOffset(): number {
    return readInt64(this.data, this.at + recordField.queueOffset);
  }

  /** Byte position of the record in the broker's commit log. */
  get logPosition(): number {
    return readInt64(this.data, this.at + recordField.logPosition);
  }

  /** The user's number. */
  get flag(): number {
    return this.data.getInt32(this.at + recordField.flag);
  }

  get bodyCrc(): number {
    return this.data.getInt32(this.at + recordField.bodyCrc);
  }

  /** Milliseconds since 1970 at the sender. */
  get bornTimestamp(): number {
    return readInt64(this.data, this.at + recordField.bornTimestamp);
  }

  /** `address:port` of the sender. */
  get bornHost(): string {
    const from = this.at + recordField.bornHost;
    return this.hostAt(from, bornHostLength(this.sysFlag));
  }

  /** Milliseconds since 1970 at the broker. */
  get storeTimestamp(): number {
    return readInt64(this.data, this.storeHostFrom - 8);
  }

  /** `address:port` of the broker. */
  get storeHost(): string {
    return this.hostAt(this.storeHostFrom, storeHostLength(this.sysFlag));
  }

  /** How often the group has failed to consume the message. */
  get reconsumeTimes(): number {
    return this.attempts ?? this.data.getInt32(this.bodyFrom - 16);
  }

  /** A consumer that tries again in place counts the attempts itself. The bytes stay as they are. */
  set reconsumeTimes(attempts: number) {
    this.attempts = attempts;
  }

  /** Log position of the half message of a committed one, else 0. */
  get preparedTransactionOffset(): number {
    return readInt64(this.data, this.bodyFrom - 12);
  }

  /**
   * The body, decompressed where needed; a view when it was not compressed, so do not write to it.
   * Throws `CompressionError`.
   */
  get body(): Uint8Array {
    if (this.plainBody === undefined) {
      const stored = this.storedBody;
      this.plainBody = isCompressed(this.sysFlag) ? decompressBody(stored, this.sysFlag) : stored;
    }
    return this.plainBody;
  }

  /** The body as stored, perhaps compressed; a view. */
  get storedBody(): Uint8Array {
    return this.bytes.subarray(this.bodyFrom, this.bodyTo);
  }

  /** The body read as UTF-8. */
  get text(): string {
    return decoder.decode(this.body);
  }

  /** All properties; the object belongs to this message and may be changed by its consumer. */
  get properties(): Record<string, string> {
    return (this.propertyMap ??= decodeProperties(this.propertiesText));
  }

  /** The property text as stored. */
  get propertiesText(): string {
    const from = this.topicTo + 2;
    return decoder.decode(this.bytes.subarray(from, this.at + this.storeSize));
  }

  /** One property; the others are not decoded for it. */
  property(name: string): string | undefined {
    if (this.propertyMap !== undefined) return ownValue(this.propertyMap, name);
    return propertyOfBytes(this.bytes, this.topicTo + 2, this.at + this.storeSize, name);
  }

  get tags(): string | undefined {
    return this.properties[PropertyName.TAGS];
  }

  get keys(): string[] {
    return splitKeys(this.properties[PropertyName.KEYS]);
  }

  /** The id that users see: the producer's unique key, or else the offset id. */
  get msgId(): string {
    return this.properties[PropertyName.UNIQUE_KEY] ?? this.offsetMsgId;
  }

  /** The id that says where the message lies: broker address and log position. */
  get offsetMsgId(): string {
    const length = storeHostLength(this.sysFlag);
    const from = this.storeHostFrom;
    const host = this.bytes.subarray(from, from + length);
    return offsetMessageId(host, this.data.getInt32(from + length), this.logPosition);
  }

  /** The delay level asked for, or 0. */
  get delayLevel(): number {
    const level = Number(this.properties[PropertyName.DELAY_TIME_LEVEL] ?? 0);
    return Number.isInteger(level) ? level : 0;
  }

  /** Whether the stored body has the stored checksum. */
  isIntact(): boolean {
    return bodyChecksum(this.storedBody) === this.bodyCrc;
  }

  /** The bytes of the whole record; a view. */
  get record(): Uint8Array {
    return this.bytes.subarray(this.at, this.at + this.storeSize);
  }

  /** The message over a copy of its own bytes, for keeping it when the others may go. */
  detach(): StoredMessage {
    const copy = new StoredMessage(this.record.slice());
    copy.topicText = this.topicText;
    copy.propertyMap = this.propertyMap;
    copy.attempts = this.attempts;
    return copy;
  }

  private get topicFrom(): number {
    const isV2 = this.data.getInt32(this.at + recordField.magic) === recordMagicV2;
    return this.bodyTo + (isV2 ? 2 : 1);
  }

  private get storeHostFrom(): number {
    return this.at + recordField.bornHost + bornHostLength(this.sysFlag) + 12;
  }

  private hostAt(from: number, length: number): string {
    const address = hostText(this.bytes.subarray(from, from + length));
    return `${address}:${this.data.getInt32(from + length)}`;
  }
}

/**
 * The messages of a pull answer: records one after the other, as views over `bytes`.
 * Throws `MessageRecordError` when the bytes do not end with a record.
 */
export function decodeRecords(bytes: Uint8Array): StoredMessage[] {
  const data = viewOf(bytes);
  const messages: StoredMessage[] = [];
  for (let at = 0; at < bytes.length;) {
    const message = new StoredMessage(bytes, data, at);
    messages.push(message);
    at += message.storeSize;
  }
  return messages;
}
