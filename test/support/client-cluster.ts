import {
  Producer,
  PushConsumer,
  TransactionalProducer,
  type ProducerOptions,
  type PushConsumerOptions,
  type TransactionalProducerOptions,
} from '@nestjs-rocketmq/client';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';

/** What a consumer of a spec saw. */
export interface Seen {
  readonly text: string;
  readonly queueId: number;
  readonly topic: string;
  readonly reconsumeTimes: number;
  readonly message: StoredMessage;
  readonly at: number;
}

/** Collects messages and lets specs wait for them. */
export class Inbox {
  readonly all: Seen[] = [];
  private waiting: (() => void)[] = [];

  readonly take = (messages: readonly StoredMessage[]): void => {
    for (const message of messages) {
      const { text, queueId, topic, reconsumeTimes } = message;
      this.all.push({ text, queueId, topic, reconsumeTimes, message, at: Date.now() });
    }
    for (const wake of this.waiting.splice(0)) wake();
  };

  get texts(): string[] {
    return this.all.map((one) => one.text);
  }

  /** Waits for the next message until there are enough; fails with what came after `deadlineMs`. */
  async until(count: number, deadlineMs = 60_000): Promise<Seen[]> {
    const deadline = Date.now() + deadlineMs;
    while (this.all.length < count) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${this.all.length} of ${count}: ${this.texts.join(' ')}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, left);
        this.waiting.push(() => (clearTimeout(timer), wake()));
      });
    }
    return this.all;
  }
}

/** How slow the machine that runs the specs is, is not what they ask about. */
export const patience = { sendTimeout: '60s', requestTimeout: '60s' } as const;

/** Our nameserver and broker in this process, and clients that are closed with them. */
export class ClientCluster implements AsyncDisposable {
  private readonly closers: (() => Promise<void>)[] = [];
  private count = 0;

  private constructor(readonly servers: EmbeddedRocketMQ) {}

  static async start(broker: Record<string, unknown> = {}): Promise<ClientCluster> {
    const servers = await EmbeddedRocketMQ.start({ logger: silentLogger, broker });
    return new ClientCluster(servers);
  }

  get nameServers(): string {
    return this.servers.nameServers;
  }

  /** A topic or group that no other spec uses. */
  name(what: string): string {
    this.count += 1;
    return `${what}-${this.count}`;
  }

  async producer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    const { nameServers } = this;
    const group = this.name('producers');
    const producer = new Producer({ nameServers, group, ...patience, ...options });
    this.closers.push(() => producer.close());
    await producer.start();
    return producer;
  }

  async transactional(
    options: Partial<TransactionalProducerOptions> = {},
  ): Promise<TransactionalProducer> {
    const { nameServers } = this;
    const group = this.name('transactions');
    const producer = new TransactionalProducer({ nameServers, group, ...patience, ...options });
    this.closers.push(() => producer.close());
    await producer.start();
    return producer;
  }

  async consumer(
    options: Partial<PushConsumerOptions> & Pick<PushConsumerOptions, 'subscriptions' | 'listener'>,
  ): Promise<PushConsumer> {
    const { nameServers } = this;
    const group = this.name('consumers');
    const consumer = new PushConsumer({
      nameServers,
      group,
      from: 'first',
      requestTimeout: patience.requestTimeout,
      ...options,
    });
    this.closers.push(() => consumer.close({ deadline: 1_000 }));
    await consumer.start();
    return consumer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
    await this.servers.close();
  }
}
