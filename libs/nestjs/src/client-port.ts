/**
 * What this package needs of a RocketMQ client. The factory behind `ROCKETMQ_CLIENT_FACTORY` gives
 * these; the default one stands on `@nestjs-rocketmq/client`, specs bring their own.
 */
import type {
  HashKey,
  LitePullConsumer,
  PushConsumer,
  PushConsumerOptions,
  QueueSelector,
  TransactionalProducer,
} from '@nestjs-rocketmq/client';
import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import type { ConnectionSettings } from './options/module-settings.js';
import type { ProducerValues } from './options/producer-options.js';

export type { HashKey, QueueSelector };

export type SendStatus =
  'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

/** What a broker answered to a send. */
export interface SendResult {
  readonly status: SendStatus;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  readonly queueOffset: number;
  readonly transactionId?: string | undefined;
  /** Of a timer message: what `template.recall` needs to take it back. */
  readonly recallHandle?: string | undefined;
}

/** At most one of `queue`, `hashKey` and `selector` is given. */
export interface PortSendOptions {
  /** Exactly this queue. */
  readonly queue?: MessageQueue;
  /** Messages of one key go to one queue, chosen as Java's SelectMessageQueueByHash does. */
  readonly hashKey?: HashKey;
  /** Chooses the queue. */
  readonly selector?: QueueSelector;
  /** Milliseconds for the whole call, retries included. */
  readonly timeout?: number;
}

/** The reply to a request. */
export interface PortReply {
  readonly body: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
}

export type PortVerdict = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

export interface PortTransactionListener {
  execute(message: OutgoingMessage, arg: unknown, transactionId: string): Promise<PortVerdict>;
  check(message: StoredMessage): Promise<PortVerdict>;
}

export interface ProducerPort {
  /** The client's own producer, where there is one. */
  readonly native?: TransactionalProducer;
  start(): Promise<void>;
  close(deadline: number): Promise<void>;
  send(message: OutgoingMessage, options?: PortSendOptions): Promise<SendResult>;
  sendOneWay(message: OutgoingMessage, options?: PortSendOptions): Promise<void>;
  /**
   * As few requests as sizes allow, one result for each message. Rejects with an error that has
   * the `results` of what was sent, and why the rest was not as its `cause`.
   */
  sendInBatches(
    messages: readonly OutgoingMessage[],
    options?: PortSendOptions & { readonly maxBatchBytes?: number },
  ): Promise<SendResult[]>;
  sendInTransaction(
    message: OutgoingMessage,
    arg: unknown,
    options?: PortSendOptions,
  ): Promise<SendResult & { readonly verdict: PortVerdict; readonly transactionId: string }>;
  /** Resolves with the reply of whoever consumes the message. */
  request(message: OutgoingMessage, options?: PortSendOptions): Promise<PortReply>;
  /** Answers a request that was consumed. */
  reply(
    request: StoredMessage,
    answer: PortReply,
    options?: { readonly timeout?: number },
  ): Promise<SendResult>;
  /** Takes a timer message back; answers its id. */
  recall(topic: string, handle: string, options?: { readonly timeout?: number }): Promise<string>;
}

/** What the client tells about the messages that it hands over. */
export interface PortConsumeContext {
  readonly queue: MessageQueue;
  /** Aborted when the messages are no longer ours to handle: time-out, queue lost, shutdown. */
  readonly signal: AbortSignal;
  /** The consume time-out is over; when concurrent, the messages have been given back. */
  readonly isTimedOut?: boolean;
}

/** What becomes of one message; `error` is what its handler threw, for those who look on. */
export type PortConsumeVerdict = { readonly error?: unknown } & (
  | { readonly kind: 'success' }
  /** Delay level 0: the broker's ladder. An orderly queue rests for `suspendMs` instead. */
  | { readonly kind: 'retry'; readonly delayLevel: number; readonly suspendMs: number }
  | { readonly kind: 'dead-letter'; readonly reason: string }
);

/** One verdict for all messages of a call, or one for each in their order. */
export type PortConsumeVerdicts = PortConsumeVerdict | readonly PortConsumeVerdict[];

/** A verdict for each of `count` messages. */
export function eachVerdict(
  given: PortConsumeVerdicts,
  count: number,
): readonly PortConsumeVerdict[] {
  if (isEach(given)) return given;
  return Array.from({ length: count }, () => given);
}

function isEach(given: PortConsumeVerdicts): given is readonly PortConsumeVerdict[] {
  return Array.isArray(given);
}

/** Options of the client's consumer that listeners have under the same names. */
export type PassedOnConsumerOptions = Pick<
  PushConsumerOptions,
  | 'pullBatchBytes'
  | 'pullInterval'
  | 'pullThresholdForQueue'
  | 'pullThresholdSizeForQueue'
  | 'pullThresholdForTopic'
  | 'pullThresholdSizeForTopic'
  | 'consumeConcurrentlyMaxSpan'
  | 'strategy'
  | 'enableTrace'
  | 'traceTopic'
>;

