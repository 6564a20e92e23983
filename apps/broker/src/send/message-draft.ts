import { emptySpan, type Span, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import {
  bornHostLength,
  decodeProperties,
  encodeProperties,
  findProperty,
  foundTo,
  MessageRecordError,
  PropertyName,
  propertyText,
  readInt64,
  readProperty,
  type RecordDraft,
  recordField,
  RecordParts,
  SysFlag,
  tagHashOfBytes,
  withTransactionState,
} from '@nestjs-rocketmq/message';

/** The address under which this broker's records name it. */
export interface StoreHost {
  /** 4 or 16 bytes. */
  host: Uint8Array;
  port: number;
}

/** Texts that the broker adds to what clients send. */
export interface BrokerTexts {
  readonly regionId: string;
  readonly traceOn: boolean;
  readonly brokerClusterName: string;
}

/** A span that is used again. */
class MovingSpan implements Span {
  constructor(
    public bytes: Uint8Array,
    public data: DataView,
    public from: number,
    public to: number,
  ) {}

  point(bytes: Uint8Array, data: DataView, from: number, to: number): this {
    this.bytes = bytes;
    this.data = data;
    this.from = from;
    this.to = to;
    return this;
  }
}

function newSpan({ bytes, data } = emptySpan): MovingSpan {
  return new MovingSpan(bytes, data, 0, 0);
}

/** What a request says of the message that it carries. */
export interface SentMessage {
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly reconsumeTimes?: number | undefined;
}

/** Where it came from. */
export interface Sender {
  readonly remoteHost: Uint8Array;
  readonly remotePort: number;
}

/** Where it goes. */
export interface Destination {
  readonly name: string;
  readonly hasManyTags: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const tagsName = encoder.encode(PropertyName.TAGS);
const suffixBytes = 16_384;

/**
 * The one draft that a processor fills for each message: numbers and spans, no copies. `suffix`
 * is property text that is written behind what the client sent; of two pairs with one name the
 * later one counts, so an addition also replaces.
 */
export class MessageDraft implements RecordDraft {
  topic = '';
  queueId = 0;
  flag = 0;
  sysFlag = 0;
  bornTimestamp = 0;
  bornHost: Uint8Array;
  bornPort = 0;
  storeHost: Uint8Array;
  storePort: number;
  reconsumeTimes = 0;
  preparedTransactionOffset = 0;
  body: Span = emptySpan;
  properties: Span = emptySpan;
  readonly suffix: MovingSpan;
  tagsCode = 0;
  uniqueKey: Span | undefined = undefined;
  keys: Span | undefined = undefined;
  private fixedSuffix = new Uint8Array(0);
  /** The fixed additions do not stand at the beginning of `suffix` any more. */
  private isSuffixLost = false;
  private readonly parts = new RecordParts();
  private readonly copiedBody = newSpan();
  private readonly copiedProperties = newSpan();
  private readonly copiedHosts = { 4: new Uint8Array(4), 16: new Uint8Array(16) };

  constructor(
    private readonly place: StoreHost,
    texts?: BrokerTexts,
  ) {
    this.bornHost = place.host;
    this.storeHost = place.host;
    this.storePort = place.port;
    this.suffix = newSpan(spanOf(new Uint8Array(suffixBytes)));
    if (texts !== undefined) this.useTexts(texts);
  }

  /** From the next message on, each gets these. */
  useTexts(texts: BrokerTexts): void {
    this.suffix.to = 0;
    this.addText(
      propertyText(PropertyName.MSG_REGION, texts.regionId) +
        propertyText(PropertyName.TRACE_SWITCH, String(texts.traceOn)) +
        propertyText(PropertyName.CLUSTER, texts.brokerClusterName),
    );
    this.fixedSuffix = this.suffix.bytes.slice(0, this.suffix.to);
    this.isSuffixLost = false;
  }

  /** Begins with a new message: no additions but the fixed ones. */
  begin(): void {
    if (this.isSuffixLost) {
      this.suffix.bytes.set(this.fixedSuffix);
      this.isSuffixLost = false;
    }
    this.suffix.to = this.fixedSuffix.length;
    this.uniqueKey = undefined;
    this.keys = undefined;
    this.preparedTransactionOffset = 0;
    // Port and address are known only once the server listens.
    this.storeHost = this.place.host;
    this.storePort = this.place.port;
  }

  /** Begins with the message of a client's request; properties and body are still to come. */
  beginWith(sent: SentMessage, sender: Sender, topic: Destination, queueId: number): void {
    this.begin();
    this.topic = topic.name;
    this.queueId = queueId;
    this.flag = sent.flag;
    this.sysFlag = clientSysFlag(sent.sysFlag, topic.hasManyTags);
    this.bornTimestamp = sent.bornTimestamp;
    this.bornHost = sender.remoteHost;
    this.bornPort = sender.remotePort;
    this.reconsumeTimes = sent.reconsumeTimes ?? 0;
  }

  /**
   * Begins with the content of a stored record and none of the additions. The spans lie in the
   * record, which must stay as it is until the draft was appended. Throws `MessageRecordError`.
   */
  copy(bytes: Uint8Array, data = viewOf(bytes), length = bytes.length): void {
    const { parts } = this;
    const fault = parts.locate(data, 0, length);
    if (fault !== undefined) {
      throw new MessageRecordError(`A stored message cannot be read again: ${fault}.`);
    }
    this.begin();
    this.dropSuffix();
    this.topic = '';
    this.queueId = data.getInt32(recordField.queueId);
    this.flag = data.getInt32(recordField.flag);
    this.sysFlag = withTransactionState(parts.sysFlag, 0);
    this.bornTimestamp = readInt64(data, recordField.bornTimestamp);
    const hostLength = bornHostLength(parts.sysFlag);
    const host = this.copiedHosts[hostLength];
    for (let i = 0; i < hostLength; i += 1) host[i] = bytes[recordField.bornHost + i] as number;
    this.bornHost = host;
    this.bornPort = data.getInt32(recordField.bornHost + hostLength);
    this.reconsumeTimes = data.getInt32(parts.reconsumeTimes);
    this.body = this.copiedBody.point(bytes, data, parts.bodyFrom, parts.bodyTo);
    const { propertiesFrom, propertiesTo } = parts;
    this.properties = this.copiedProperties.point(bytes, data, propertiesFrom, propertiesTo);
    const tag = findProperty(bytes, parts.propertiesFrom, parts.propertiesTo, tagsName);
    this.tagsCode = tag < 0 ? 0 : tagHashOfBytes(bytes, tag, foundTo());
  }

  /** Where the topic of the copied record stands in its bytes. */
  get topicRange(): { readonly topicFrom: number; readonly topicTo: number } {
    return this.parts;
  }

  /** The value of a property of the copied record, or undefined. */
  property(name: Uint8Array): string | undefined {
    const { bytes, from, to } = this.properties;
    return readProperty(bytes, from, to, name);
  }

  /**
   * Writes all properties anew, additions included, with these changes (undefined removes), so that
   * a message that comes by again and again does not grow. Throws `MessagePropertyError`.
   */
  rewriteProperties(changes: Readonly<Record<string, string | undefined>>): void {
    const { properties, suffix } = this;
    const own = decoder.decode(properties.bytes.subarray(properties.from, properties.to));
    const more = decoder.decode(suffix.bytes.subarray(0, suffix.to));
    const all = { ...decodeProperties(own), ...decodeProperties(more), ...changes };
    this.properties = spanOf(encoder.encode(encodeProperties(all)));
    this.dropSuffix();
  }

  /** What is added next is written over the fixed additions. */
  private dropSuffix(): void {
    this.suffix.to = 0;
    this.isSuffixLost = true;
  }

  /** Adds property text that was encoded before. */
  addBytes(bytes: Uint8Array): void {
    this.suffix.bytes.set(bytes, this.suffix.to);
    this.suffix.to += bytes.length;
  }

  /** Adds property text. */
  addText(text: string): void {
    const { bytes, to } = this.suffix;
    this.suffix.to += encoder.encodeInto(text, bytes.subarray(to)).written;
  }

  /** Adds a property whose value is a span of text; `name` is encoded, with its 0x01. */
  addSpan(name: Uint8Array, value: Span): void {
    const { bytes } = this.suffix;
    this.addBytes(name);
    let to = this.suffix.to;
    for (let i = value.from; i < value.to; i += 1) bytes[to++] = value.bytes[i] as number;
    bytes[to++] = 2;
    this.suffix.to = to;
  }
}

/** REAL_TOPIC and REAL_QID as property text: where a diverted message belongs. */
export function realPlaceText(topic: string, queueId: number): Uint8Array {
  return encoder.encode(
    propertyText(PropertyName.REAL_TOPIC, topic) +
      propertyText(PropertyName.REAL_QUEUE_ID, String(queueId)),
  );
}

/** What a client may set of the system flag: not the transaction state, that is the broker's. */
function clientSysFlag(sysFlag: number, hasManyTags: boolean): number {
  return withTransactionState(sysFlag, 0) | (hasManyTags ? SysFlag.MULTI_TAGS : 0);
}
