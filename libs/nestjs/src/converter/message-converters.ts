import { messageOf, nearestName } from '@nestjs-rocketmq/foundation';
import { MessageConversionError } from '../nestjs.errors.js';
import {
  BYTES_TYPE,
  JSON_TYPE,
  TEXT_TYPE,
  bytesConverter,
  jsonConverter,
  messagePackConverter,
  textConverter,
} from './built-in-converters.js';
import type { MessageConverter } from './message-converter.js';

/** The property that names the format of a body; Spring's producers use the same name. */
export const CONTENT_TYPE_PROPERTY = 'contentType';

/** Marks our own texts; Spring writes a bare `text/plain` on everything, JSON included. */
const ourTextType = `${TEXT_TYPE};charset=UTF-8`;

/** What a handler wants: told by the declared class of its payload parameter. */
export type PayloadTarget = 'any' | 'object' | 'text' | 'bytes' | 'buffer';

export interface EncodedPayload {
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** What the converters need to know of a message. */
export interface Encoded {
  readonly body: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
  /** Where one property can be had without decoding all of them. */
  property?(name: string): string | undefined;
}

/** The target that a declared parameter class asks for. */
export function targetOf(type: unknown): PayloadTarget {
  if (type === String) return 'text';
  if (type === Buffer) return 'buffer';
  if (type === Uint8Array) return 'bytes';
  const untold = [undefined, null, Object, Array, Number, Boolean, Map];
  return untold.includes(type as undefined) ? 'any' : 'object';
}

/** Finds the converter of a message or payload and calls it. */
export class MessageConverters {
  private readonly byType = new Map<string, MessageConverter>();
  private readonly fallback: string;

  /** `own` come before the built-in ones; `contentType` is that of objects that are sent. */
  constructor(
    private readonly own: readonly MessageConverter[] = [],
    contentType: string = JSON_TYPE,
  ) {
    const builtIn = [jsonConverter, messagePackConverter, textConverter, bytesConverter];
    for (const converter of [...builtIn, ...own]) {
      this.byType.set(bareType(converter.contentType), converter);
    }
    this.fallback = bareType(contentType);
  }

  /**
   * The same with further ones, which come before those that are here, and perhaps another content
   * type of objects that are sent.
   */
  with(further: readonly MessageConverter[], contentType = this.fallback): MessageConverters {
    return new MessageConverters([...this.own, ...further], contentType);
  }

  knows(contentType: string): boolean {
    return this.byType.has(bareType(contentType));
  }

  get contentTypes(): string[] {
    return [...this.byType.keys()];
  }

  /** Texts and bytes go as they are unless a content type is given. Throws `MessageConversionError`. */
  encode(payload: unknown, contentType?: string): EncodedPayload {
    if (payload instanceof Uint8Array) {
      return { body: payload, contentType: contentType ?? BYTES_TYPE };
    }
    const isText = typeof payload === 'string' && contentType === undefined;
    const type = contentType ?? (isText ? TEXT_TYPE : this.fallback);
    try {
      const body = this.converter(type).write(payload);
      return { body, contentType: isText ? ourTextType : type };
    } catch (error) {
      if (error instanceof MessageConversionError) throw error;
      const sentence = `The payload cannot be written as ${type}: ${messageOf(error)}.`;
      throw new MessageConversionError(sentence, { cause: error, details: { contentType: type } });
    }
  }

  /** Throws `MessageConversionError` when the body is not what its content type says. */
  decode(message: Encoded, target: PayloadTarget = 'any'): unknown {
    const { body } = message;
    if (target === 'bytes') return body;
    if (target === 'buffer') return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const given =
      message.property === undefined
        ? message.properties[CONTENT_TYPE_PROPERTY]
        : message.property(CONTENT_TYPE_PROPERTY);
    if (target === 'text') return this.decodeText(body, given);
    if (given === TEXT_TYPE) return this.decodeSpringText(body, target);
    return this.read(given ?? this.fallback, body);
  }

  private decodeText(body: Uint8Array, given: string | undefined): unknown {
    const type = given === undefined ? TEXT_TYPE : bareType(given);
    if (type === TEXT_TYPE) return this.read(TEXT_TYPE, body);
    const value = this.read(type, body);
    // A handler that asks for a text gets the JSON itself when it is not a JSON text.
    return typeof value === 'string' ? value : this.read(TEXT_TYPE, body);
  }

  /** rocketmq-spring marks JSON and text alike as `text/plain`: a class or a bracket tells. */
  private decodeSpringText(body: Uint8Array, target: PayloadTarget): unknown {
    if (target === 'object') return this.read(JSON_TYPE, body);
    const text = this.read(TEXT_TYPE, body) as string;
    if (!/^\s*[[{]/.test(text)) return text;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }

  private read(contentType: string, body: Uint8Array): unknown {
    const converter = this.converter(contentType);
    try {
      return converter.read(body);
    } catch (error) {
      const start = Buffer.from(body.subarray(0, 40)).toString('latin1');
      throw new MessageConversionError(
        `The body is not ${converter.contentType}: ${messageOf(error)} (it begins ${JSON.stringify(start)}).`,
        { cause: error, details: { contentType, bytes: body.length } },
      );
    }
  }

  private converter(contentType: string): MessageConverter {
    // Nearly every message says its type in the plain form, which needs no cutting.
    const plain = this.byType.get(contentType);
    if (plain !== undefined) return plain;
    const type = bareType(contentType);
    const found = this.byType.get(type);
    if (found !== undefined) return found;
    const near = nearestName(type, this.byType.keys());
    const hint = near === undefined ? '' : `, perhaps '${near}' was meant`;
    throw new MessageConversionError(
      `No converter knows the content type '${contentType}'${hint}; ` +
        `known are ${this.contentTypes.join(', ')}. ` +
        "Add one under 'converters' of RocketMQModule.forRoot, of the connection or of the listener.",
      { details: { contentType } },
    );
  }
}

function bareType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}
