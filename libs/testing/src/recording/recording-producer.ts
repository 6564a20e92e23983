import type { OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import type {
  HashKey,
  MessageConverters,
  PortReply,
  PortSendOptions,
  ProducerPort,
  SendResult,
  TransactionDispatcher,
} from 'nestjs-rocketmq';
import { TestKitUsageError } from '../testing.errors.js';

/** How a message left. */
export type RecordedKind = 'send' | 'one-way' | 'batch' | 'transaction' | 'request' | 'reply';

/** A call of a recording template, one for each message. */
export interface RecordedMessage<T = unknown> {
  readonly kind: RecordedKind;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  /** With those that the template adds, such as `contentType`. */
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body, read again by its content type. */
  readonly payload: T;
  readonly messageId: string;
  readonly hashKey: HashKey | undefined;
  readonly delayLevel: number | undefined;
  /** Of a timer message: milliseconds, or when. */
  readonly delayMs: number | undefined;
  readonly deliverAt: number | Date | undefined;
  /** What the local transaction said. */
  readonly verdict: 'commit' | 'rollback' | 'unknown' | undefined;
}

/** What is answered to requests; the payload is that of the request. */
export type ScriptedReply = (payload: unknown, request: RecordedMessage) => unknown;

interface Failure {
  readonly error: Error;
  readonly topic: string | undefined;
  left: number;
}

/** A producer without a broker: it writes down what it is given, and does what it was told to. */
export class RecordingProducer implements ProducerPort {
  readonly recorded: RecordedMessage[] = [];
  readonly replies = new Map<string, ScriptedReply>();
  private failures: Failure[] = [];
  private count = 0;

  constructor(
    private readonly converters: MessageConverters,
    private readonly transactions: TransactionDispatcher,
  ) {}

  fail(error: Error, topic: string | undefined, times: number): void {
    this.failures.push({ error, topic, left: times });
  }

  clear(): void {
    this.recorded.length = 0;
    this.failures = [];
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async send(message: OutgoingMessage, options?: PortSendOptions): Promise<SendResult> {
    return this.take('send', message, options);
  }

  async sendOneWay(message: OutgoingMessage, options?: PortSendOptions): Promise<void> {
    this.take('one-way', message, options);
  }

  async sendInBatches(
    messages: readonly OutgoingMessage[],
    options?: PortSendOptions,
  ): Promise<SendResult[]> {
    return messages.map((message) => this.take('batch', message, options));
  }

  async sendInTransaction(message: OutgoingMessage, arg: unknown, options?: PortSendOptions) {
    const result = this.take('transaction', message, options);
    const transactionId = result.msgId;
    const verdict = await this.transactions.execute(message, arg, transactionId);
    const told = verdict.toLowerCase() as 'commit' | 'rollback' | 'unknown';
    const at = this.recorded.findIndex((one) => one.messageId === result.msgId);
    this.recorded[at] = { ...(this.recorded[at] as RecordedMessage), verdict: told };
    return { ...result, verdict, transactionId };
  }

  async request(message: OutgoingMessage, options?: PortSendOptions): Promise<PortReply> {
    const { topic, tags } = message;
    this.take('request', message, options);
    const script = this.replies.get(`${topic}:${tags}`) ?? this.replies.get(topic);
    if (script === undefined) {
      throw new TestKitUsageError(
        `Nobody answers the request to '${topic}': call replyTo('${topic}', payload => ...) of the ` +
          'recording template before.',
      );
    }
    const request = this.recorded.at(-1) as RecordedMessage;
    const { body, contentType } = this.converters.encode(await script(request.payload, request));
    return { body, properties: { contentType } };
  }

  async reply(request: StoredMessage, answer: PortReply): Promise<SendResult> {
    const { body, properties } = answer;
    return this.take('reply', { topic: request.topic, body, properties }, undefined);
  }

  async recall(_topic: string, handle: string): Promise<string> {
    const at = this.recorded.findIndex((one) => one.messageId === handle);
    if (at >= 0) this.recorded.splice(at, 1);
    return handle;
  }

  private take(
    kind: RecordedKind,
    message: OutgoingMessage,
    options: PortSendOptions | undefined,
  ): SendResult {
    const { topic } = message;
    const failure = this.failures.find((one) => one.topic === undefined || one.topic === topic);
    if (failure !== undefined) {
      failure.left -= 1;
      if (failure.left <= 0) this.failures.splice(this.failures.indexOf(failure), 1);
      throw failure.error;
    }
    this.count += 1;
    const msgId = `RECORDED-${this.count}`;
    this.recorded.push(this.record(kind, message, msgId, options?.hashKey));
    const queue = options?.queue ?? { topic, brokerName: 'recording', queueId: 0 };
    const queueOffset = this.count - 1;
    const isTimer = message.delayMs !== undefined || message.deliverAt !== undefined;
    const recallHandle = isTimer ? msgId : undefined;
    return { status: 'SEND_OK', msgId, offsetMsgId: msgId, queue, queueOffset, recallHandle };
  }

  private record(
    kind: RecordedKind,
    message: OutgoingMessage,
    messageId: string,
    hashKey: HashKey | undefined,
  ): RecordedMessage {
    const { topic, tags, keys = [], properties = {}, body, delayLevel } = message;
    const { delayMs, deliverAt } = message;
    return {
      kind,
      topic,
      tag: tags,
      keys: typeof keys === 'string' ? [keys] : keys,
      properties,
      body,
      payload: this.converters.decode({ body, properties }),
      messageId,
      hashKey,
      delayLevel,
      delayMs: delayMs as number | undefined,
      deliverAt,
      verdict: undefined,
    };
  }
}
