import type { QueueSelector } from '@nestjs-rocketmq/client';
import { Problem, defineOptions, nearestName, option } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { HashKey } from '../client-port.js';
import type { MessageConverter } from '../converter/message-converter.js';
import { RocketMQSendError } from '../nestjs.errors.js';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isText = (value: unknown): boolean => typeof value === 'string';

function isHashKey(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

function isQueue(value: unknown): boolean {
  const { topic, brokerName, queueId } = (value ?? {}) as Partial<MessageQueue>;
  return isText(topic) && isText(brokerName) && Number.isInteger(queueId);
}

function isConverter(value: unknown): boolean {
  const { contentType, write } = (value ?? {}) as Partial<MessageConverter>;
  return isText(contentType) && isFunction(write);
}

function isMoment(value: unknown): boolean {
  const time = value instanceof Date ? value.getTime() : value;
  return Number.isSafeInteger(time) && (time as number) >= 0;
}

/** Options of the template's calls, by name; see `SendOptions`. */
export const sendOptions = defineOptions('a call of RocketMQTemplate', {
  tags: option.text({ meaning: 'The tag; also possible as topic:tag.' }),
  keys: option.object<string | readonly string[]>({
    meaning: 'Keys to find the message by.',
    is: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    must: 'must be a text or an array of texts',
  }),
  properties: option.object<Readonly<Record<string, unknown>>>({
    meaning: 'Properties of your own: texts, numbers and booleans.',
    is: isObject,
    must: 'must be an object',
  }),
  hashKey: option.object<HashKey>({
    meaning: 'Messages of one hash key go to one queue.',
    is: isHashKey,
    must: 'must be a text, a whole number or a bigint',
  }),
  queue: option.object<MessageQueue>({
    meaning: 'Exactly this queue.',
    is: isQueue,
    must: 'must be { topic, brokerName, queueId }',
  }),
  selector: option.object<QueueSelector>({
    meaning: 'Chooses the queue.',
    is: isFunction,
    must: 'must be a function of the queues and the message',
  }),
  delayLevel: option.integer({ meaning: 'Deliver later: a level of the broker.', min: 0 }),
  delayMs: option.duration({
    meaning: 'Deliver later: a time, rounded up to the next level.',
    min: 0,
  }),
  exact: option.boolean({ meaning: 'delayMs as a timer message rather than a level.' }),
  deliverAt: option.object<Date | number>({
    meaning: 'Deliver at this moment, as a timer message.',
    is: isMoment,
    must: 'must be a Date or milliseconds since 1970',
  }),
  timeout: option.duration({
    meaning: 'Time for the call with its retries; producer.sendTimeout by default.',
    min: 1,
  }),
  signal: option.object<AbortSignal>({
    meaning: 'Gives up waiting.',
    is: (value) => value instanceof AbortSignal,
    must: 'must be an AbortSignal',
  }),
  contentType: option.text({ meaning: 'Format of the body.' }),
  converter: option.object<MessageConverter>({
    meaning: 'Writes the body of this call.',
    is: isConverter,
    must: 'must be a MessageConverter',
  }),
  flag: option.integer({ meaning: "A number of your own in the message's header." }),
  waitStoreOk: option.boolean({
    meaning: 'False: the broker answers before the message is as safe as configured.',
  }),
  listener: option.text({ meaning: 'Transactions: name of the transaction listener.' }),
  maxBatchBytes: option.integer({
    meaning: 'sendBatch: bytes of one request at most.',
    min: 1,
  }),
});

export type SendOptionName = keyof typeof sendOptions.table;

/** The options of a call, checked; times in milliseconds. */
export interface SendValues {
  readonly tags?: string;
  readonly keys?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly hashKey?: HashKey;
  readonly queue?: MessageQueue;
  readonly selector?: QueueSelector;
  readonly delayLevel?: number;
  readonly delayMs?: number;
  readonly exact?: boolean;
  readonly deliverAt?: Date | number;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly contentType?: string;
  readonly converter?: MessageConverter;
  readonly flag?: number;
  readonly waitStoreOk?: boolean;
  readonly listener?: string;
  readonly maxBatchBytes?: number;
}

/** What people from Spring write, and what it is called here. */
const otherNames: Readonly<Record<string, string>> = {
  headers: "write 'properties'",
  tag: "write 'tags', or topic:tag as the destination",
  key: "write 'keys'",
  delay: "write 'delayMs', 'delayLevel' or 'deliverAt'",
  delayTimeLevel: "write 'delayLevel'",
  messageQueueSelector: "write 'selector'",
  sendMsgTimeout: "write 'timeout'",
  waitStoreMsgOk: "write 'waitStoreOk'",
  arg: 'the argument of a local transaction is the third parameter of sendInTransaction',
  retries: 'it belongs to a producer: module option producer, or one of forFeature',
};

/**
 * Reads what a call was given, with the names that this call knows. Throws `RocketMQSendError` for
 * names that it does not know and for values that cannot be.
 */
export function readSendOptions(
  call: string,
  given: object,
  known: ReadonlySet<string>,
): SendValues {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!known.has(name)) throw unknownName(call, name, known);
    const read = sendOptions.table[name as SendOptionName].read(value);
    if (read instanceof Problem) {
      throw new RocketMQSendError(`${call}: '${name}' ${read.text}, but is ${shown(value)}.`, {
        details: { [name]: value },
      });
    }
    values[name] = read;
  }
  return values;
}

/** A value for a sentence; bigints and circles have no JSON. */
export function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function unknownName(call: string, name: string, known: ReadonlySet<string>): RocketMQSendError {
  const other = Object.hasOwn(otherNames, name) ? otherNames[name] : undefined;
  const near = nearestName(name, known);
  const all = `known are ${[...known].join(', ')}`;
  const isElsewhere = Object.hasOwn(sendOptions.table, name) ? 'this call does not have it' : all;
  const hint = other ?? (near === undefined ? isElsewhere : `did you mean '${near}'?`);
  const sentence = `${call}: '${name}' is not an option; ${hint}.`.replace('?.', '?');
  return new RocketMQSendError(sentence, { details: { option: name } });
}

const all = sendOptions.names as readonly string[];
const delays = ['delayLevel', 'delayMs', 'exact', 'deliverAt'];
const without = (...names: string[]) => new Set(all.filter((name) => !names.includes(name)));

/** Names of options by call. */
export const optionNames = {
  send: without('listener', 'maxBatchBytes'),
  batch: without('listener', ...delays),
  transaction: without('maxBatchBytes', ...delays),
} as const;