export interface PortConsumerOptions {
  readonly group: string;
  readonly subscriptions: readonly {
    readonly topic: string;
    readonly expression?: string;
    readonly sql?: string;
  }[];
  readonly mode: 'concurrent' | 'orderly';
  readonly model: 'clustering' | 'broadcasting';
  readonly from: 'last' | 'first' | { readonly timestamp: number };
  readonly concurrency: number;
  /** The most messages of one call of `listener`. */
  readonly batch: number;
  /** How long a call waits for more of a batch, ms. */
  readonly batchWait: number;
  readonly pullBatchSize: number;
  /** -1: the mode's own. */
  readonly maxReconsumeTimes: number;
  /** Milliseconds. */
  readonly consumeTimeout: number;
  /** Where a broadcasting consumer keeps its offsets; undefined: the client's own folder. */
  readonly offsetDirectory: string | undefined;
  readonly passedOn: PassedOnConsumerOptions;
  /** The user's last word on the options of the client. */
  readonly configure:
    ((options: PushConsumerOptions) => PushConsumerOptions | undefined | void) | undefined;
  /** Never throws or rejects; answers at once where the handler did. */
  readonly listener: (
    messages: readonly StoredMessage[],
    context: PortConsumeContext,
  ) => PortConsumeVerdicts | Promise<PortConsumeVerdicts>;
  /** Told with the queues of a topic that are this consumer's, whenever they are shared out anew. */
  readonly onAssigned?: (topic: string, mine: readonly MessageQueue[]) => void;
}

/** Where a consumer stands in one of its queues. */
export interface ConsumerQueueStatus {
  readonly queue: MessageQueue;
  /** Everything below is finished; undefined while that is not known. */
  readonly committed: number | undefined;
  /** Where the next pull begins. */
  readonly pullOffset: number;
  /** Messages in hand that are not finished. */
  readonly held: number;
  /** One past the last message of the queue, as the broker said last. */
  readonly end: number;
  readonly isPaused: boolean;
  /** ms since 1970; 0: never. */
  readonly pulledAt: number;
  readonly consumedAt: number;
}

/** How a consumer is doing. */
export interface ConsumerStatus {
  readonly clientId: string;
  readonly isRunning: boolean;
  readonly isPaused: boolean;
  readonly queues: readonly ConsumerQueueStatus[];
}

/** A broker that the name servers know. */
export interface KnownBroker {
  readonly name: string;
  /** `host:port` of its master, else of a slave. */
  readonly address: string;
}

export interface ConsumerPort {
  start(): Promise<void>;
  /** Stops pulling, waits for handlers in hand up to `deadline` ms, commits, unregisters. */
  close(deadline: number): Promise<void>;
  pause(): void;
  resume(): void;
  /** Absent: this client cannot say. */
  status?(): ConsumerStatus;
  /** The client's own consumer. Absent: it is of another kind. */
  client?(): PushConsumer;
}

/** What a pull consumer of the client is given; times in milliseconds. */
export interface PortPullOptions {
  readonly group: string;
  readonly subscriptions: readonly {
    readonly topic: string;
    readonly expression?: string;
    readonly sql?: string;
  }[];
  readonly model: 'clustering' | 'broadcasting';
  readonly from: 'last' | 'first' | { readonly timestamp: number };
  readonly pullBatchSize: number;
  readonly offsetDirectory: string | undefined;
  readonly trace: boolean;
  readonly traceTopic: string | undefined;
}

/** Messages of one queue in order; never empty. */
export interface PortBatch {
  readonly queue: MessageQueue;
  readonly messages: readonly StoredMessage[];
  /** One past the last message. */
  readonly offset: number;
}

/** A consumer that is asked for messages; it commits nothing by itself. */
export interface PullPort {
  /** The client's own consumer, where there is one. */
  readonly native?: LitePullConsumer;
  start(): Promise<void>;
  /** Undefined when nothing came within `timeout` ms, or the consumer was closed. */
  poll(timeout: number): Promise<PortBatch | undefined>;
  /** With `persist` the broker has it when this resolves, else soon. */
  commit(
    offsets: readonly { readonly queue: MessageQueue; readonly offset: number }[],
    persist: boolean,
  ): Promise<void>;
  close(deadline: number): Promise<void>;
}

/** One connection's clients. */
export interface ClientPort {
  producer(values: ProducerValues, transactions: PortTransactionListener): ProducerPort;
  consumer(options: PortConsumerOptions): ConsumerPort;
  /** Missing where there are no pull consumers, in tests for example. */
  pullConsumer?(options: PortPullOptions): PullPort;
  /** Asks a name server for the brokers; rejects when none answers. Absent: not known here. */
  brokers?(): Promise<readonly KnownBroker[]>;
  /** Whether a server takes a connection; never rejects. Absent: not known here. */
  reaches?(address: string): Promise<boolean>;
  /** Told whenever a connection to a server has gone. */
  onConnectionClosed?(listener: () => void): void;
  /** How many queues of a topic are known from the name servers; undefined: no route is known. */
  routeOf?(topic: string): { readonly queues: number } | undefined;
  /** After all of its producers and consumers; ends whatever the servers do. */
  close(): Promise<void>;
}

/** What stands behind `ROCKETMQ_CLIENT_FACTORY`. */
export interface ClientFactory {
  /** The clock of its clients, when the options name none: the whole application goes by it. */
  readonly clock?: Clock;
  /** `logger` is where the client tells what it does; its `child`s have contexts of their own. */
  connect(connection: ConnectionSettings, clock: Clock, logger: Logger): ClientPort;
}
