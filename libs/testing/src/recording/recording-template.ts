import {
  DelayLevels,
  MessageConverters,
  RocketMQTemplate,
  TransactionDispatcher,
  type MessageConverter,
  type TransactionHandler,
  type TransactionListenerHost,
} from 'nestjs-rocketmq';
import {
  RecordingProducer,
  type RecordedMessage,
  type ScriptedReply,
} from './recording-producer.js';

/** Options of `RecordingRocketMQTemplate`: what the application's `RocketMQModule` has. */
export interface RecordingOptions {
  readonly converters?: readonly MessageConverter[];
  /** Content type of objects. Default `application/json`. */
  readonly contentType?: string;
  /** The broker's `messageDelayLevel` when it was changed. */
  readonly delayLevels?: string;
}

/** Transactions without listeners: every local part commits, unless the test says otherwise. */
class ScriptedTransactions extends TransactionDispatcher {
  readonly scripts = new Map<string, TransactionHandler['execute']>();

  override hostFor(topic: string, name?: string): TransactionListenerHost {
    const execute = this.scripts.get(name ?? topic) ?? this.scripts.get(topic);
    const handler: TransactionHandler = {
      execute: execute ?? (() => 'commit'),
      check: () => 'unknown',
    };
    return {
      name: 'RecordingRocketMQTemplate',
      topics: undefined,
      canExecute: true,
      instance: () => Promise.resolve(handler),
    };
  }
}

interface Script {
  readonly producer: RecordingProducer;
  readonly transactions: ScriptedTransactions;
}

/**
 * A `RocketMQTemplate` for unit tests: it checks and converts as the real one does, and instead of
 * sending it writes down.
 *
 * @example
 * ```ts
 * const template = new RecordingRocketMQTemplate();
 * template.replyTo('prices', ({ sku }) => ({ sku, cents: 100 }));
 * const orders = new OrdersService(template);
 * await orders.place({ id: 1 });
 * expect(template.sentTo('orders')).toMatchObject([{ tag: 'placed', payload: { id: 1 } }]);
 * ```
 */
export class RecordingRocketMQTemplate<
  Topics extends object = object,
> extends RocketMQTemplate<Topics> {
  private readonly script: Script;

  constructor(options: RecordingOptions = {}) {
    const converters = new MessageConverters(options.converters, options.contentType);
    const transactions = new ScriptedTransactions('recording', converters);
    const producer = new RecordingProducer(converters, transactions);
    super({
      connection: 'recording',
      converters,
      delayLevels: new DelayLevels(options.delayLevels),
      queueSelector: undefined,
      transactions,
      interceptors: [],
      running: producer,
      producer: () => Promise.resolve(producer),
    });
    this.script = { producer, transactions };
  }

  /** Everything that was sent, in its order; rolled back transactions are not. */
  get sent(): readonly RecordedMessage[] {
    return this.recorded.filter(({ verdict }) => verdict === undefined || verdict === 'commit');
  }

  /** Every call, those of transactions that were rolled back or left open as well. */
  get recorded(): readonly RecordedMessage[] {
    return this.script.producer.recorded;
  }

  /** What was sent to `topic` or `topic:tag`. */
  sentTo<T = unknown>(destination: string): RecordedMessage<T>[] {
    const [topic, tag] = destination.split(':');
    return this.sent.filter(
      (one) => one.topic === topic && (tag === undefined || one.tag === tag),
    ) as RecordedMessage<T>[];
  }

  /** What `request` to `topic` or `topic:tag` resolves with: a value, or a function of the payload. */
  replyTo(destination: string, reply: unknown): this {
    const script = typeof reply === 'function' ? (reply as ScriptedReply) : () => reply;
    this.script.producer.replies.set(destination, script);
    return this;
  }

  /** The next calls (`times` of them, by default one) reject with `error`; of one topic, or of all. */
  failNext(
    error: Error,
    { topic, times = 1 }: { readonly topic?: string; readonly times?: number } = {},
  ): this {
    this.script.producer.fail(error, topic, times);
    return this;
  }

  /**
   * What `execute` of the transaction listener does in `sendInTransaction`, by the topic of the message
   * or the name of the listener. Default: it commits. Inline transactions run as they are.
   */
  onTransaction(topicOrName: string, execute: TransactionHandler['execute']): this {
    this.script.transactions.scripts.set(topicOrName, execute);
    return this;
  }

  /** Forgets what was recorded and failures that have not happened; replies stay. */
  clear(): void {
    this.script.producer.clear();
  }
}
