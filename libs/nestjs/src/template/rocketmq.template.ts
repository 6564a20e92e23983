import type { TransactionalProducer } from '@nestjs-rocketmq/client';
import type { SendResult } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import {
  BatchPartlySentError,
  RocketMQClosedError,
  RocketMQReceiveError,
  RocketMQSendError,
} from '../nestjs.errors.js';
import type { ReceiveOptions, RocketMQPullConsumer } from '../pull/pull-consumer.js';
import type { PullConsumerOptions } from '../pull/pull-options.js';
import type { ReceivedMessages } from '../pull/received-messages.js';
import { LocalWork } from '../transaction/transaction-dispatcher.js';
import type { LocalTransaction } from '../transaction/transaction-handler.js';
import { sendRequest, type RequestOptions } from './requesting.js';
import { optionNames } from './send-option-table.js';
import type {
  BatchOptions,
  CallOptions,
  Delay,
  SendCallback,
  SendOptions,
  TransactionSendOptions,
  TransactionSendResult,
} from './send-options.js';
import { Sending } from './sending.js';
import type { TemplateBackend } from './template-backend.js';
import type { Destination, PayloadOf, PropertiesOf } from './topics.js';
import { sendInTransaction } from './transactional-send.js';

/**
 * Sends messages. `destination` is `topic` or `topic:tag`; the payload is turned into bytes by its
 * content type (JSON by default, texts and bytes as they are). With a map of topics
 * (`RocketMQTemplate<ShopTopics>`) destinations, payloads and properties are checked by the
 * compiler.
 *
 * Every method rejects with `RocketMQSendError` for calls that cannot work as written (an unknown
 * option among them), with `MessageConversionError` for payloads that cannot be written, with
 * `RocketMQClosedError` after the application was closed, and with the client's errors for messages
 * that did not arrive.
 *
 * @example
 * ```ts
 * interface ShopTopics {
 *   orders: OrderPlaced;
 * }
 * constructor(private readonly template: RocketMQTemplate<ShopTopics>) {}
 * // ...
 * await this.template.send('orders:placed', order, { keys: order.id, hashKey: order.id });
 * ```
 */
export class RocketMQTemplate<Topics extends object = object> {
  private readonly sending: Sending;

  constructor(private readonly backend: TemplateBackend) {
    if (typeof (backend as Partial<TemplateBackend> | undefined)?.producer !== 'function') {
      throw new RocketMQSendError(
        "RocketMQTemplate was created without a connection. Do not list it under 'providers': " +
          'import RocketMQModule.forRoot(...) in the root module, the template can then be ' +
          'injected everywhere.',
      );
    }
    this.sending = new Sending(backend);
  }

  /**
   * The client's own producer, for what the template does not offer. Throws `RocketMQClosedError`
   * before `onModuleInit` and after the application was closed.
   */
  get producer(): TransactionalProducer {
    const { native } = this.backend.running ?? {};
    if (native !== undefined) return native;
    throw new RocketMQClosedError(
      `The producer of connection '${this.backend.connection}' is not running: it is there from ` +
        'onModuleInit on until the application is closed.',
    );
  }

  /** What payloads are written and replies are read by: those of the template, connection and module. */
  get converters(): MessageConverters {
    return this.backend.converters;
  }

