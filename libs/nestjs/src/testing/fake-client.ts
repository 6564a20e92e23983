import { spanOf, emptySpan, viewOf, type Clock, type Logger } from '@nestjs-rocketmq/foundation';
import {
  StoredMessage,
  encodeProperties,
  joinKeys,
  recordSize,
  writeRecord,
  type MessageQueue,
  type OutgoingMessage,
} from '@nestjs-rocketmq/message';
import { eachVerdict } from '../index.js';
import { FakePull } from './fake-pull.js';
import type {
  ClientFactory,
  ClientPort,
  ConsumerPort,
  PortConsumeVerdict,
  PortConsumerOptions,
  PortReply,
  PortSendOptions,
  PortTransactionListener,
  PortVerdict,
  ProducerPort,
  ConnectionSettings,
  ProducerValues,
  SendResult,
  SendStatus,
} from '../index.js';

/** Clients without servers: they note what they are asked, and deliver what a spec hands them. */
export class FakeClients implements ClientFactory {
  readonly producers: FakeProducer[] = [];
  readonly consumers: FakeConsumer[] = [];
  readonly pulls: FakePull[] = [];
  /** What happened, in order: `start producer orders`, `close consumer payments`, ... */
  readonly journal: string[] = [];
  /** Sees each consumer before anybody uses it. */
  onConsumer: (consumer: FakeConsumer) => void = () => undefined;
  /** Called by every `start` and `close`; specs make it fail or wait. */
  onEvent: (event: string) => Promise<void> | void = () => undefined;

  /** What the name servers know; without it the clients cannot say. */
  brokers: ClientPort['brokers'];
  reaches: ClientPort['reaches'];
  routeOf: ClientPort['routeOf'];

  /** What each connection was given to tell by. */
  readonly loggers: Logger[] = [];

  connect(connection: ConnectionSettings, _clock: Clock, logger: Logger): ClientPort {
    this.loggers.push(logger);
    const { brokers, reaches, routeOf } = this;
    return {
      ...(brokers === undefined ? {} : { brokers }),
      ...(reaches === undefined ? {} : { reaches }),
      ...(routeOf === undefined ? {} : { routeOf }),
      producer: (values, transactions) => {
        const producer = new FakeProducer(this, connection, values, transactions);
        this.producers.push(producer);
        return producer;
      },
      consumer: (options) => {
        const consumer = new FakeConsumer(this, connection, options);
        this.consumers.push(consumer);
        this.onConsumer(consumer);
        return consumer;
      },
      pullConsumer: (options) => {
        const pull = new FakePull((event) => this.note(event), options);
        this.pulls.push(pull);
        return pull;
      },
      close: () => this.note(`close connection ${connection.name}`),
    };
  }

  get sent(): OutgoingMessage[] {
    return this.producers.flatMap((producer) => producer.sent);
  }

  /** The consumer of a group; there must be one. */
  consumer(group: string): FakeConsumer {
    const found = this.consumers.find((consumer) => consumer.options.group === group);
    if (found === undefined) throw new TypeError(`no consumer of group ${group}`);
    return found;
  }

  async note(event: string): Promise<void> {
    this.journal.push(event);
    await this.onEvent(event);
  }
}

export class FakeProducer implements ProducerPort {
  readonly sent: OutgoingMessage[] = [];
  readonly options: (PortSendOptions | undefined)[] = [];
  /** The requests of `sendBatch`. */
  readonly batches: (readonly OutgoingMessage[])[] = [];
  readonly replies: { readonly request: StoredMessage; readonly answer: PortReply }[] = [];
  /** Topic and handle of each recall. */
  readonly recalled: [topic: string, handle: string][] = [];
  failWith: unknown;
  status: SendStatus = 'SEND_OK';
  /** Answers requests. */
  onRequest: (message: OutgoingMessage) => PortReply | Promise<PortReply> = (message) => ({
    body: message.body,
    properties: message.properties ?? {},
  });

  constructor(
    private readonly clients: FakeClients,
    readonly connection: ConnectionSettings,
    readonly values: ProducerValues,
    readonly transactions: PortTransactionListener,
  ) {}

  start(): Promise<void> {
    return this.clients.note(`start producer ${this.values.group}`);
  }

  close(): Promise<void> {
    return this.clients.note(`close producer ${this.values.group}`);
  }

  send(message: OutgoingMessage, options?: PortSendOptions): Promise<SendResult> {
    return this.take(message, options);
  }

  async sendOneWay(message: OutgoingMessage, options?: PortSendOptions): Promise<void> {
    await this.take(message, options);
  }

