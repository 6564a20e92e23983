import { parseDuration } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import type { PortSendOptions, ProducerPort, SendResult } from '../client-port.js';
import { CONTENT_TYPE_PROPERTY, type MessageConverters } from '../converter/message-converters.js';
import { BatchPartlySentError, RocketMQSendError } from '../nestjs.errors.js';
import type { DelayLevels } from '../options/delay-levels.js';
import type { Duration } from '../options/duration.js';
import { LocalWork, type TransactionDispatcher } from '../transaction/transaction-dispatcher.js';
import type { TransactionVerdict } from '../transaction/transaction-handler.js';
import { cutBatch } from './batch.js';
import { parseDestination } from './destination.js';
import type {
  BatchOptions,
  Delay,
  SendOptions,
  TransactionSendOptions,
  TransactionSendResult,
} from './send-options.js';

/** What a template stands on: one producer of one connection. */
export interface TemplateBackend {
  readonly connection: string;
  readonly converters: MessageConverters;
  readonly delayLevels: DelayLevels;
  /** Largest body in bytes. */
  readonly maxMessageSize: number;
  readonly transactions: TransactionDispatcher;
  /** The started producer. Rejects with `RocketMQClosedError` after the application is closed. */
  producer(): Promise<ProducerPort>;
}

/**
 * Sends messages. `destination` is `topic` or `topic:tag`; the payload is turned into bytes by its
 * content type (JSON by default, texts and bytes as they are).
 *
 * Every method rejects with `RocketMQSendError` for calls that cannot work as written, with
 * `MessageConversionError` for payloads that cannot be written, and with the client's errors for
 * messages that did not arrive.
 */
export class RocketMQTemplate {
  constructor(private readonly backend: TemplateBackend) {
    if (typeof (backend as Partial<TemplateBackend> | undefined)?.producer === 'function') return;
    throw new RocketMQSendError(
      "RocketMQTemplate was created without a connection. Do not list it under 'providers': " +
        'import RocketMQModule.forRoot(...) in the root module, the template can then be ' +
        'injected everywhere.',
    );
  }

  /** Sends and waits until the broker has stored the message. */
  async send<T>(destination: string, payload: T, options: SendOptions = {}): Promise<SendResult> {
    const message = this.compose(destination, payload, options);
    const producer = await this.backend.producer();
    return producer.send(message, portOptions(options));
  }

  /** Sends without waiting for an answer: fast, and lost when the broker does not get it. */
  async sendOneWay<T>(destination: string, payload: T, options: SendOptions = {}): Promise<void> {
    const message = this.compose(destination, payload, options);
    const producer = await this.backend.producer();
    await producer.sendOneWay(message, portOptions(options));
  }

  /** Messages of one `hashKey` go to one queue, so that orderly listeners see them in order. */
  async sendOrderly<T>(
    destination: string,
    payload: T,
    hashKey: string,
    options: Omit<SendOptions, 'hashKey'> = {},
  ): Promise<SendResult> {
    if (typeof hashKey !== 'string' || hashKey === '') {
      throw new RocketMQSendError(
        `sendOrderly to '${destination}' needs a hash key, for example the id of the order.`,
        { details: { destination, hashKey } },
      );
    }
    return this.send(destination, payload, { ...options, hashKey });
  }

  /** Delivers later: `'30s'`, milliseconds, `{ delayLevel: 4 }`; times are rounded up to a level. */
  async sendDelayed<T>(
    destination: string,
    payload: T,
    delay: Delay,
    options: Omit<SendOptions, 'delayLevel' | 'delayMs'> = {},
  ): Promise<SendResult> {
    const given = typeof delay === 'object' ? delay : { delayMs: delay };
    return this.send(destination, payload, { ...options, ...given });
  }

  /**
   * Sends many messages of one topic in as few requests as `maxMessageSize` allows, and gives the
   * result of each request. Throws `BatchPartlySentError` when a later request fails.
   */
  async sendBatch<T>(
    destination: string,
    payloads: readonly T[],
    options: BatchOptions<T> = {},
  ): Promise<SendResult[]> {
    const messages = payloads.map((payload, index) => {
      const { tags, keys, properties, ...rest } = options;
      const own = { tags: one(tags), keys: one(keys), properties: one(properties) };
      function one<V>(value: V | ((payload: T, index: number) => V)): V {
        return typeof value === 'function'
          ? (value as (payload: T, index: number) => V)(payload, index)
          : value;
      }
      return this.compose(destination, payload, { ...rest, ...present(own) });
    });
    if (messages.length === 0) return [];
    const producer = await this.backend.producer();
    const results: SendResult[] = [];
    for (const part of cutBatch(messages, this.backend.maxMessageSize)) {
      try {
        results.push(await producer.sendBatch(part, portOptions(options)));
      } catch (error) {
        if (results.length === 0) throw error;
        throw new BatchPartlySentError(
          `${results.length} parts of the batch to '${destination}' arrived, the next one failed.`,
          results,
          { cause: error, details: { destination } },
        );
      }
    }
    return results;
  }

