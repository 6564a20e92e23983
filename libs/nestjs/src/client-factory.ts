import {
  ClientInstance,
  LitePullConsumer,
  PushConsumer,
  TransactionalProducer,
  type ClientOptions,
  type Duration,
  type PushConsumerOptions,
} from '@nestjs-rocketmq/client';
import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import type {
  ClientFactory,
  ClientPort,
  ConsumerPort,
  KnownBroker,
  PortConsumerOptions,
  PortPullOptions,
  PortTransactionListener,
  ProducerPort,
  PullPort,
} from './client-port.js';
import type { ConnectionSettings } from './options/module-settings.js';
import type { ProducerValues } from './options/producer-options.js';

/** Where the clients of a factory live, when not on this computer's network. */
export interface ClientSurroundings extends Pick<ClientOptions, 'network'> {
  /** How long brokers may hold a pull; default that of `PushConsumer`. */
  readonly pullSuspend?: Duration;
}

/** A factory of the clients of `@nestjs-rocketmq/client` on a network of the caller's. */
export function clientFactoryOn(surroundings: ClientSurroundings): ClientFactory {
  return {
    connect: (connection, clock, logger) => new Connection(connection, clock, logger, surroundings),
  };
}

/** The clients of `@nestjs-rocketmq/client`; one runtime (sockets, routes) for a connection. */
export const rocketMQClientFactory: ClientFactory = clientFactoryOn({});

class Connection implements ClientPort {
  private readonly shared: ClientInstance;
  private readonly own: ClientInstance[] = [];
  private readonly producerGroups = new Set<string>();

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly surroundings: ClientSurroundings,
  ) {
    this.shared = this.instance();
  }

  producer(values: ProducerValues, transactions: PortTransactionListener): ProducerPort {
    const producer = new TransactionalProducer({
      ...values.client,
      instance: this.instanceFor(values.group),
      logger: this.logger.child('Producer'),
      group: values.group,
      sendTimeout: values.sendTimeout,
      retryTimesWhenSendFailed: values.retries,
      retryAnotherBrokerWhenNotStoreOK: values.retryWhenNotStored,
      maxMessageSize: values.maxMessageSize,
      compressBodyOver: values.compressOver,
      enableTrace: values.trace,
      ...(values.traceTopic === undefined ? {} : { traceTopic: values.traceTopic }),
      checkConcurrency: values.checkConcurrency,
      maxWaitingChecks: values.maxPendingChecks,
      checkTimeout: values.checkTimeout,
      listener: {
        execute: (message, arg, { transactionId }) =>
          transactions.execute(message, arg, transactionId),
        check: (message) => transactions.check(message),
      },
    });
    return {
      native: producer,
      start: () => producer.start(),
      close: (deadline) => producer.close({ deadline }),
      send: (message, options) => producer.send(message, options),
      sendOneWay: (message, options) => producer.sendOneWay(message, options),
      sendInBatches: (messages, options) => producer.sendInBatches(messages, options),
      sendInTransaction: (message, arg, options) =>
        producer.sendInTransaction(message, arg, options),
      request: (message, options) => producer.request(message, options),
      reply: (request, answer, options) => producer.reply(request, answer, options),
      recall: (topic, handle, options) => producer.recall(topic, handle, options),
    };
  }

  consumer(options: PortConsumerOptions): ConsumerPort {
    const { offsetDirectory, onAssigned, passedOn, configure, ...rest } = options;
    const { pullSuspend } = this.surroundings;
    const given: PushConsumerOptions = {
      ...rest,
      ...passedOn,
      instance: this.shared,
      logger: this.logger.child('Consumer'),
      ...(onAssigned === undefined
        ? {}
        : { messageQueueListener: (topic, _, mine) => onAssigned(topic, mine) }),
      ...(offsetDirectory === undefined ? {} : { offsetDirectory }),
      ...(pullSuspend === undefined ? {} : { pullSuspend }),
    };
    const consumer = new PushConsumer(configure?.(given) ?? given);
    return {
      start: () => consumer.start(),
      close: (deadline) => consumer.close({ deadline }),
      pause: () => consumer.pause(),
      resume: () => consumer.resume(),
      status: () => consumer.status(),
      client: () => consumer,
    };
  }

  async brokers(): Promise<KnownBroker[]> {
    const all = await this.shared.allBrokers();
    return all.map((broker) => ({
      name: broker.brokerName,
      address: Object.values(broker.brokerAddrs).map(String)[0] ?? '',
    }));
  }

  reaches(address: string): Promise<boolean> {
    return this.shared.reaches(address);
  }

  onConnectionClosed(listener: () => void): void {
    this.shared.onConnectionClosed(listener);
  }

  routeOf(topic: string): { readonly queues: number } | undefined {
    const queues = this.shared.queuesOf(topic);
    return queues === undefined ? undefined : { queues };
  }

  pullConsumer(options: PortPullOptions): PullPort {
    const { group, subscriptions, model, from, pullBatchSize } = options;
    const { offsetDirectory, trace, traceTopic } = options;
    const consumer = new LitePullConsumer({
      instance: this.shared,
      group,
      subscriptions,
      model,
      from,
      pullBatchSize,
      autoCommit: false,
      enableTrace: trace,
      ...(offsetDirectory === undefined ? {} : { offsetDirectory }),
      ...(traceTopic === undefined ? {} : { traceTopic }),
    });
    return {
      native: consumer,
      start: () => consumer.start(),
      poll: (timeout) => consumer.poll(timeout),
      commit: (offsets, persist) => consumer.commit(offsets, { persist }),
      close: (deadline) => consumer.close({ deadline }),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.shared, ...this.own].map((instance) => instance.close()));
  }

  /** A group has one producer per runtime: a second one of the group gets a runtime of its own. */
  private instanceFor(group: string): ClientInstance {
    if (!this.producerGroups.has(group)) {
      this.producerGroups.add(group);
      return this.shared;
    }
    const instance = this.instance();
    this.own.push(instance);
    return instance;
  }

  private instance(): ClientInstance {
    const { name, nameServers, requestTimeout, client } = this.settings;
    const { network } = this.surroundings;
    return new ClientInstance({
      ...client,
      ...(network === undefined ? {} : { network }),
      ...(nameServers.length === 0 ? {} : { nameServers }),
      requestTimeout,
      clock: this.clock,
      logger: this.logger.child(`Client:${name}`),
    });
  }
}
