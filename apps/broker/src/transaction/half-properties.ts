import type { Span } from '@nestjs-rocketmq/foundation';
import { nameEnd, pairEnd, PropertyName } from '@nestjs-rocketmq/message';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The value of a property: where it stands, or nowhere. */
export class PropertyValue implements Span {
  readonly name: Uint8Array;
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(this.bytes.buffer);
  from = 0;
  to = 0;
  isThere = false;
  /** The last text that this was, since the same topics and groups come again and again. */
  private last = '';

  constructor(name: string) {
    this.name = encoder.encode(name);
  }

  /** Undefined when the property is not there. */
  get text(): string | undefined {
    if (!this.isThere) return undefined;
    if (!this.is(this.last)) this.last = decoder.decode(this.bytes.subarray(this.from, this.to));
    return this.last;
  }

  /** Whether it is there and reads so. */
  is(text: string): boolean {
    const { bytes, from, to } = this;
    if (!this.isThere || to - from !== text.length) return this.isThere && this.isBeyondAscii(text);
    for (let i = from; i < to; i += 1) {
      const byte = bytes[i] as number;
      if (byte > 0x7f) return this.isBeyondAscii(text);
      if (byte !== text.charCodeAt(i - from)) return false;
    }
    return true;
  }

  private isBeyondAscii(text: string): boolean {
    // A character takes one to three bytes for each of its units.
    const length = this.to - this.from;
    if (length < text.length || length > text.length * 3) return false;
    return decoder.decode(this.bytes.subarray(this.from, this.to)) === text;
  }
}

/** The properties that decide what becomes of a half message, found in one pass. */
export class HalfProperties {
  readonly group = new PropertyValue(PropertyName.PRODUCER_GROUP);
  readonly topic = new PropertyValue(PropertyName.REAL_TOPIC);
  readonly queueId = new PropertyValue(PropertyName.REAL_QUEUE_ID);
  readonly delay = new PropertyValue(PropertyName.DELAY_TIME_LEVEL);
  readonly immunity = new PropertyValue(PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS);
  readonly uniqueKey = new PropertyValue(PropertyName.UNIQUE_KEY);
  readonly keys = new PropertyValue(PropertyName.KEYS);
  private readonly all = [
    this.group,
    this.topic,
    this.queueId,
    this.delay,
    this.immunity,
    this.uniqueKey,
    this.keys,
  ];

  /** Looks through a property text; the values lie in it. The last pair of a name counts. */
  read(text: Span): void {
    for (const value of this.all) value.isThere = false;
    const { bytes, to } = text;
    for (let at = text.from; at < to;) {
      let equals = at;
      while (equals < to && bytes[equals] !== nameEnd && bytes[equals] !== pairEnd) equals += 1;
      let end = equals;
      while (end < to && bytes[end] !== pairEnd) end += 1;
      if (bytes[equals] === nameEnd && end > equals + 1) this.note(text, at, equals, end);
      at = end + 1;
    }
  }

  private note({ bytes, data }: Span, from: number, equals: number, end: number): void {
    for (const value of this.all) {
      if (value.name.length !== equals - from || !startsWith(bytes, from, value.name)) continue;
      value.bytes = bytes;
      value.data = data;
      value.from = equals + 1;
      value.to = end;
      value.isThere = true;
      return;
    }
  }
}

function startsWith(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name[i]) return false;
  return true;
}
