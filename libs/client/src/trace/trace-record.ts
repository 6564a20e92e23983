/** Kinds of messages, in the order of Apache's numbers for them. */
const messageTypes = [
  'Normal_Msg',
  'Trans_Msg_Half',
  'Trans_msg_Commit',
  'Delay_Msg',
  'Order_Msg',
] as const;

/** What kind of message was traced, by Apache's names. */
export type TracedMessageType = (typeof messageTypes)[number];

/** What the traced transaction came to, by Apache's names. */
export type TracedTransactionState = 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW';

/** A message was sent. */
export interface PubTrace {
  readonly kind: 'Pub';
  /** When the send began, ms since 1970. */
  readonly timestamp: number;
  /** The region that the broker told. */
  readonly regionId: string;
  /** The producer group. */
  readonly group: string;
  readonly topic: string;
  /** The unique key; of a batch all keys joined by `,`. */
  readonly msgId: string;
  readonly tags: string | undefined;
  /** The keys of the message, separated by blanks. */
  readonly keys: string | undefined;
  /** `host:port` of the broker. */
  readonly storeHost: string;
  /** Bytes of the body as sent, perhaps compressed. */
  readonly bodyLength: number;
  /** How long the send took, ms. */
  readonly costTime: number;
  readonly messageType: TracedMessageType;
  readonly offsetMsgId: string | undefined;
  /** Whether the answer was SEND_OK. */
  readonly success: boolean;
}

/** A listener call began. */
export interface SubBeforeTrace {
  readonly kind: 'SubBefore';
  readonly timestamp: number;
  readonly regionId: string;
  /** The consumer group. */
  readonly group: string;
  /** Common to the records of one listener call. */
  readonly requestId: string;
  readonly msgId: string;
  /** Attempts before this one. */
  readonly retryTimes: number;
  readonly keys: string | undefined;
}

/** What a listener call came to, by the order of Apache's numbers. */
export const consumeReturnTypes = [
  'SUCCESS',
  'TIME_OUT',
  'EXCEPTION',
  'RETURNNULL',
  'FAILED',
] as const;

/** What a listener call came to, by Apache's names. */
export type ConsumeReturnType = (typeof consumeReturnTypes)[number];

/** A listener call ended. */
export interface SubAfterTrace {
  readonly kind: 'SubAfter';
  readonly requestId: string;
  readonly msgId: string;
  /** How long the call took, divided by its messages, ms. */
  readonly costTime: number;
  readonly success: boolean;
  readonly keys: string | undefined;
  readonly returnType: ConsumeReturnType;
  /** Undefined where the sender left it out, as Java does for Alibaba's cloud. */
  readonly timestamp: number | undefined;
  /** The consumer group; undefined as above. */
  readonly group: string | undefined;
}

/** A verdict about a transaction went to the broker. */
export interface EndTransactionTrace {
  readonly kind: 'EndTransaction';
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  readonly topic: string;
  readonly msgId: string;
  readonly tags: string | undefined;
  readonly keys: string | undefined;
  readonly storeHost: string;
  readonly messageType: TracedMessageType;
  readonly transactionId: string;
  readonly state: TracedTransactionState;
  /** Whether the broker had asked. */
  readonly fromTransactionCheck: boolean;
}

/** A message with a delay was called back (5.x). */
export interface RecallTrace {
  readonly kind: 'Recall';
  readonly timestamp: number;
  readonly regionId: string;
  readonly group: string;
  readonly topic: string;
  readonly msgId: string;
  readonly success: boolean;
}

/** One record of Apache's message trace. */
export type TraceRecord =
  PubTrace | SubBeforeTrace | SubAfterTrace | EndTransactionTrace | RecallTrace;

const fieldEnd = '\u0001';
const recordEnd = '\u0002';

/** Apache writes what is absent as this text; an empty last field would break its reader. */
const absent = 'null';

type Field = string | number | boolean | undefined;

function line(...fields: readonly Field[]): string {
  let text = '';
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at];
    text += at === 0 ? '' : fieldEnd;
    text += field === undefined || field === '' ? absent : String(field);
  }
  return text + recordEnd;
}

/**
 * A record as Apache's trace dispatcher writes it: fields separated by U+0001, ended by U+0002.
 * Source: org.apache.rocketmq.client.trace.TraceDataEncoder.
 */
