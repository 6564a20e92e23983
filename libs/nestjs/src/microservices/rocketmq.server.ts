import type { OnModuleDestroy } from '@nestjs/common';
import {
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
  type ReadPacket,
} from '@nestjs/microservices';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { PropertyName } from '@nestjs-rocketmq/message';
import { isObservable, lastValueFrom } from 'rxjs';
import { ConsumeResult } from '../consume-result.js';
import type { PortReply } from '../client-port.js';
import type { GroupConsumer } from '../listener/group-consumer.js';
import { RetryLaterError, RocketMQClosedError } from '../nestjs.errors.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import { topicsOf } from './patterns.js';
import type { RocketMQTransportEvents } from './rocketmq.client.js';
import { RocketMQRpcContext } from './rocketmq-rpc.context.js';
import { replyWith, replyWithError } from './rpc-reply.js';
import { serverListener } from './server-listener.js';
import { TransportLink, type RocketMQStatus } from './transport-link.js';
import type { RocketMQServerOptions } from './transport-options.js';

/** Limits a handler to this transport: `@EventPattern('orders', ROCKETMQ_TRANSPORT)`. */
export const ROCKETMQ_TRANSPORT: unique symbol = Symbol.for('nestjs-rocketmq:transport') as never;

/**
 * RocketMQ as a transport of `@nestjs/microservices`. Patterns are `topic` or `topic:tag`; the more
 * exact one gets a message. A message is acknowledged when its handlers have ended well (an observable
 * when it completes), and delivered again or put to the dead letters by the rules of
 * `@RocketMQListener` otherwise; see `RocketMQRpcExceptionFilter` for errors with a meaning. A request
 * is answered with the last value of its handler, or with its error.
 *
 * `close` stops pulling, waits for the handlers in hand up to `consumer.shutdownTimeout`, commits and
 * leaves the group. Make it a provider to have that done in `onModuleDestroy`, before Nest comes to
 * close what the handlers need.
 *
 * @example
 * ```ts
 * const strategy = new RocketMQServer({ nameServers: 'localhost:9876', group: 'orders-service' });
 * const app = await NestFactory.createMicroservice(AppModule, { strategy });
 * await app.listen();
 * ```
 */