  /**
   * Stores a half message, runs `execute` of the topic's `@RocketMQTransactionListener` with the
   * payload and `arg`, and delivers or drops the message as it says. Throws
   * `TransactionListenerMissingError` when no listener answers for the topic.
   */
  async sendInTransaction<T, A>(
    destination: string,
    payload: T,
    arg?: A,
    options: TransactionSendOptions = {},
  ): Promise<TransactionSendResult> {
    const { delayLevel, delayMs } = options as SendOptions;
    if (delayLevel !== undefined || delayMs !== undefined) {
      throw new RocketMQSendError(
        `A transactional message cannot be delayed ('${destination}'): brokers drop the delay. ` +
          'Send a delayed message from the listener of the first one.',
        { details: { destination, delayLevel, delayMs } },
      );
    }
    const message = this.compose(destination, payload, options);
    this.backend.transactions.hostFor(message.topic);
    const producer = await this.backend.producer();
    const work = new LocalWork(payload, arg);
    const result = await producer.sendInTransaction(message, work, portOptions(options));
    const verdict = result.verdict.toLowerCase() as TransactionVerdict;
    return { ...result, verdict, ...(work.error === undefined ? {} : { error: work.error }) };
  }

  /** Spring's name of `send`. */
  syncSend<T>(destination: string, payload: T, options?: SendOptions): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /** Spring's name of `send`; every send is asynchronous here. */
  asyncSend<T>(destination: string, payload: T, options?: SendOptions): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /** Spring's name of `send`, without the result. */
  async convertAndSend<T>(destination: string, payload: T, options?: SendOptions): Promise<void> {
    await this.send(destination, payload, options);
  }

  /** Spring's name of `sendOrderly`. */
  syncSendOrderly<T>(
    destination: string,
    payload: T,
    hashKey: string,
    options?: Omit<SendOptions, 'hashKey'>,
  ): Promise<SendResult> {
    return this.sendOrderly(destination, payload, hashKey, options);
  }

  /** Spring's name of `sendInTransaction`. */
  sendMessageInTransaction<T, A>(
    destination: string,
    payload: T,
    arg?: A,
    options?: TransactionSendOptions,
  ): Promise<TransactionSendResult> {
    return this.sendInTransaction(destination, payload, arg, options);
  }

  private compose(destination: string, payload: unknown, options: SendOptions): OutgoingMessage {
    const { topic, tags } = parseDestination(destination, options.tags);
    if (payload === undefined || payload === null) {
      throw new RocketMQSendError(
        `The message to '${destination}' has no payload (it is ${String(payload)}); send {} or ` +
          `'' when there is nothing to say.`,
        { details: { destination } },
      );
    }
    const { body, contentType } = this.backend.converters.encode(payload, options.contentType);
    const delayLevel = this.delayLevel(destination, options);
    const { keys, flag } = options;
    return {
      topic,
      body,
      properties: { ...options.properties, [CONTENT_TYPE_PROPERTY]: contentType },
      ...present({ tags, keys, flag, delayLevel }),
    };
  }

  private delayLevel(destination: string, options: SendOptions): number | undefined {
    const { delayLevel, delayMs } = options;
    const { delayLevels } = this.backend;
    if (delayMs === undefined) {
      if (delayLevel === undefined) return undefined;
      if (Number.isInteger(delayLevel) && delayLevel >= 0 && delayLevel <= delayLevels.count) {
        return delayLevel;
      }
      throw new RocketMQSendError(
        `The delay level of the message to '${destination}' must be a whole number from 0 to ` +
          `${delayLevels.count}, but is ${delayLevel}.`,
        { details: { destination, delayLevel } },
      );
    }
    const level = delayLevels.levelFor(delayMs);
    if (level !== undefined && delayLevel === undefined) return level;
    const why =
      delayLevel === undefined
        ? `a time up to ${delayLevels.longest} ms, the longest level of the broker, such as 30000 or '30s'`
        : "given either as 'delayLevel' or as 'delayMs', not both";
    throw new RocketMQSendError(
      `The delay of the message to '${destination}' must be ${why}, but is ${JSON.stringify(delayMs)}.`,
      { details: { destination, delayMs, delayLevel } },
    );
  }
}

function portOptions(options: {
  readonly hashKey?: string;
  readonly timeout?: Duration;
}): PortSendOptions {
  const { hashKey, timeout } = options;
  const ms = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && (ms === undefined || ms <= 0)) {
    throw new RocketMQSendError(
      `The time-out must be milliseconds or a text such as '3s', but is ${JSON.stringify(timeout)}.`,
      { details: { timeout } },
    );
  }
  return present({ hashKey, timeout: ms });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the entries that are undefined. */
function present<T extends object>(values: T): Present<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}
