import { CodedError, messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import {
  compressBody,
  compressBodyAside,
  compressionBits,
  encodeBatch,
  isRetryTopic,
  PropertyName,
  propertyText,
  type BatchedMessage,
  type CompressionType,
  type OutgoingMessage,
} from '@nestjs-rocketmq/message';
import { checkBody, CheckedTopics, checkSize, propertiesOf, type Draft } from './draft.js';
import { isDelayed } from './delays.js';
import { invalid } from './refusing.js';

/** From this size on a body is compressed on the thread pool. */
const compressAsideFrom = 16 * 1024;

/** Bytes that a message takes in a batch besides its body and properties. */
const batchOverhead = 22;

/** A message as it stands in a batch. */
export interface BatchPart extends BatchedMessage {
  /** Its unique key. */
  readonly key: string;
}

export interface DraftSettings {
  readonly maxMessageSize: number;
  readonly compressBodyOver: number;
  readonly compressLevel: number;
  readonly compressType: CompressionType;
}

/** Checks messages and makes them ready to be sent. */
export class Drafts {
  private readonly topics = new CheckedTopics();

  constructor(
    private readonly settings: DraftSettings,
    private readonly nextKey: () => string,
    private readonly logger: Logger,
  ) {}

  /** Throws `InvalidMessageError` or `MessageTooLargeError`; properties are checked by the draft. */
  check(message: OutgoingMessage): void {
    this.topics.check(message.topic);
    checkBody(message, this.settings.maxMessageSize);
  }

  /** True when the body stays as it is, so that `plain` can be called. */
  staysPlain(message: OutgoingMessage): boolean {
    return message.body.length < this.settings.compressBodyOver;
  }

  /** `extra` is property text of ours, `sysFlag` bits of ours. */
  plain(message: OutgoingMessage, extra: string, sysFlag: number): Draft {
    return this.draft(message, message.body, extra, sysFlag);
  }

  /** The same with a compressed body; with the plain one when it cannot be compressed. */
  async packed(message: OutgoingMessage, extra: string, sysFlag: number): Promise<Draft> {
    const { compressType, compressLevel } = this.settings;
    const { body } = message;
    try {
      const packed =
        compressType === 'zlib' && body.length < compressAsideFrom
          ? compressBody(body, compressLevel)
          : await compressBodyAside(body, compressLevel, compressType);
      return this.draft(message, packed, extra, sysFlag | compressionBits(compressType));
    } catch (error) {
      if (error instanceof CodedError) throw error;
      const { topic } = message;
      const reason = messageOf(error);
      this.logger.warn('A body cannot be compressed; it is sent as it is.', { topic, reason });
      return this.plain(message, extra, sysFlag);
    }
  }

  /** Several messages of one topic as one; throws when they cannot be. */
  batch(messages: readonly OutgoingMessage[]): Draft {
    const [first] = messages;
    if (first === undefined) return invalid('The batch is empty.');
    return this.ofParts(
      messages,
      messages.map((message) => this.part(message, first)),
    );
  }

  /** A message as it stands in a batch with `first`; throws when it cannot. */
  part(message: OutgoingMessage, first: OutgoingMessage): BatchPart {
    this.check(message);
    checkBatchMember(message, first);
    const key = this.nextKey();
    const { body, flag = 0 } = message;
    return { key, body, flag, properties: propertiesOf(message, key) };
  }

  /** A batch of what `part` made of the messages. */
  ofParts(messages: readonly OutgoingMessage[], parts: readonly BatchPart[]): Draft {
    const { topic, waitStoreMsgOk = true } = messages[0] as OutgoingMessage;
    const body = encodeBatch(parts);
    checkSize(body.length, this.settings.maxMessageSize, `The batch to '${topic}'`, topic);
    const uniqueKey = parts.map(({ key }) => key).join(',');
    // No key for the whole: brokers add the properties of a batch to each of its messages, and those
    // of 4.x and 5.3.3 would give them all one key that nobody was told.
    const properties = waitStoreMsgOk ? '' : propertyText(PropertyName.WAIT_STORE_MSG_OK, 'false');
    const source = messages;
    return { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey, isBatch: true, source };
  }

  private draft(message: OutgoingMessage, body: Uint8Array, extra: string, sysFlag: number): Draft {
    const uniqueKey = this.nextKey();
    const properties = propertiesOf(message, uniqueKey, extra);
    const { topic, flag = 0 } = message;
    const source = message;
    return { topic, body, flag, sysFlag, properties, uniqueKey, isBatch: false, source };
  }
}

/** How many bytes of a batch a message takes. */
export function batchedBytes({ body, properties }: BatchPart): number {
  return batchOverhead + body.length + Buffer.byteLength(properties);
}

/** Throws unless the message may stand in one batch with the first one. */
function checkBatchMember(message: OutgoingMessage, first: OutgoingMessage): void {
  const { topic } = first;
  const fail = (why: string): never =>
    invalid(`These messages cannot be one batch: ${why}.`, { topic });
  if (message.topic !== topic) fail(`they go to the topics '${topic}' and '${message.topic}'`);
  if (isRetryTopic(topic)) fail(`'${topic}' is a retry topic`);
  if (isDelayed(message)) fail('one of them is to be delivered later');
  if ((message.waitStoreMsgOk ?? true) !== (first.waitStoreMsgOk ?? true)) {
    fail("they differ in 'waitStoreMsgOk'");
  }
}
