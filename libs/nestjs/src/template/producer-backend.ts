import type { ClientPort, ProducerPort } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { RocketMQClosedError } from '../nestjs.errors.js';
import type { DelayLevels } from '../options/delay-levels.js';
import type { HashQueueSelector, ProducerValues } from '../options/producer-options.js';
import type { PullConsumers } from '../pull/pull-consumers.js';
import type { TransactionDispatcher } from '../transaction/transaction-dispatcher.js';
import type { OutgoingInterceptor } from './outgoing-interceptor.js';
import type { TemplateBackend } from './template-backend.js';

/** How long a producer may take to finish what is under way when the application closes. */
export const producerDeadline = 5_000;

/** What a connection gives to its producers. */
export interface ProducerHost {
  readonly client: ClientPort;
  readonly transactions: TransactionDispatcher;
  readonly pulls: PullConsumers;
}

export interface ProducerBackendParts {
  readonly connection: string;
  readonly values: ProducerValues;
  readonly converters: MessageConverters;
  readonly delayLevels: DelayLevels;
  /** One producer for every template of the connection without a producer of its own. */
  readonly isShared: boolean;
  readonly interceptors: () => readonly OutgoingInterceptor[];
  /** Throws when there is no such connection. */
  readonly host: () => ProducerHost;
}

/** The producer behind a template; started when first needed, at the latest in `onModuleInit`. */
export class ProducerBackend implements TemplateBackend {
  private starting: Promise<ProducerPort> | undefined;
  private started: ProducerPort | undefined;
  private isClosed = false;

  constructor(private readonly parts: ProducerBackendParts) {}

  get connection(): string {
    return this.parts.connection;
  }

  get isShared(): boolean {
    return this.parts.isShared;
  }

  get converters(): MessageConverters {
    return this.parts.converters;
  }

  get delayLevels(): DelayLevels {
    return this.parts.delayLevels;
  }

  get group(): string {
    return this.parts.values.group;
  }

  get queueSelector(): HashQueueSelector | undefined {
    return this.parts.values.queueSelector;
  }

  get interceptors(): readonly OutgoingInterceptor[] {
    return this.parts.interceptors();
  }

  get running(): ProducerPort | undefined {
    return this.isClosed ? undefined : this.started;
  }

  get transactions(): TransactionDispatcher {
    return this.parts.host().transactions;
  }

  get pulls(): PullConsumers {
    return this.parts.host().pulls;
  }

  producer(): Promise<ProducerPort> {
    if (this.isClosed) {
      const sentence =
        `The template of connection '${this.connection}' was used after the application was closed; ` +
        'send before app.close(), or in a hook of it: onApplicationShutdown is the last one.';
      return Promise.reject(new RocketMQClosedError(sentence));
    }
    this.starting ??= this.start().catch((error: unknown) => {
      // The next send tries again: a broken start must not stay for ever.
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const producer = await this.starting?.catch(() => undefined);
    await producer?.close(producerDeadline);
  }

  private async start(): Promise<ProducerPort> {
    const { values, isShared, converters } = this.parts;
    const { client, transactions } = this.parts.host();
    // What its templates write is what brokers ask its group about.
    const answering = isShared ? transactions : transactions.reading(converters);
    const producer = client.producer(values, answering);
    await producer.start();
    this.started = producer;
    return producer;
  }
}