  sendInBatches(
    messages: readonly OutgoingMessage[],
    options?: PortSendOptions,
  ): Promise<SendResult[]> {
    this.batches.push(messages);
    return Promise.all(messages.map((message) => this.take(message, options)));
  }

  async sendInTransaction(
    message: OutgoingMessage,
    arg: unknown,
    options?: PortSendOptions,
  ): Promise<SendResult & { verdict: PortVerdict; transactionId: string }> {
    const result = await this.take(message, options);
    // A half message that is not safely stored is withdrawn, and nothing is done locally.
    const verdict =
      result.status === 'SEND_OK'
        ? await this.transactions.execute(message, arg, result.msgId)
        : 'ROLLBACK';
    return { ...result, verdict, transactionId: result.msgId };
  }

  async request(message: OutgoingMessage, options?: PortSendOptions): Promise<PortReply> {
    await this.take(message, options);
    return this.onRequest(message);
  }

  async reply(
    request: StoredMessage,
    answer: PortReply,
    options?: { readonly timeout?: number },
  ): Promise<SendResult> {
    this.replies.push({ request, answer });
    return this.take({ topic: 'REPLY', ...answer }, options);
  }

  async recall(topic: string, handle: string): Promise<string> {
    if (this.failWith !== undefined) throw this.failWith;
    this.recalled.push([topic, handle]);
    return handle;
  }

  private take(
    message: OutgoingMessage,
    options: PortSendOptions | undefined,
  ): Promise<SendResult> {
    if (this.failWith !== undefined) return Promise.reject(this.failWith as Error);
    this.sent.push(message);
    this.options.push(options);
    const queue = { topic: message.topic, brokerName: 'fake', queueId: 0 };
    const queueOffset = this.sent.length - 1;
    const msgId = `M${queueOffset}`;
    const { status } = this;
    return Promise.resolve({ status, msgId, offsetMsgId: msgId, queue, queueOffset });
  }
}

export class FakeConsumer implements ConsumerPort {
  isPaused = false;
  status?: NonNullable<ConsumerPort['status']>;
  readonly abort = new AbortController();

  constructor(
    private readonly clients: FakeClients,
    readonly connection: ConnectionSettings,
    readonly options: PortConsumerOptions,
  ) {}

  start(): Promise<void> {
    return this.clients.note(`start consumer ${this.options.group}`);
  }

  close(): Promise<void> {
    return this.clients.note(`close consumer ${this.options.group}`);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Delivers the messages in one call of the listener; gives a verdict for each. */
  async deliver(...messages: StoredMessage[]): Promise<readonly PortConsumeVerdict[]> {
    const queue: MessageQueue = {
      topic: messages[0]?.topic ?? 'orders',
      brokerName: 'fake',
      queueId: 0,
    };
    const given = await this.options.listener(messages, { queue, signal: this.abort.signal });
    return eachVerdict(given, messages.length);
  }

  /** Delivers one message and gives its verdict. */
  async deliverOne(message: StoredMessage): Promise<PortConsumeVerdict> {
    const [verdict] = await this.deliver(message);
    return verdict as PortConsumeVerdict;
  }
}

/** What a broker would deliver for a message; an object as payload is written as JSON. */
export function storedMessage(
  payload: unknown,
  given: Partial<OutgoingMessage> & { readonly reconsumeTimes?: number } = {},
): StoredMessage {
  const encoder = new TextEncoder();
  const body =
    payload instanceof Uint8Array
      ? payload
      : encoder.encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const { topic = 'orders', tags, keys = [], properties = {}, reconsumeTimes = 0 } = given;
  const all = {
    ...properties,
    ...(tags === undefined ? {} : { TAGS: tags }),
    ...(keys.length === 0 ? {} : { KEYS: joinKeys(keys) }),
    UNIQ_KEY: 'UNIQUE',
  };
  const draft = {
    topic,
    queueId: 1,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: Uint8Array.of(127, 0, 0, 1),
    bornPort: 1,
    storeHost: Uint8Array.of(127, 0, 0, 1),
    storePort: 10_911,
    reconsumeTimes,
    preparedTransactionOffset: 0,
    body: spanOf(body),
    properties: spanOf(encoder.encode(encodeProperties(all))),
    suffix: emptySpan,
    tagsCode: 0,
  };
  const name = encoder.encode(topic);
  const record = new Uint8Array(recordSize(draft, name.length));
  const place = {
    queueOffset: 7,
    position: 0,
    storeTimestamp: 1_700_000_000_001,
  };
  writeRecord(record, viewOf(record), 0, draft, name, place);
  return new StoredMessage(record);
}
