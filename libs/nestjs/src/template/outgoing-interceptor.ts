import type { Type } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import type { Problems } from '../options/problems.js';

/** Which method of the template, or a listener's reply, is at work. */
export type OutgoingKind = 'send' | 'one-way' | 'batch' | 'transaction' | 'request' | 'reply';

/** A message before it leaves; what is not readonly may be changed. */
export interface OutgoingDraft {
  readonly topic: string;
  /** What was handed to the template. */
  readonly payload: unknown;
  body: Uint8Array;
  tags: string | undefined;
  keys: string | readonly string[] | undefined;
  /** The user's properties, the content type among them. */
  properties: Record<string, string>;
}

/** One call of the template. */
export interface OutgoingSend {
  readonly kind: OutgoingKind;
  readonly connection: string;
  /** One message, or all of a batch. */
  readonly messages: readonly OutgoingDraft[];
}

/**
 * Stands around every send of the application: it may change properties, tags, keys and body
 * before it calls `next`, look at the result or error, or refuse by throwing. Listed under
 * `interceptors` of the module options; the first one is the outermost.
 */
export interface OutgoingInterceptor {
  /** `next` sends, and resolves with the result of the call. */
  intercept<R>(sending: OutgoingSend, next: () => Promise<R>): Promise<R>;
}

/** Class tokens are looked up among the application's providers; instances are taken as they are. */
export type OutgoingInterceptorToken = Type<OutgoingInterceptor> | OutgoingInterceptor;

/** The instances, in order; what cannot be found goes to `problems`. */
export function resolveInterceptors(
  given: readonly OutgoingInterceptorToken[],
  resolve: (token: Type<OutgoingInterceptor>) => OutgoingInterceptor,
  problems: Problems,
): OutgoingInterceptor[] {
  const found: OutgoingInterceptor[] = [];
  for (const token of given) {
    try {
      const one = typeof token === 'function' ? resolve(token) : token;
      if (typeof one?.intercept !== 'function') throw new TypeError("it has no method 'intercept'");
      found.push(one);
    } catch (error) {
      const name = typeof token === 'function' ? token.name : JSON.stringify(token);
      problems.add(
        'ROCKETMQ_INTERCEPTOR_UNUSABLE',
        `RocketMQModule interceptors: ${name} cannot be used: ${messageOf(error)}; list the class ` +
          "under 'providers' of a module, with the default scope, and give it a method 'intercept'",
      );
    }
  }
  return found;
}

/** Sends through the interceptors, the first outermost. */
export function throughInterceptors<R>(
  interceptors: readonly OutgoingInterceptor[],
  sending: Omit<OutgoingSend, 'messages'>,
  messages: readonly { readonly message: OutgoingMessage; readonly payload: unknown }[],
  send: (messages: readonly OutgoingMessage[]) => Promise<R>,
): Promise<R> {
  const drafts = messages.map(({ message, payload }): OutgoingDraft => {
    const { topic, body, tags, keys, properties } = message;
    return { topic, payload, body, tags, keys, properties: { ...properties } };
  });
  const call = { ...sending, messages: drafts };
  const step = async (at: number): Promise<R> => {
    const interceptor = interceptors[at];
    if (interceptor !== undefined) return interceptor.intercept(call, () => step(at + 1));
    return send(messages.map(({ message }, place) => merged(message, drafts[place])));
  };
  return step(0);
}

function merged(message: OutgoingMessage, draft: OutgoingDraft | undefined): OutgoingMessage {
  if (draft === undefined) return message;
  const { tags: _tags, keys: _keys, ...rest } = message;
  const { body, tags, keys, properties } = draft;
  return {
    ...rest,
    body,
    properties,
    ...(tags === undefined ? {} : { tags }),
    ...(keys === undefined ? {} : { keys }),
  };
}
