import { messageOf } from '@nestjs-rocketmq/foundation';
import type { PortReply } from '../client-port.js';
import { CONTENT_TYPE_PROPERTY, type MessageConverters } from '../converter/message-converters.js';

/** The property of a reply whose payload is an error. */
export const REPLY_ERROR_PROPERTY = 'rpcError';

/** What a handler answered; nothing is answered as `null`. Throws `MessageConversionError`. */
export function replyWith(converters: MessageConverters, value: unknown): PortReply {
  const { body, contentType } = converters.encode(value ?? null);
  return { body, properties: { [CONTENT_TYPE_PROPERTY]: contentType } };
}

/** Why a handler did not answer. */
export function replyWithError(converters: MessageConverters, error: unknown): PortReply {
  const told = error instanceof Error ? { status: 'error', message: messageOf(error) } : error;
  const { body, properties } = replyWith(converters, told);
  return { body, properties: { ...properties, [REPLY_ERROR_PROPERTY]: 'true' } };
}

/** The answer, or the error, of a reply. Throws `MessageConversionError`. */
export function readReply(
  converters: MessageConverters,
  { body, properties }: PortReply,
): { readonly response: unknown } | { readonly err: unknown } {
  const value = converters.decode({ body, properties });
  return properties[REPLY_ERROR_PROPERTY] === undefined ? { response: value } : { err: value };
}
