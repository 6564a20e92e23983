import {
  Producer,
  PushConsumer,
  TransactionalProducer,
  type ConsumeContext,
  type ConsumeVerdict,
  type SendResult,
  type TransactionVerdict,
} from '@nestjs-rocketmq/client';
import type { OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import {
  createTopic,
  type ProgramEvent,
  type ReceivedEvent,
  type SentEvent,
} from '../support/java.js';
import type { SteeredClient } from './client-list.js';

type Words = Record<string, string | number | boolean>;

const verdicts: Record<string, TransactionVerdict> = {
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  unknown: 'UNKNOWN',
};

/** Our client behind the verbs of the Java peer, so that one list is played by both. */
export class OurPeer implements SteeredClient {
  private readonly printed: ProgramEvent[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly producers = new Map<string, Producer>();
  private readonly transactional = new Map<string, TransactionalProducer>();
  private readonly consumers = new Map<string, PushConsumer>();

  constructor(
    private readonly options: { broker: string; headerForm?: 'json' | 'binary'; folder: string },
  ) {}

  async run(verb: string, words: Words = {}): Promise<ProgramEvent[]> {
    const before = this.printed.length;
    await this.play(verb, words);
    return this.printed.slice(before);
  }

  async send(verb: 'send' | 'batch' | 'transaction', words: Words): Promise<SentEvent[]> {
    const events = await this.run(verb, words);
    return events.filter((event) => event.event === 'sent') as SentEvent[];
  }

  received(id: string): ReceivedEvent[] {
    return this.events('received').filter((event) => event['id'] === id) as ReceivedEvent[];
  }

  untilReceived(id: string, count: number, deadlineMs = 30_000): Promise<ReceivedEvent[]> {
    const enough = () => (this.received(id).length >= count ? this.received(id) : undefined);
    return this.until(`${count} messages at ${id}`, deadlineMs, enough);
  }

  untilEvents(kind: string, count: number, deadlineMs = 30_000): Promise<ProgramEvent[]> {
    const enough = () => (this.events(kind).length >= count ? this.events(kind) : undefined);
    return this.until(`${count} x ${kind}`, deadlineMs, enough);
  }

  queues(id: string): Promise<string[]> {
    const queues = this.consumers.get(id)?.assignedQueues() ?? [];
    return Promise.resolve(
      queues
        .filter((queue) => !queue.topic.startsWith('%RETRY%'))
        .map((queue) => `${queue.topic}:${queue.brokerName}:${queue.queueId}`)
        .sort(),
    );
  }

  async close(): Promise<void> {
    for (const group of [this.consumers, this.transactional, this.producers]) {
      for (const one of group.values()) await one.close();
      group.clear();
    }
  }

  private async play(verb: string, words: Words): Promise<void> {
    switch (verb) {
      case 'topic':
        return createTopic(
          this.options.broker,
          String(words['topic']),
          Number(words['queues'] ?? 2),
        );
      case 'producer':
        return this.startProducer(words);
      case 'transaction-producer':
        return this.startTransactional(words);
      case 'push':
        return this.startPush(words);
      case 'send':
        return this.sendAll(words);
      case 'batch':
        return this.sendBatch(words);
      case 'transaction':
        return this.sendTransaction(words);
      case 'stop':
        return this.stop(String(words['id']));
      case 'quit':
        return this.close();
      default:
        throw new Error(`unknown verb ${verb}`);
    }
  }

  private common(words: Words) {
    return {
      nameServers: String(words['ns']),
      group: String(words['group']),
      instanceName: String(words['id']),
      pollNameServerInterval: 1000,
      heartbeatBrokerInterval: 1000,
      headerForm: this.options.headerForm ?? 'json',
    };
  }

  private async startProducer(words: Words): Promise<void> {
    const producer = new Producer({ ...this.common(words), sendTimeout: 10_000 });
    await producer.start();
    this.producers.set(String(words['id']), producer);
  }

  private async startTransactional(words: Words): Promise<void> {
    const id = String(words['id']);
    const producer = new TransactionalProducer({
      ...this.common(words),
      sendTimeout: 10_000,
      listener: {
        execute: async (message) => verdicts[message.properties?.['local'] ?? ''] ?? 'UNKNOWN',
        check: async (message) => {
          this.print('check', {
            id,
            topic: message.topic,
            body: message.text,
            transactionId: message.msgId,
            msgId: message.offsetMsgId,
            times: message.properties['TRANSACTION_CHECK_TIMES'] ?? null,
          });
          return verdicts[message.properties['check'] ?? ''] ?? 'UNKNOWN';
        },
      },
    });
    await producer.start();
    this.transactional.set(id, producer);
  }

  private async startPush(words: Words): Promise<void> {
    const id = String(words['id']);
    const fail = Number(words['fail'] ?? 0);
    const orderly = words['mode'] === 'orderly';
    const listener = (messages: StoredMessage[], context: ConsumeContext): ConsumeVerdict => {
      let later = false;
      for (const message of messages) {
        this.printReceived(id, message);
        later ||= message.reconsumeTimes < fail;
      }
      context.delayLevel = Number(words['level'] ?? 0);
      if (!later) return { kind: 'success' };
      return orderly ? { kind: 'suspend' } : { kind: 'retry' };
    };
    const consumer = new PushConsumer({
      ...this.common(words),
      subscriptions: [
        { topic: String(words['topic']), expression: String(words['expression'] ?? '*') },
      ],
      mode: orderly ? 'orderly' : 'concurrent',
      model: words['broadcast'] === true ? 'broadcasting' : 'clustering',
      from: 'first',
      concurrency: 4,
      rebalanceInterval: 1000,
      persistConsumerOffsetInterval: 1000,
      suspendCurrentQueueTime: Number(words['suspend'] ?? 1000),
      maxReconsumeTimes: Number(words['maxReconsume'] ?? -1),
      offsetDirectory: this.options.folder,
      listener,
    });
    await consumer.start();
    this.consumers.set(id, consumer);
  }

  private async sendAll(words: Words): Promise<void> {
    const producer = this.producer(words);
    const first = Number(words['first'] ?? 0);
    const numbers = Array.from({ length: Number(words['count'] ?? 1) }, (_, i) => first + i);
    const sendOne = async (i: number) => {
      const message = messageOf(words, i);
      const hash = words['hash'];
      const options =
        hash === undefined ? {} : { hashKey: `${hash}${i % Number(words['keysCount'] ?? 2)}` };
      if (words['mode'] === 'oneway') await producer.sendOneWay(message, options);
      else this.printSent(message, await producer.send(message, options));
    };
    if (words['mode'] === 'async') await Promise.all(numbers.map(sendOne));
    else for (const i of numbers) await sendOne(i);
  }

  private async sendBatch(words: Words): Promise<void> {
    const messages = Array.from({ length: Number(words['count'] ?? 2) }, (_, i) =>
      messageOf(words, i),
    );
    const result = await this.producer(words).sendBatch(messages);
    this.printSent(messages[0] as OutgoingMessage, result);
  }

  private async sendTransaction(words: Words): Promise<void> {
    const plain = messageOf(words, 0);
    const local = String(words['local'] ?? 'unknown');
    const check = String(words['check'] ?? 'unknown');
    const message = { ...plain, properties: { ...plain.properties, local, check } };
    const producer = this.transactional.get(String(words['id']));
    if (producer === undefined) throw new Error(`no transactional producer ${words['id']}`);
    this.printSent(message, await producer.sendInTransaction(message));
  }

  private async stop(id: string): Promise<void> {
    const one = this.consumers.get(id) ?? this.transactional.get(id) ?? this.producers.get(id);
    if (one === undefined) throw new Error(`nothing is named ${id}`);
    await one.close();
    for (const group of [this.consumers, this.transactional, this.producers]) group.delete(id);
  }

  private producer(words: Words): Producer {
    const producer = this.producers.get(String(words['id']));
    if (producer === undefined) throw new Error(`no producer ${words['id']}`);
    return producer;
  }

  private printSent(message: OutgoingMessage, result: SendResult): void {
    this.print('sent', {
      topic: message.topic,
      body: Buffer.from(message.body).toString('utf8'),
      status: result.status,
      msgId: result.msgId,
      offsetMsgId: result.offsetMsgId,
      broker: result.queue.brokerName,
      queueId: result.queue.queueId,
      queueOffset: result.queueOffset,
      transactionId: result.transactionId ?? null,
    });
  }

  private printReceived(id: string, message: StoredMessage): void {
    this.print('received', {
      id,
      topic: message.topic,
      body: message.text,
      tags: message.tags ?? null,
      keys: message.keys.join(' ') || null,
      msgId: message.msgId,
      queueId: message.queueId,
      queueOffset: message.queueOffset,
      reconsumeTimes: message.reconsumeTimes,
      sysFlag: message.sysFlag,
      flag: message.flag,
      bodyCrc: message.bodyCrc,
      storeSize: message.storeSize,
      bornTimestamp: message.bornTimestamp,
      storeTimestamp: message.storeTimestamp,
      preparedOffset: message.preparedTransactionOffset,
      at: Date.now(),
      properties: { ...message.properties },
    });
  }

  private print(event: string, fields: Record<string, unknown>): void {
    this.printed.push({ event, ...fields });
    for (const watcher of this.watchers) watcher();
  }

  private events(kind: string): ProgramEvent[] {
    return this.printed.filter((event) => event.event === kind);
  }

  private until<T>(what: string, deadlineMs: number, look: () => T | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer);
        this.watchers.delete(check);
        act();
      };
      const check = () => {
        const value = look();
        if (value !== undefined) end(() => resolve(value));
      };
      const last = () => JSON.stringify(this.printed.slice(-8)).slice(0, 2000);
      const timer = setTimeout(
        () =>
          end(() => reject(new Error(`our client: no "${what}" in ${deadlineMs} ms: ${last()}`))),
        deadlineMs,
      );
      this.watchers.add(check);
      check();
    });
  }
}

function messageOf(words: Words, i: number): OutgoingMessage {
  const tags = words['tags'] === undefined ? [] : String(words['tags']).split(',');
  const body = `${words['body'] ?? 'm'}-${i}`.padEnd(Number(words['size'] ?? 0), '.');
  const tag = tags[i % Math.max(1, tags.length)];
  return {
    topic: String(words['topic']),
    body: new TextEncoder().encode(body),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(words['keys'] === undefined ? {} : { keys: `${words['keys']}${i}` }),
    ...(words['delay'] === undefined ? {} : { delayLevel: Number(words['delay']) }),
    ...(words['flag'] === undefined ? {} : { flag: Number(words['flag']) }),
    ...(words['property'] === undefined
      ? {}
      : { properties: { colour: String(words['property']) } }),
  };
}
