import { defineOptions, messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import {
  checkTopic,
  parseOffsetMessageId,
  SystemTopic,
  type MessageQueue,
  type OffsetMessageId,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import { ResponseCode, type BrokerData } from '@nestjs-rocketmq/protocol';
import { isRefusal } from '../broker-calls.js';
import { ClientInstance, sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import { clientOptionTable, type ClientOptions } from '../client-options.js';
import { InvalidQueryError, NoRouteError, TopicCreationError } from '../client.errors.js';
import { QueueInquiry, type OffsetBoundary } from '../consumer/queue-inquiry.js';
import { addressOfBroker } from '../route-table.js';
import { decodeTraces, type TraceRecord } from '../trace/trace-record.js';

export interface ClientAdminOptions extends ClientOptions, SharedInstance {}

/** The declared options of a client admin, for pages and checks. */
export const clientAdminOptionSet = defineOptions('client admin', {
  ...clientOptionTable,
  instance: sharedInstanceOption,
});

export interface CreateTopicOptions {
  /** Queues to read and to write on each broker [4]. */
  readonly queues?: number;
  /**
   * The topic whose brokers get the new one; brokers register the name of their cluster as a topic
   * too [every broker that the name servers know]. Java: key.
   */
  readonly brokersOf?: string;
}

/** Where a topic was created. */
export interface TopicCreation {
  /** `host:port` of the masters that have the topic now. */
  readonly brokers: readonly string[];
  /** The masters that do not. */
  readonly failures: readonly { readonly address: string; readonly error: Error }[];
}

export interface QueryOptions {
  /** Messages at most, of each broker [32]. */
  readonly max?: number;
  /** Stored at or after, ms since 1970 or a date [0]. */
  readonly begin?: number | Date;
  /** Stored at or before [no end]. */
  readonly end?: number | Date;
}

export interface TraceQueryOptions extends QueryOptions {
  /** Where traces stand [RMQ_SYS_TRACE_TOPIC]. */
  readonly traceTopic?: string;
}

/** A trace record and who sent it. */
export type MessageTrace = TraceRecord & {
  /** `address:port` of the client that traced. */
  readonly clientHost: string;
};

const day = 24 * 60 * 60 * 1000;
/** Unique keys are looked for this far back unless told otherwise, as in Java. */
const uniqueKeyReach = 3 * day;
const noEnd = Number.MAX_SAFE_INTEGER;
/** As often as Java tries each broker. */
const createAttempts = 5;
const mostQueues = 65_536;
const highestPort = 65_535;

/**
 * What a client may ask and do besides sending and consuming. Every producer and consumer has one
 * over its own connections (`producer.admin`); one made by itself is closed by whoever made it. It
 * joins no group and starts no timers. Java: MQAdmin.
 */
export class ClientAdmin implements AsyncDisposable {
  private readonly instance: ClientInstance;
  private readonly ownsInstance: boolean;
  private readonly inquiry: QueueInquiry;
  private readonly logger: Logger;

  /** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
  constructor(options: ClientAdminOptions) {
    clientAdminOptionSet.load(options as unknown as Record<string, unknown>);
    this.ownsInstance = options.instance === undefined;
    this.instance = options.instance ?? new ClientInstance(options);
    this.logger = this.instance.logger;
    this.inquiry = new QueueInquiry(this.instance);
  }

  /**
   * Creates a topic on the masters, or changes the number of its queues. Some of them may fail, see
   * `failures`. Rejects with `TopicCreationError` when all do, with `NoRouteError` when there is
   * none, and with `TopicNameError`.
   */
  async createTopic(topic: string, options: CreateTopicOptions = {}): Promise<TopicCreation> {
    checkTopic(topic);
    const { queues = 4, brokersOf } = options;
    checkRange('queues', queues, 1, mostQueues);
    const masters = await this.mastersOf(brokersOf);
    const brokers: string[] = [];
    const failures: { address: string; error: Error }[] = [];
    await Promise.all(
      masters.map(async (address) => {
        const error = await this.createAt(address, topic, queues, brokersOf);
        if (error === undefined) brokers.push(address);
        else failures.push({ address, error });
      }),
    );
    if (brokers.length > 0) return { brokers, failures };
    const reasons = failures.map(({ error }) => error.message).join('; ');
    throw new TopicCreationError(`No broker created topic '${topic}': ${reasons}`, {
      cause: failures[0]?.error,
      details: { topic, brokers: masters },
    });
  }

  /** The queues of a topic that can be read, asked now. Rejects with `NoRouteError`. */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    checkTopic(topic);
    return this.inquiry.queuesOf(topic);
  }

  /** The queues of a topic that can be written, asked now. Rejects with `NoRouteError`. */
  async fetchPublishQueues(topic: string): Promise<MessageQueue[]> {
    checkTopic(topic);
    return this.inquiry.publishQueuesOf(topic);
  }

  /**
   * The offset in a queue that belongs to a time: of the first message stored at or after it
   * (`lower`), or of the last one stored at that very time (`upper`, brokers from 5.x on).
   */
  searchOffset(
    queue: MessageQueue,
    time: number | Date,
    boundary?: OffsetBoundary,
  ): Promise<number> {
    return this.inquiry.searchOffset(queue, time, boundary);
  }

  /** One past the last message of a queue. */
  maxOffset(queue: MessageQueue): Promise<number> {
    return this.inquiry.maxOffset(queue);
  }

  /** The first message that is still in a queue. */
  minOffset(queue: MessageQueue): Promise<number> {
    return this.inquiry.minOffset(queue);
  }

  /** When that message was stored, ms since 1970; -1 when the queue is empty. */
  earliestMessageStoreTime(queue: MessageQueue): Promise<number> {
    return this.inquiry.earliestMessageStoreTime(queue);
  }

  /**
   * A message by the id that its send answered: the broker's (`offsetMsgId`) or its unique key
   * (`msgId`; of the last three days). Undefined when no broker has it.
   */
  async viewMessage(topic: string, id: string): Promise<StoredMessage | undefined> {
    const place = placeOf(id);
    if (place === undefined) return this.viewByUniqueKey(topic, id);
    const host = place.host.includes(':') ? `[${place.host}]` : place.host;
    let failure: unknown;
    try {
      return await this.instance.calls.viewMessage(`${host}:${place.port}`, topic, place.position);
    } catch (error) {
      // Brokers say this when nothing lies at that place.
      if (!isRefusal(error, ResponseCode.SYSTEM_ERROR)) failure = error;
    }
    // A unique key can look like the id of a broker.
    const found = await this.viewByUniqueKey(topic, id);
    if (found === undefined && failure !== undefined) throw failure;
    return found;
  }

  /**
   * Messages of a topic that have this key, found at all its brokers; as many as the brokers' index
   * still knows. Rejects with `NoRouteError`; a broker that cannot be asked is an error only when
   * the others have nothing.
   */
  queryMessages(topic: string, key: string, options: QueryOptions = {}): Promise<StoredMessage[]> {
    return this.query({ topic, key, isUnique: false }, options);
  }

  /** The same by unique key; of the last three days unless `begin` says otherwise. */
  queryByUniqueKey(
    topic: string,
    uniqueKey: string,
    options: QueryOptions = {},
  ): Promise<StoredMessage[]> {
    const begin = this.instance.clock.now() - uniqueKeyReach;
    return this.query({ topic, key: uniqueKey, isUnique: true }, { begin, ...options });
  }

  /**
   * What clients of any kind traced about a message, by its unique key, in the order in which the
   * traces were stored. Empty when nobody traced it.
   */
  async queryTrace(msgId: string, options: TraceQueryOptions = {}): Promise<MessageTrace[]> {
    const { traceTopic = SystemTopic.TRACE, ...range } = options;
    const messages = await this.queryMessages(traceTopic, msgId, { max: 64, ...range });
    messages.sort((a, b) => a.storeTimestamp - b.storeTimestamp);
    return messages.flatMap(({ text, bornHost: clientHost }) =>
      decodeTraces(text)
        .filter((record) => record.msgId.split(',').includes(msgId))
        .map((record) => ({ ...record, clientHost })),
    );
  }

  /** Closes the connections unless they belong to an instance that was given. */
  async close(): Promise<void> {
    if (this.ownsInstance) await this.instance.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async viewByUniqueKey(topic: string, id: string): Promise<StoredMessage | undefined> {
    return (await this.queryByUniqueKey(topic, id))[0];
  }

  private async mastersOf(topic: string | undefined): Promise<string[]> {
    const brokers =
      topic === undefined ? await this.instance.allBrokers() : await this.brokersOf(topic);
    const masters = brokers.map((one) => one.brokerAddrs[0]).filter((one) => one !== undefined);
    if (masters.length > 0) return masters;
    throw new NoRouteError('The name servers know no master on which a topic can be created.');
  }

  private async brokersOf(topic: string): Promise<readonly BrokerData[]> {
    const route = await this.instance.routes.refresh(topic);
    if (route !== undefined && !route.isTemplate) return route.brokers;
    throw new NoRouteError(`The name servers do not know topic '${topic}'.`, {
      details: { topic },
    });
  }

  /** Answers why it failed, or undefined. A refusal is not repeated: it would be the same again. */
  private async createAt(
    address: string,
    topic: string,
    queues: number,
    template = SystemTopic.AUTO_CREATE as string,
  ): Promise<Error | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.instance.calls.createTopic(address, topic, queues, template);
        return undefined;
      } catch (error) {
        if (attempt === createAttempts || isRefusal(error)) return error as Error;
      }
    }
  }

  private async query(
    wanted: { readonly topic: string; readonly key: string; readonly isUnique: boolean },
    { max = 32, begin = 0, end = noEnd }: QueryOptions,
  ): Promise<StoredMessage[]> {
    const { topic, key, isUnique } = wanted;
    checkTopic(topic);
    checkRange('max', max, 1, noEnd);
    const asked = { ...wanted, max, begin: Number(begin), end: Number(end) };
    checkRange('begin', asked.begin, 0, noEnd);
    checkRange('end', asked.end, 0, noEnd);
    const addresses = (await this.brokersOf(topic)).map(addressOfBroker);
    const answers = await Promise.allSettled(
      addresses
        .filter((address) => address !== undefined)
        .map((address) => this.instance.calls.queryMessages(address, asked)),
    );
    const failed = answers.filter((one) => one.status === 'rejected');
    const found = answers
      .flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      // The index knows hashes of keys only.
      .filter((one) =>
        isUnique ? one.msgId === key : one.topic === topic && one.keys.includes(key),
      );
    const [first] = failed;
    if (first !== undefined && found.length === 0) throw first.reason;
    for (const { reason } of failed) {
      const error = messageOf(reason);
      this.logger.warn('A broker did not answer a query; others did.', { topic, error });
    }
    return found;
  }
}

/** Where the id says that a message lies; undefined when it cannot be the id of a broker. */
function placeOf(id: string): OffsetMessageId | undefined {
  const place = parseOffsetMessageId(id);
  return place.port > 0 && place.port <= highestPort ? place : undefined;
}

function checkRange(what: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === noEnd ? `from ${least} on` : `from ${least} to ${most}`;
  throw new InvalidQueryError(`'${what}' must be a whole number ${range}, not ${value}.`, {
    details: { [what]: value },
  });
}