export function encodeTrace(record: TraceRecord): string {
  const { kind } = record;
  switch (kind) {
    case 'Pub': {
      const { timestamp, regionId, group, topic, msgId, tags, keys, storeHost } = record;
      const { bodyLength, costTime, messageType, offsetMsgId, success } = record;
      const type = messageTypes.indexOf(messageType);
      const whose = line(kind, timestamp, regionId, group, topic, msgId, tags, keys, storeHost);
      const what = line(bodyLength, costTime, type, offsetMsgId, success);
      return whose.slice(0, -1) + fieldEnd + what;
    }
    case 'SubBefore': {
      const { timestamp, regionId, group, requestId, msgId, retryTimes, keys } = record;
      return line(kind, timestamp, regionId, group, requestId, msgId, retryTimes, keys);
    }
    case 'SubAfter': {
      const { requestId, msgId, costTime, success, keys, returnType, timestamp, group } = record;
      const code = consumeReturnTypes.indexOf(returnType);
      return line(kind, requestId, msgId, costTime, success, keys, code, timestamp, group);
    }
    case 'EndTransaction': {
      const { timestamp, regionId, group, topic, msgId, tags, keys, storeHost } = record;
      const { messageType, transactionId, state, fromTransactionCheck } = record;
      const type = messageTypes.indexOf(messageType);
      const whose = line(kind, timestamp, regionId, group, topic, msgId, tags, keys, storeHost);
      const what = line(type, transactionId, state, fromTransactionCheck);
      return whose.slice(0, -1) + fieldEnd + what;
    }
    case 'Recall': {
      const { timestamp, regionId, group, topic, msgId, success } = record;
      return line(kind, timestamp, regionId, group, topic, msgId, success);
    }
  }
}

/** The fields of one record, read one after the other. */
class Fields {
  private at = 1;

  constructor(private readonly all: readonly string[]) {}

  get left(): number {
    return this.all.length - this.at;
  }

  text(): string {
    return this.all[this.at++] ?? '';
  }

  optional(): string | undefined {
    const text = this.text();
    return text === absent || text === '' ? undefined : text;
  }

  number(): number {
    const text = this.text();
    const value = Number(text);
    if (text === '' || !Number.isFinite(value)) throw new RangeError(`${text} is no number`);
    return value;
  }

  flag(): boolean {
    return this.text().toLowerCase() === 'true';
  }

  of<T>(names: readonly T[]): T {
    const name = names[this.number()];
    if (name === undefined) throw new RangeError('a number without a name');
    return name;
  }
}

/** Who did what when, as most records begin. */
function heading(fields: Fields) {
  const timestamp = fields.number();
  return { timestamp, regionId: fields.text(), group: fields.text() };
}

function messageOf(fields: Fields) {
  const topic = fields.text();
  const msgId = fields.text();
  const tags = fields.optional();
  return { topic, msgId, tags, keys: fields.optional(), storeHost: fields.text() };
}

function readPub(fields: Fields): PubTrace {
  const known = { kind: 'Pub' as const, ...heading(fields), ...messageOf(fields) };
  const sent = { bodyLength: fields.number(), costTime: fields.number() };
  const messageType = fields.of(messageTypes);
  // Old clients write no offset id; some write their own address behind everything.
  const offsetMsgId = fields.left > 1 ? fields.optional() : undefined;
  return { ...known, ...sent, messageType, offsetMsgId, success: fields.flag() };
}

function readSubBefore(fields: Fields): SubBeforeTrace {
  const known = { kind: 'SubBefore' as const, ...heading(fields) };
  const call = { requestId: fields.text(), msgId: fields.text(), retryTimes: fields.number() };
  return { ...known, ...call, keys: fields.optional() };
}

function readSubAfter(fields: Fields): SubAfterTrace {
  const call = { kind: 'SubAfter' as const, requestId: fields.text(), msgId: fields.text() };
  const costTime = fields.number();
  const success = fields.flag();
  const keys = fields.optional();
  const told = fields.left > 0 ? fields.of(consumeReturnTypes) : undefined;
  const returnType = told ?? (success ? 'SUCCESS' : 'FAILED');
  const isLong = fields.left >= 2;
  const timestamp = isLong ? fields.number() : undefined;
  const group = isLong ? fields.optional() : undefined;
  return { ...call, costTime, success, keys, returnType, timestamp, group };
}

function readEndTransaction(fields: Fields): EndTransactionTrace {
  const known = { kind: 'EndTransaction' as const, ...heading(fields), ...messageOf(fields) };
  const messageType = fields.of(messageTypes);
  const transactionId = fields.text();
  const state = fields.text() as TracedTransactionState;
  return { ...known, messageType, transactionId, state, fromTransactionCheck: fields.flag() };
}

function readRecall(fields: Fields): RecallTrace {
  const known = { kind: 'Recall' as const, ...heading(fields) };
  return { ...known, topic: fields.text(), msgId: fields.text(), success: fields.flag() };
}

const readers: Readonly<Record<string, (fields: Fields) => TraceRecord>> = {
  Pub: readPub,
  SubBefore: readSubBefore,
  SubAfter: readSubAfter,
  EndTransaction: readEndTransaction,
  Recall: readRecall,
};

/** Fewest fields of each kind, its name counted; what is shorter was cut off. */
const fewest: Readonly<Record<string, number>> = {
  Pub: 13,
  SubBefore: 8,
  SubAfter: 6,
  EndTransaction: 13,
  Recall: 7,
};

/**
 * The records in the body of a trace message, of whatever client. What is no record, or one that is
 * not known here, is passed over: a tool shows the rest all the same.
 */
export function decodeTraces(text: string): TraceRecord[] {
  const records: TraceRecord[] = [];
  for (const part of text.split(recordEnd)) {
    const all = part.split(fieldEnd);
    const [kind = ''] = all;
    const read = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
    if (read === undefined || all.length < (fewest[kind] as number)) continue;
    try {
      records.push(read(new Fields(all)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return records;
}
