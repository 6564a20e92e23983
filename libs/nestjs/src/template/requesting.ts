import type { PipeTransform, Type } from '@nestjs/common';
import type { PortReply } from '../client-port.js';
import { targetOf, type MessageConverters } from '../converter/message-converters.js';
import { issueSentence } from '../decorators/schema-issues.js';
import type { StandardSchema } from '../decorators/standard-schema.js';
import { MessageConversionError, RequestFailedError } from '../nestjs.errors.js';
import {
  ERRORS_WANTED_PROPERTY,
  ERROR_REPLY_PROPERTY,
  type RemoteError,
} from '../reply/reply-protocol.js';
import { optionNames } from './send-option-table.js';
import type { SendOptions } from './send-options.js';
import type { Sending } from './sending.js';
import type { MessageProperties } from './topics.js';

/** Options of `request`: those of a send, and what the reply is. */
export interface RequestOptions<
  R = unknown,
  P extends object = MessageProperties,
> extends SendOptions<P> {
  /**
   * What the reply is: `String` for the text of the body, `Buffer` or `Uint8Array` for its bytes,
   * any other class for what its content type says; `pipes` get it as the type.
   */
  readonly type?: Type<R>;
  /**
   * A Standard Schema (zod 4, valibot, ...) that the reply must keep to; `request` gives what the
   * schema makes of it, and rejects with `MessageConversionError` where it does not accept it.
   */
  readonly schema?: StandardSchema<R>;
  /** Run on the reply one after the other, for example a `ValidationPipe`. */
  readonly pipes?: readonly PipeTransform[];
}

/** A request as the template got it. */
export interface RequestCall<R> {
  readonly destination: string;
  readonly payload: unknown;
  readonly options: RequestOptions<R, object>;
}

/** Sends a request, waits for its reply and reads it. */
export async function sendRequest<R>(
  sending: Sending,
  converters: MessageConverters,
  { destination, payload, options }: RequestCall<R>,
): Promise<R> {
  const { type, schema, pipes, ...rest } = options;
  const call = `request to '${destination}'`;
  const values = sending.read(call, rest, optionNames.send);
  const properties = { ...values.properties, [ERRORS_WANTED_PROPERTY]: 'true' };
  const reply = await sending.one(
    'request',
    destination,
    payload,
    { ...values, properties },
    (producer, message, port) => producer.request(message, port),
  );
  if (reply.properties[ERROR_REPLY_PROPERTY] === 'true') throw failure(destination, reply);
  let value = converters.decode(reply, targetOf(type));
  for (const pipe of pipes ?? []) {
    const metatype = type as Type<unknown> | undefined;
    value = (await pipe.transform(value, {
      type: 'body',
      ...(metatype ? { metatype } : {}),
    })) as unknown;
  }
  return schema === undefined ? (value as R) : checked(destination, schema, value);
}

function failure(destination: string, reply: PortReply): RequestFailedError {
  let remote: Partial<RemoteError> = {};
  const text = Buffer.from(reply.body).toString();
  try {
    remote = JSON.parse(text) as RemoteError;
  } catch {
    // Whatever it says then, it says that it failed.
  }
  const { name = 'Error', message = text, code } = remote;
  return new RequestFailedError(
    `The request to '${destination}' failed there: ${message}`,
    { name, message, ...(code === undefined ? {} : { code }) },
    { details: { destination } },
  );
}

async function checked<R>(
  destination: string,
  schema: StandardSchema<R>,
  value: unknown,
): Promise<R> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(issueSentence);
  throw new MessageConversionError(
    `The reply to the request to '${destination}' is not what the schema wants: ${issues.join('; ')}`,
    { details: { destination, issues } },
  );
}
