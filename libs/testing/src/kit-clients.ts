import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import {
  clientFactoryOn,
  type ClientFactory,
  type ClientPort,
  type ConnectionSettings,
  type ConsumerPort,
  eachVerdict,
  type PortConsumeVerdict,
  type PortConsumerOptions,
  type PortTransactionListener,
  type ProducerPort,
} from 'nestjs-rocketmq';
import type { KitCluster } from './kit-cluster.js';
import type { MemoryNetwork } from './network/memory-network.js';
import type { TestFaults } from './network/test-faults.js';
import type { Journal } from './records/journal.js';
import type { TimeKeeper } from './time/time-keeper.js';
import type { UserCalls } from './time/user-calls.js';

/** What the clients of a kit need of it. */
export interface KitParts {
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  readonly keeper: TimeKeeper;
  readonly calls: UserCalls;
  readonly journal: Journal;
  readonly faults: TestFaults;
  /** The cluster of a connection. */
  readonly cluster: (connection: string) => KitCluster;
  /** Where broadcasting consumers keep their offsets. */
  readonly offsetDirectory: string;
  /** A connection was closed; `left` are open. */
  readonly closed: (left: number) => Promise<void>;
}

/**
 * How often clients look round, unless the application says: seldom, since nothing changes behind
 * their backs here, and every look costs real time.
 */
const calm = { pollNameServerInterval: '5m', heartbeatBrokerInterval: '1m' };
const pullSuspend = '10m';

/** Nothing is compressed: bytes do not leave this process. */
const never = Number.MAX_SAFE_INTEGER;

/** The client factory of an application under test: our clients, on the kit's broker and clock. */
export class KitClients implements ClientFactory {
  readonly clock: Clock;
  private open = 0;

  constructor(private readonly parts: KitParts) {
    this.clock = parts.clock;
  }

  connect(settings: ConnectionSettings, clock: Clock, logger: Logger): ClientPort {
    const { parts } = this;
    const cluster = parts.cluster(settings.name);
    const factory = clientFactoryOn({ network: parts.network, pullSuspend });
    const nameServers = [cluster.nameServers];
    const client = { ...calm, ...insideOnly(settings.client) };
    const real = factory.connect({ ...settings, nameServers, client }, clock, logger);
    this.open += 1;
    const connection = new KitConnection(parts, settings.name, cluster, real);
    const close = async (): Promise<void> => {
      await parts.keeper.during(real.close());
      this.open -= 1;
      await parts.closed(this.open);
    };
    return timed(parts, real, {
      producer: (values, transactions) =>
        connection.producer({ ...values, compressOver: never }, transactions),
      consumer: (options) => connection.consumer(options),
      close,
    });
  }
}

/** Without where the application's own cluster is, and how to get in. */
function insideOnly(client: ConnectionSettings['client']): ConnectionSettings['client'] {
  const away = ['nameServerAddressUrl', 'tls', 'credentials', 'vipChannelEnabled'];
  return Object.fromEntries(Object.entries(client).filter(([name]) => !away.includes(name)));
}

class KitConnection {
  constructor(
    private readonly parts: KitParts,
    private readonly name: string,
    private readonly cluster: KitCluster,
    private readonly client: ClientPort,
  ) {}

  producer(
    values: Parameters<ClientPort['producer']>[0],
    transactions: PortTransactionListener,
  ): ProducerPort {
    const { parts, name } = this;
    const { journal } = parts;
    const real = this.client.producer(values, this.watched(transactions));
    return timed(parts, real, {
      start: () => parts.keeper.during(this.cluster.start().then(() => real.start())),
      send: async (message, options) => {
        const result = await parts.keeper.during(real.send(message, options));
        journal.addSent(name, message, result, options?.hashKey);
        return result;
      },
      sendOneWay: async (message, options) => {
        await parts.keeper.during(real.sendOneWay(message, options));
        journal.addSent(name, message, undefined, options?.hashKey);
      },
      sendInBatches: async (messages, options) => {
        const results = await parts.keeper.during(real.sendInBatches(messages, options));
        messages.forEach((one, at) => journal.addSent(name, one, results[at], options?.hashKey));
        return results;
      },
      request: (message, options) => {
        const asking = real.request(message, options);
        journal.addSent(name, message, undefined, options?.hashKey);
        return parts.keeper.during(asking);
      },
      sendInTransaction: async (message, arg, options) => {
        const sending = real.sendInTransaction(message, arg, options);
        const result = await parts.keeper.during(sending);
        journal.addHalf(name, message, result, options?.hashKey);
        return result;
      },
    });
  }

  consumer(options: PortConsumerOptions): ConsumerPort {
    const { parts, cluster } = this;
    const { offsetDirectory, journal } = parts;
    const topics = options.subscriptions.map(({ topic }) => topic);
    journal.know(options.group, topics);
    const listener = this.watchedListener(options);
    const real = this.client.consumer({ ...options, offsetDirectory, listener });
    const start = async (): Promise<void> => {
      await cluster.start();
      await Promise.all(topics.map((topic) => cluster.makeTopic(topic)));
      await real.start();
    };
    return timed(parts, real, { start: () => parts.keeper.during(start()) });
  }

  private watched(transactions: PortTransactionListener): PortTransactionListener {
    const { calls, journal } = this.parts;
    return {
      execute: (message, arg, id) => calls.run(() => transactions.execute(message, arg, id)),
      check: async (message) => {
        const verdict = await calls.run(() => transactions.check(message));
        journal.decided(message, verdict);
        return verdict;
      },
    };
  }

  private watchedListener({ group, listener }: PortConsumerOptions) {
    const { calls, journal, faults, clock } = this.parts;
    const deliver: PortConsumerOptions['listener'] = async (messages, context) => {
      const answer = await calls.run(async () => listener(messages, context));
      const verdicts = eachVerdict(answer, messages.length);
      messages.forEach((message, at) => {
        const outcome = verdicts[at]?.kind ?? 'retry';
        journal.addDelivery(group, this.name, message, outcome);
      });
      return verdicts;
    };
    const faulty: PortConsumerOptions['listener'] = async (messages, context) => {
      const [first] = messages as [StoredMessage];
      const rule = faults.striking({ on: 'delivery', topic: first.topic, group });
      if (rule?.kind === 'drop') {
        for (const message of messages) journal.addDelivery(group, this.name, message, 'lost');
        return messages.map((): PortConsumeVerdict => lost);
      }
      if (rule?.kind === 'delay') await clock.sleep(rule.by);
      if (rule?.kind === 'duplicate') await deliver(messages, context);
      return deliver(messages, context);
    };
    return faulty;
  }
}

const lost: PortConsumeVerdict = { kind: 'retry', delayLevel: 0, suspendMs: 1_000 };

/**
 * The port with some of its methods replaced; time passes during all the others that take time, also
 * those that this kit knows nothing of.
 */
function timed<T extends object>(parts: KitParts, real: T, own: Partial<T>): T {
  return new Proxy(real, {
    get: (target, name) => {
      const replaced: unknown = Reflect.get(own, name);
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        return result instanceof Promise ? parts.keeper.during(result) : result;
      };
    },
  });
}