export class RocketMQServer
  extends Server<RocketMQTransportEvents, RocketMQStatus>
  implements CustomTransportStrategy, OnModuleDestroy
{
  override transportId: symbol = ROCKETMQ_TRANSPORT;
  override readonly propagatesEventHandlerErrors = true;
  private readonly link: TransportLink;
  private listener: GroupConsumer | undefined;
  private closing: Promise<void> | undefined;
  private readonly told = new Set<string>();

  constructor(private readonly options: RocketMQServerOptions) {
    super();
    this.link = new TransportLink(options);
    this.link.onStatus((status) => this._status$.next(status));
  }

  /** Called by Nest: connects and starts to consume; what goes wrong is handed to `callback`. */
  async listen(callback: (error?: unknown) => unknown): Promise<void> {
    try {
      await this.options.app?.init();
      await this.start();
    } catch (error) {
      await this.close();
      callback(error);
      return;
    }
    callback();
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  /** For a server that is a provider: drains before Nest closes the others. */
  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  override on<K extends keyof RocketMQTransportEvents>(
    event: K,
    callback: RocketMQTransportEvents[K],
  ): void {
    this.link.events.on(event, callback as never);
  }

  /** A `RocketMQTemplate` on its connection. Throws `RocketMQClosedError` before `listen`. */
  unwrap<T>(): T {
    if (this.listener !== undefined) return this.link.template as T;
    throw new RocketMQClosedError('RocketMQServer does not listen yet; call listen() before.');
  }

  /** Runs the handlers of an event and waits for them; rejects with their error. */
  override async handleEvent(
    pattern: string,
    packet: ReadPacket,
    context: RocketMQRpcContext,
  ): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) return this.unhandled(context.getContext());
    return this.processed(context, () => this.resultOf(handler, packet.data, context));
  }

  private async start(): Promise<void> {
    const { link, options } = this;
    const { problems } = link.connections;
    const patterns = [...this.messageHandlers.keys()];
    const topic = topicsOf(patterns, problems);
    const listener =
      patterns.length === 0
        ? undefined
        : serverListener(link.connections, { topic, group: options.group }, (payload, context) =>
            this.handle(payload, context),
          );
    await link.open();
    if (listener === undefined) {
      this.logger.warn(
        'RocketMQServer has no handlers: no method has @EventPattern or @MessagePattern.',
      );
    }
    await listener?.start();
    this.listener = listener;
    this._status$.next('connected');
  }

  private async closeAll(): Promise<void> {
    await this.listener?.stop();
    await this.link.close();
    this._status$.next('disconnected');
  }

  private async handle(payload: unknown, context: RocketMQContext): Promise<unknown> {
    const { topic, tag, properties } = context;
    const exact = `${topic}:${tag ?? ''}`;
    const pattern = this.messageHandlers.has(exact) ? exact : topic;
    const rpc = new RocketMQRpcContext([context, pattern]);
    const isRequest = properties[PropertyName.REPLY_TO_CLIENT] !== undefined;
    if (isRequest) return this.answer(pattern, payload, rpc);
    return this.handleEvent(pattern, { pattern, data: payload }, rpc).catch(rethrown);
  }

  /** Runs the handler of a request and replies. The requester learns of errors, so they end it. */
  private async answer(pattern: string, data: unknown, rpc: RocketMQRpcContext): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) return this.unhandled(rpc.getContext());
    const { converters } = this.link.backend;
    let reply;
    try {
      const value = await this.processed(rpc, () => this.resultOf(handler, data, rpc));
      if (value instanceof ConsumeResult) return value;
      reply = replyWith(converters, value);
    } catch (error) {
      if (error instanceof RetryLaterError || error instanceof ConsumeResult)
        return rethrown(error);
      reply = replyWithError(converters, error);
    }
    await this.reply(rpc, reply);
    return undefined;
  }

  private async reply(rpc: RocketMQRpcContext, reply: PortReply): Promise<void> {
    const message = rpc.getMessage();
    try {
      const producer = await this.link.backend.producer();
      await producer.reply(message, reply);
    } catch (error) {
      // The work is done; doing it again would not bring back a requester who is gone.
      this.logger.warn(
        `The reply to request ${message.msgId} (${rpc.getPattern()}) did not arrive: ` +
          `${messageOf(error)}.`,
      );
    }
  }

  private async resultOf(
    handler: MessageHandler,
    data: unknown,
    context: RocketMQRpcContext,
  ): Promise<unknown> {
    const result: unknown = await handler(data, context);
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  /** Between Nest's hooks of processing, if somebody has set them. */
  private processed<T>(context: RocketMQRpcContext, work: () => Promise<T>): Promise<T> {
    const { transportId } = this;
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error as Error);
        } finally {
          this.onProcessingEndHook?.(transportId, context);
        }
      };
      this.onProcessingStartHook(transportId, context, run);
    });
  }

  private unhandled(context: RocketMQContext): ConsumeResult {
    const { topic, tag } = context;
    const what = tag === undefined ? `topic '${topic}' without a tag` : `'${topic}:${tag}'`;
    const reason = `no handler of this service has the pattern of ${what}`;
    const { onUnhandled = 'dead-letter' } = this.options;
    if (!this.told.has(what)) {
      this.told.add(what);
      const fate = {
        'dead-letter': 'go to the dead letters',
        retry: 'come again',
        skip: 'are skipped',
      };
      this.logger.warn(
        `Messages of ${what} ${fate[onUnhandled]}: ${reason}. Members of one group must have the same ` +
          "handlers; see 'onUnhandled'.",
      );
    }
    if (onUnhandled === 'skip') return ConsumeResult.success();
    return onUnhandled === 'retry' ? ConsumeResult.retryLater() : ConsumeResult.deadLetter(reason);
  }
}

/** A decision that was thrown counts like one that was returned; others are thrown as errors. */
function rethrown(thrown: unknown): ConsumeResult {
  if (thrown instanceof ConsumeResult) return thrown;
  if (thrown instanceof Error) throw thrown;
  const { message } = (thrown ?? {}) as { message?: unknown };
  throw new Error(typeof message === 'string' ? message : JSON.stringify(thrown));
}