  /** Sends and waits until the broker has stored the message. */
  async send<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options: SendOptions<PropertiesOf<Topics, D>> = {},
  ): Promise<SendResult> {
    const values = this.sending.read(`send to '${destination}'`, options);
    return this.sending.one('send', destination, payload, values, (producer, message, port) =>
      producer.send(message, port),
    );
  }

  /** Sends without waiting for an answer: fast, and lost when the broker does not get it. */
  async sendOneWay<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options: SendOptions<PropertiesOf<Topics, D>> = {},
  ): Promise<void> {
    const values = this.sending.read(`sendOneWay to '${destination}'`, options);
    await this.sending.one('one-way', destination, payload, values, (producer, message, port) =>
      producer.sendOneWay(message, port),
    );
  }

  /** Messages of one `hashKey` go to one queue, so that orderly listeners see them in order. */
  async sendOrderly<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    hashKey: string | number | bigint,
    options: Omit<SendOptions<PropertiesOf<Topics, D>>, 'hashKey' | 'queue' | 'selector'> = {},
  ): Promise<SendResult> {
    if (hashKey === '' || (hashKey as unknown) === undefined || (hashKey as unknown) === null) {
      throw new RocketMQSendError(
        `sendOrderly to '${destination}' needs a hash key, for example the id of the order.`,
        { details: { destination, hashKey } },
      );
    }
    return this.send(destination, payload, { ...options, hashKey });
  }

  /**
   * Delivers later: `'30s'` or milliseconds (rounded up to a delay level), a `Date`, or
   * `{ delayLevel }`, `{ delayMs, exact }`, `{ deliverAt }`; see `DelayOptions`.
   */
  async sendDelayed<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    delay: Delay,
    options: CallOptions<PropertiesOf<Topics, D>> = {},
  ): Promise<SendResult> {
    return this.send(destination, payload, { ...options, ...delayOptions(delay) });
  }

  /**
   * Sends many messages of one topic in as few requests as sizes allow, one after the other, and
   * gives a result for each message, in their order. Rejects with `BatchPartlySentError` when a
   * later request fails; what comes behind it is not sent then.
   */
  async sendBatch<D extends Destination<Topics>, T extends PayloadOf<Topics, D>>(
    destination: D,
    payloads: readonly T[],
    options: BatchOptions<T, PropertiesOf<Topics, D>> = {},
  ): Promise<SendResult[]> {
    const call = `sendBatch to '${destination}'`;
    const { tags, keys, properties, ...rest } = options;
    const common = this.sending.read(call, rest, optionNames.batch);
    const prepared = payloads.map((payload, index) => {
      function one<V>(value: V | ((payload: T, index: number) => V)): V {
        return typeof value === 'function'
          ? (value as (payload: T, index: number) => V)(payload, index)
          : value;
      }
      const own = { tags: one(tags), keys: one(keys), properties: one(properties) };
      const values = { ...common, ...this.sending.read(call, own, optionNames.batch) };
      return this.sending.prepare(destination, payload, values);
    });
    if (prepared.length === 0) return [];
    const { maxBatchBytes } = common;
    const size = maxBatchBytes === undefined ? {} : { maxBatchBytes };
    try {
      return await this.sending.many(destination, prepared, common, (producer, messages, port) =>
        producer.sendInBatches(messages, { ...port, ...size }),
      );
    } catch (error) {
      throw partlySent(destination, payloads.length, error);
    }
  }

  /**
   * Takes a timer message back before it is due; `sent` is the result of its send. Answers the
   * message's id. Needs Apache RocketMQ from 5.3.2 on, with `recallMessageEnable=true`; rejects with
   * the client's `BrokerRefusedError` when it is too late.
   */
  async recall(sent: SendResult, options: Pick<CallOptions, 'timeout'> = {}): Promise<string> {
    const { recallHandle, queue } = sent;
    const { timeout } = this.sending.read('recall', options);
    if (recallHandle === undefined || recallHandle === '') {
      throw new RocketMQSendError(
        "Only timer messages can be recalled: those sent with 'deliverAt' or 'exact', or with a " +
          'delay beyond the longest level, to a broker that gives a recallHandle (Apache RocketMQ ' +
          'from 5.3.2 on).',
        { details: { msgId: sent.msgId } },
      );
    }
    const producer = await this.backend.producer();
    return producer.recall(queue.topic, recallHandle, timeout === undefined ? {} : { timeout });
  }

  /**
   * Stores a half message, runs `execute` of the `@RocketMQTransactionListener` with the payload and
   * `arg`, and delivers or drops the message as it says. The listener is that of the topic, or the
   * one named by `listener`; rejects with `TransactionListenerMissingError`, and sends nothing, when
   * there is none. An error of `execute` means `unknown` and is `error` of the result.
   */
  async sendInTransaction<D extends Destination<Topics>, A>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    arg?: A,
    options: TransactionSendOptions<PropertiesOf<Topics, D>> = {},
  ): Promise<TransactionSendResult> {
    const call = `sendInTransaction to '${destination}'`;
    const work = new LocalWork(payload, arg);
    return sendInTransaction(this.sending, this.backend.transactions, {
      call,
      destination,
      work,
      options,
    });
  }

  /**
   * The same with the local transaction as a function: it runs when the half message is safely
   * stored. `'rollback'` and `'unknown'` decide so, anything else that it returns commits. Rejects
   * with its error (the verdict is `unknown` then: the broker asks), and with
   * `TransactionNotStoredError` when the half message was not safely stored and nothing ran. Needs a
   * `@RocketMQTransactionListener` with `check` for the topic, or for the name `listener`, because a
   * broker may ask any process of the group about it.
   *
   * @example
   * ```ts
   * await template.transaction('orders:placed', order, async ({ transactionId }) => {
   *   await orders.insert({ ...order, transactionId });
   * });
   * ```
   */
  async transaction<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    local: LocalTransaction,
    options: TransactionSendOptions<PropertiesOf<Topics, D>> = {},
  ): Promise<TransactionSendResult> {
    const call = `transaction to '${destination}'`;
    if (typeof local !== 'function') {
      throw new RocketMQSendError(`${call}: the local transaction must be a function.`);
    }
    const work = new LocalWork(payload, undefined, local);
    return sendInTransaction(this.sending, this.backend.transactions, {
      call,
      destination,
      work,
      options,
    });
  }

  /**
   * Sends a request and resolves with the reply of whoever consumes it: a `@RocketMQReplyListener`,
   * or a Java consumer. `timeout` (default `producer.sendTimeout`) is for all of it. The type of the
   * reply comes from `type` or `schema`, or is told: `request<Price>(...)`.
   *
   * Rejects with the client's `RequestTimeoutError` when no reply came in time, with
   * `RequestFailedError` when the listener failed, with `MessageConversionError` when the reply
   * cannot be read or is not what `schema` wants, and as `send` does.
   *
   * @example
   * ```ts
   * const price = await template.request('prices', { sku }, { type: Price, timeout: '2s' });
   * ```
   */
  async request<R = unknown, D extends Destination<Topics> = Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options: RequestOptions<R, PropertiesOf<Topics, D>> = {},
  ): Promise<R> {
    const { converters } = this.backend;
    return sendRequest<R>(this.sending, converters, { destination, payload, options });
  }

  /**
   * A pull consumer: one of `pullConsumers` of the connection by its name, or one with the options
   * given, which is made at the first call and kept. It is closed with the application. Throws
   * `RocketMQReceiveError` for names that nobody knows and options that cannot be.
   */
  pullConsumer<T = unknown>(from: string | PullConsumerOptions): RocketMQPullConsumer<T> {
    const { pulls, converters } = this.backend;
    if (pulls !== undefined) return pulls.get<T>(from, converters);
    throw new RocketMQReceiveError('This template only sends: it has no pull consumers.');
  }

  /**
   * Asks a pull consumer for its next messages: at most `max`, none when nothing came within
   * `timeout`. They count as processed when they are committed, not before.
   *
   * @example
   * ```ts
   * const received = await template.receive<Order>('audit', { max: 100, timeout: '2s' });
   * await store(received.payloads);
   * await received.commit();
   * ```
   */
  async receive<T = unknown>(
    from: string | PullConsumerOptions,
    options?: ReceiveOptions,
  ): Promise<ReceivedMessages<T>> {
    return this.pullConsumer<T>(from).receive(options);
  }

  /** Spring's name of `request`. */
  sendAndReceive<R = unknown, D extends Destination<Topics> = Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options?: RequestOptions<R, PropertiesOf<Topics, D>>,
  ): Promise<R> {
    return this.request<R, D>(destination, payload, options);
  }

  /** Spring's name of `send`. */
  syncSend<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options?: SendOptions<PropertiesOf<Topics, D>>,
  ): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /** Spring's name of `send`: with a callback, or without one as a promise. */
  asyncSend<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options?: SendOptions<PropertiesOf<Topics, D>>,
  ): Promise<SendResult>;
  asyncSend<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    callback: SendCallback,
    options?: SendOptions<PropertiesOf<Topics, D>>,
  ): void;
  asyncSend<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    first: SendCallback | SendOptions<PropertiesOf<Topics, D>> = {},
    options?: SendOptions<PropertiesOf<Topics, D>>,
  ): Promise<SendResult> | void {
    if (!('onSuccess' in first)) return this.send(destination, payload, first);
    const told = first;
    this.send(destination, payload, options).then(
      (result) => told.onSuccess(result),
      (error: unknown) => told.onException(error),
    );
  }

  /** Spring's name of `send`, without the result. */
  async convertAndSend<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    options?: SendOptions<PropertiesOf<Topics, D>>,
  ): Promise<void> {
    await this.send(destination, payload, options);
  }

  /** Spring's name of `sendOrderly`. */
  syncSendOrderly<D extends Destination<Topics>>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    hashKey: string | number | bigint,
    options?: Omit<SendOptions<PropertiesOf<Topics, D>>, 'hashKey' | 'queue' | 'selector'>,
  ): Promise<SendResult> {
    return this.sendOrderly(destination, payload, hashKey, options);
  }

  /** Spring's name of `sendInTransaction`. */
  sendMessageInTransaction<D extends Destination<Topics>, A>(
    destination: D,
    payload: PayloadOf<Topics, D>,
    arg?: A,
    options?: TransactionSendOptions<PropertiesOf<Topics, D>>,
  ): Promise<TransactionSendResult> {
    return this.sendInTransaction(destination, payload, arg, options);
  }
}

function delayOptions(delay: Delay): Pick<SendOptions, 'delayLevel' | 'delayMs' | 'deliverAt'> {
  if (delay instanceof Date) return { deliverAt: delay };
  return typeof delay === 'object' ? delay : { delayMs: delay };
}

function partlySent(destination: string, count: number, error: unknown): unknown {
  const { results, cause } = (error ?? {}) as { results?: SendResult[]; cause?: unknown };
  if (!Array.isArray(results)) return error;
  if (results.length === 0) return cause ?? error;
  return new BatchPartlySentError(
    `${results.length} of ${count} messages of the batch to '${destination}' arrived, then a part ` +
      'failed; what comes behind it was not sent.',
    results,
    { cause: cause ?? error, details: { destination } },
  );
}
