import { Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { SendResult } from '../client-port.js';
import { ConsumeResult } from '../consume-result.js';
import { CONTENT_TYPE_PROPERTY, type MessageConverters } from '../converter/message-converters.js';
import type { Invoker } from '../listener/handler-invoker.js';
import { NonRetryableError, RetryLaterError } from '../nestjs.errors.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import { throughInterceptors } from '../template/outgoing-interceptor.js';
import type { TemplateBackend } from '../template/template-backend.js';
import { ERROR_REPLY_PROPERTY, isRequest, remoteError, wantsErrors } from './reply-protocol.js';

/** The options of a reply listener, resolved. */
export interface ReplySettings {
  /** Milliseconds; undefined: the producer's own time. */
  readonly timeout: number | undefined;
  readonly contentType: string | undefined;
}

/** Sends what handlers return to whoever asked. */
export class Replier {
  private readonly logger: Logger;

  constructor(
    id: string,
    private readonly settings: ReplySettings,
    private readonly converters: MessageConverters,
    private readonly backend: TemplateBackend,
  ) {
    this.logger = new Logger(`RocketMQ:Reply:${id}`);
  }

  /** The handler, and after it the reply. */
  around(inner: Invoker): Invoker {
    return {
      ...inner,
      invoke: (payload: unknown, context: RocketMQContext) =>
        this.handle(context, async () => inner.invoke(payload, context)),
    };
  }

  private async handle(context: RocketMQContext, call: () => Promise<unknown>): Promise<unknown> {
    if (!isRequest(context.message)) {
      this.logger.warn(
        `Message ${context.messageId} of topic ${context.topic} is no request: nobody gets a reply.`,
      );
      return call();
    }
    let value: unknown;
    try {
      value = await call();
    } catch (error) {
      return this.failed(context, error);
    }
    if (value instanceof ConsumeResult) return value;
    await this.answer(context, value);
    return undefined;
  }

  /** What the handler decided about its message stands; any other error ends the request. */
  private async failed(context: RocketMQContext, error: unknown): Promise<unknown> {
    if (error instanceof RetryLaterError) throw error;
    const isTold = wantsErrors(context.message);
    if (isTold) {
      const properties = { [ERROR_REPLY_PROPERTY]: 'true' };
      await this.reply(context, remoteError(error), 'application/json', properties);
    }
    if (error instanceof NonRetryableError) throw error;
    this.logger.error(
      `Request ${context.messageId} of topic ${context.topic} failed: ${messageOf(error)}; ` +
        (isTold ? 'the requester was told.' : 'the requester waits until its time is over.'),
      error instanceof Error ? error.stack : undefined,
    );
    return undefined;
  }

  private async answer(context: RocketMQContext, value: unknown): Promise<void> {
    try {
      await this.reply(context, value ?? null, this.settings.contentType, {});
    } catch (error) {
      // The payload could not be written: the requester shall not wait for what cannot come.
      await this.failed(context, error);
    }
  }

  /** Rejects with `MessageConversionError`; what the servers say is logged. */
  private async reply(
    context: RocketMQContext,
    value: unknown,
    wanted: string | undefined,
    marks: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { message: request } = context;
    const { body, contentType } = this.converters.encode(value, wanted);
    const properties = { ...marks, [CONTENT_TYPE_PROPERTY]: contentType };
    const { timeout } = this.settings;
    const { interceptors, connection } = this.backend;
    const send = async (answer: {
      readonly body: Uint8Array;
      readonly properties?: Readonly<Record<string, string>>;
    }): Promise<SendResult> => {
      const producer = await this.backend.producer();
      const told = { body: answer.body, properties: answer.properties ?? {} };
      return producer.reply(request, told, timeout === undefined ? {} : { timeout });
    };
    const draft = { topic: context.topic, body, properties };
    try {
      if (interceptors.length === 0) await send(draft);
      else {
        const kind = { kind: 'reply', connection } as const;
        await throughInterceptors(interceptors, kind, [{ message: draft, payload: value }], (all) =>
          send(all[0] ?? draft),
        );
      }
    } catch (error) {
      this.logger.warn(
        `The reply to ${context.messageId} of topic ${context.topic} did not reach the requester: ` +
          `${messageOf(error)}`,
      );
    }
  }
}
