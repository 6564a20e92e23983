import { messageOf } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import type { PortSendOptions } from '../client-port.js';
import type { MessageConverter } from '../converter/message-converter.js';
import {
  CONTENT_TYPE_PROPERTY,
  type EncodedPayload,
  type MessageConverters,
} from '../converter/message-converters.js';
import { MessageConversionError, RocketMQSendError } from '../nestjs.errors.js';
import type { DelayLevels } from '../options/delay-levels.js';
import { selectorFor, type HashQueueSelector } from '../options/producer-options.js';
import { parseDestination } from './destination.js';
import { shown, type SendValues } from './send-option-table.js';

type Later = Pick<OutgoingMessage, 'delayLevel' | 'delayMs' | 'deliverAt'>;

/** Makes messages of payloads and options. */
export class MessageComposer {
  constructor(
    private readonly converters: MessageConverters,
    private readonly delayLevels: DelayLevels,
    private readonly queueSelector: HashQueueSelector | undefined,
  ) {}

  /** Throws `RocketMQSendError` or `MessageConversionError`. */
  compose(destination: string, payload: unknown, values: SendValues): OutgoingMessage {
    const { topic, tags } = parseDestination(destination, values.tags);
    if (payload === undefined || payload === null) {
      throw new RocketMQSendError(
        `The message to '${destination}' has no payload (it is ${String(payload)}); send {} or ` +
          `'' when there is nothing to say.`,
        { details: { destination } },
      );
    }
    const { body, contentType } = this.encode(destination, payload, values);
    const { keys, flag, waitStoreOk: waitStoreMsgOk } = values;
    const properties = texts(destination, values.properties);
    properties[CONTENT_TYPE_PROPERTY] = contentType;
    return {
      topic,
      body,
      properties,
      ...present({ tags, keys, flag, waitStoreMsgOk }),
      ...this.later(destination, values),
    };
  }

  /** What the client is told besides the message. Throws `RocketMQSendError`. */
  portOptions(destination: string, values: SendValues): PortSendOptions {
    const { hashKey, queue, timeout, selector: own } = values;
    const given = Object.entries({ hashKey, queue, selector: own });
    const names = given.filter(([, value]) => value !== undefined).map(([name]) => name);
    if (names.length > 1) {
      throw new RocketMQSendError(
        `The queue of the message to '${destination}' is chosen twice, by '${names.join("' and '")}'; ` +
          'give one of them.',
        { details: { destination, options: names } },
      );
    }
    const selector =
      hashKey === undefined || this.queueSelector === undefined
        ? own
        : selectorFor(this.queueSelector, hashKey);
    const key = selector === undefined ? hashKey : undefined;
    return present({ queue, hashKey: key, selector, timeout });
  }

  private encode(destination: string, payload: unknown, values: SendValues): EncodedPayload {
    const { contentType, converter } = values;
    if (converter === undefined) return this.converters.encode(payload, contentType);
    if (contentType !== undefined && contentType !== converter.contentType) {
      throw new RocketMQSendError(
        `The message to '${destination}' has a converter for '${converter.contentType}' and the ` +
          `content type '${contentType}'; leave the content type out.`,
        { details: { destination, contentType } },
      );
    }
    return encodeWith(converter, payload);
  }

  private later(destination: string, values: SendValues): Later {
    const { delayLevel, delayMs, deliverAt, exact } = values;
    const given = Object.entries({ delayLevel, delayMs, deliverAt });
    const names = given.filter(([, value]) => value !== undefined).map(([name]) => name);
    if (names.length > 1) {
      throw new RocketMQSendError(
        `The delay of the message to '${destination}' is given twice, by '${names.join("' and '")}'; ` +
          'give one of them.',
        { details: { destination, options: names } },
      );
    }
    if (delayLevel !== undefined) return { delayLevel: this.level(destination, delayLevel) };
    if (deliverAt !== undefined) return { deliverAt };
    if (delayMs === undefined || delayMs === 0) return {};
    const level = exact === true ? undefined : this.delayLevels.levelFor(delayMs);
    return level === undefined ? { delayMs: Math.ceil(delayMs) } : { delayLevel: level };
  }

  private level(destination: string, level: number): number {
    const { count } = this.delayLevels;
    if (level <= count) return level;
    throw new RocketMQSendError(
      `The delay level of the message to '${destination}' must be a whole number from 0 to ` +
        `${count}, but is ${level}.`,
      { details: { destination, delayLevel: level } },
    );
  }
}

/** Throws `MessageConversionError`. */
function encodeWith(converter: MessageConverter, payload: unknown): EncodedPayload {
  const { contentType } = converter;
  try {
    return { body: converter.write(payload), contentType };
  } catch (cause) {
    const sentence = `The payload cannot be written as ${contentType}: ${messageOf(cause)}.`;
    throw new MessageConversionError(sentence, { cause, details: { contentType } });
  }
}

function texts(
  destination: string,
  given: Readonly<Record<string, unknown>> | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (name === CONTENT_TYPE_PROPERTY) {
      throw new RocketMQSendError(
        `The message to '${destination}' has the property '${name}', which tells the format of the ` +
          "body; write the option 'contentType' instead.",
        { details: { destination } },
      );
    }
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
      throw new RocketMQSendError(
        `The property '${name}' of the message to '${destination}' must be a text, a number or a ` +
          `boolean, but is ${shown(value)}.`,
        { details: { destination, property: name } },
      );
    }
    found[name] = String(value);
  }
  return found;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the entries that are undefined. */
export function present<T extends object>(values: T): Present<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}
