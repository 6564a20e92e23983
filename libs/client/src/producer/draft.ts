import {
  encodeProperties,
  isClosedForClients,
  joinKeys,
  maxPropertiesBytes,
  PropertyName,
  propertyText,
  reservedProperties,
  topicNameProblem,
  type OutgoingMessage,
} from '@nestjs-rocketmq/message';
import { MessageTooLargeError } from '../client.errors.js';
import { delayText, isTimed } from './delays.js';
import { invalid } from './refusing.js';

/** Between paths of one value of `INNER_MULTI_DISPATCH` brokers make files. */
const pathSeparator = '/';

/** A message made ready: what a send request carries besides the queue. */
export interface Draft {
  readonly topic: string;
  readonly body: Uint8Array;
  readonly flag: number;
  readonly sysFlag: number;
  /** Property text. */
  readonly properties: string;
  /** The unique key; of a batch all keys joined by `,`. */
  readonly uniqueKey: string;
  readonly isBatch: boolean;
  /** What it was made of, for hooks. */
  readonly source?: OutgoingMessage | readonly OutgoingMessage[];
  /** A reply: the broker hands it over to the client that waits for it. */
  readonly isReply?: boolean;
  /** Only for what a consumer sends to its retry topic. */
  readonly reconsumeTimes?: number;
  readonly maxReconsumeTimes?: number;
}

/** Throws `InvalidMessageError` unless clients may send to a topic of this name. */
export function checkSendTopic(topic: unknown): void {
  if (typeof topic !== 'string') {
    return invalid(`A message needs a topic, but 'topic' is of type ${typeof topic}.`, { topic });
  }
  const problem = topicNameProblem(topic);
  if (problem !== undefined) return invalid(problem, { topic });
  if (isClosedForClients(topic)) {
    invalid(`Topic '${topic}' belongs to the brokers; clients may not send to it.`, { topic });
  }
}

/** Topics that were found good; the name of a topic is checked once. */
export class CheckedTopics {
  private readonly good = new Set<string>();

  check(topic: string): void {
    if (this.good.has(topic)) return;
    checkSendTopic(topic);
    if (this.good.size < 10_000) this.good.add(topic);
  }
}

/** Throws when the body is no bytes, empty, or longer than `limit` bytes. */
export function checkBody(message: OutgoingMessage, limit: number): void {
  const { body, topic } = message;
  if (!(body instanceof Uint8Array)) {
    invalid(`The body of a message to '${topic}' must be a Uint8Array or Buffer.`, { topic });
  }
  if (body.length === 0) {
    invalid(`The body of a message to '${topic}' is empty; RocketMQ refuses such messages.`, {
      topic,
    });
  }
  checkSize(body.length, limit, `The body of a message to '${topic}'`, topic);
}

export function checkSize(bytes: number, limit: number, what: string, topic: string): void {
  if (bytes <= limit) return;
  throw new MessageTooLargeError(
    `${what} has ${bytes} bytes; 'maxMessageSize' allows ${limit}. ` +
      'Send less, or raise the option here and at the brokers.',
    { details: { topic, bytes, limit } },
  );
}

function checkUserProperties(message: OutgoingMessage): void {
  for (const [name, value] of Object.entries(message.properties ?? {})) {
    if (reservedProperties.has(name)) {
      invalid(
        `The property name '${name}' is reserved by RocketMQ; choose another` +
          `${reservedHint[name] ?? ''}.`,
        { topic: message.topic, property: name },
      );
    }
    if (name === PropertyName.INNER_MULTI_DISPATCH && String(value).includes(pathSeparator)) {
      invalid(`The property '${name}' must not contain '${pathSeparator}'.`, {
        topic: message.topic,
        property: name,
        value,
      });
    }
    if (typeof value !== 'string' || name.trim() === '' || value.trim() === '') {
      invalid(`The property '${name}' must have a name and a value that are not blank texts.`, {
        topic: message.topic,
        property: name,
        value,
      });
    }
  }
}

const reservedHint: Readonly<Record<string, string>> = {
  [PropertyName.KEYS]: ", or use the field 'keys'",
  [PropertyName.TAGS]: ", or use the field 'tags'",
  [PropertyName.DELAY_TIME_LEVEL]: ", or use the field 'delayLevel'",
  [PropertyName.WAIT_STORE_MSG_OK]: ", or use the field 'waitStoreMsgOk'",
  [PropertyName.TIMER_DELAY_MS]: ", or use the field 'delayMs'",
  [PropertyName.TIMER_DELAY_SEC]: ", or use the field 'delaySeconds'",
  [PropertyName.TIMER_DELIVER_MS]: ", or use the field 'deliverAt'",
};

/** Keys of a list become one text by blanks between them: a blank inside would make two of one. */
function keysText(keys: string | readonly string[], topic: string): string {
  if (typeof keys !== 'string') {
    for (const key of keys) {
      if (typeof key === 'string' && key !== '' && !key.includes(' ')) continue;
      invalid("Each of 'keys' must be a text that is not empty and has no blank in it.", {
        topic,
        key,
      });
    }
  }
  return plain('keys', joinKeys(keys), topic);
}

/** Text that goes into a property: refused when it would break the property text. */
function plain(what: string, text: string, topic: string): string {
  if (typeof text === 'string' && !text.includes('\u0001') && !text.includes('\u0002')) return text;
  return invalid(`The ${what} of a message must be text without the characters U+0001, U+0002.`, {
    topic,
    [what]: text,
  });
}

/**
 * The property text of a user's message with its unique key. `extra` is property text of ours.
 * Throws `InvalidMessageError` naming what is wrong.
 */
export function propertiesOf(message: OutgoingMessage, uniqueKey: string, extra = ''): string {
  const { topic, tags, keys, properties } = message;
  let text = extra;
  if (properties !== undefined) {
    checkUserProperties(message);
    text += encodeProperties(properties);
  }
  if (keys !== undefined && keys.length > 0) {
    text += propertyText(PropertyName.KEYS, keysText(keys, topic));
  }
  if (tags !== undefined && tags !== '') {
    text += propertyText(PropertyName.TAGS, plain('tags', tags, topic));
  }
  if (message.shardingKey !== undefined && message.shardingKey !== '') {
    const key = plain('shardingKey', message.shardingKey, topic);
    text += propertyText(PropertyName.SHARDING_KEY, key);
  }
  if (isTimed(message)) text += delayText(message);
  if (message.waitStoreMsgOk === false)
    text += propertyText(PropertyName.WAIT_STORE_MSG_OK, 'false');
  text += propertyText(PropertyName.UNIQUE_KEY, uniqueKey);
  checkPropertiesSize(text, topic);
  return text;
}

function checkPropertiesSize(text: string, topic: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
  if (text.length * 3 <= maxPropertiesBytes) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxPropertiesBytes) return;
  invalid(
    `The properties of a message to '${topic}' have ${bytes} bytes; RocketMQ stores at most ` +
      `${maxPropertiesBytes}. Move data into the body.`,
    { topic, bytes },
  );
}
