import type { Clock } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  type MessageQueue,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import type {
  ClientPort,
  ConsumerPort,
  ConsumerStatus,
  PortConsumeContext,
  PortConsumerOptions,
  PortConsumeVerdict,
  PortSendOptions,
  ProducerPort,
} from '../client-port.js';
import { isLastTry, tryLimit } from '../listener/try-limit.js';
import { delegating } from './delegating.js';
import { observedPulls } from './observed-pull.js';
import type { RocketMQEvents } from './rocketmq-events.js';
import { throughConsume, throughSend, type ConsumeCall, type Observer } from './observer.js';
import type { SendCall, Verdicts } from './observer.js';

/** A consumer of a connection, from its start to its close. */
export interface WatchedConsumer {
  readonly group: string;
  readonly topics: readonly string[];
  /** Undefined: the client cannot say. */
  status(): ConsumerStatus | undefined;
}

/** What the watched clients of a connection tell, and to whom. */
export interface Watching {
  readonly connection: string;
  readonly clock: Clock;
  readonly events: RocketMQEvents;
  /** Filled before the first producer starts. */
  readonly observers: readonly Observer[];
  /** Runs what starts loops and opens sockets outside every request, span and store of the caller. */
  readonly outside: <T>(work: () => T) => T;
  /** Has those that were started and not closed. */
  readonly consumers: Set<WatchedConsumer>;
}

/** The clients of a connection, whose doings are told. Nothing is added to a call while nobody looks on. */
export function observedClient(client: ClientPort, watching: Watching): ClientPort {
  return delegating(client, {
    producer: (values, transactions) =>
      observedProducer(client.producer(values, transactions), values.group, watching),
    consumer: (options) => observedConsumer(client, options, watching),
    ...(client.pullConsumer === undefined ? {} : { pullConsumer: observedPulls(client, watching) }),
  });
}

function observedProducer(producer: ProducerPort, group: string, watching: Watching): ProducerPort {
  const { connection, events, observers, outside, clock } = watching;
  const isQuiet = (): boolean => observers.length === 0 && !events.wants('send-failed');
  const told = async <T>(
    kind: SendCall['kind'],
    messages: readonly OutgoingMessage[],
    options: PortSendOptions | undefined,
    send: (messages: readonly OutgoingMessage[]) => Promise<T>,
  ): Promise<T> => {
    const topic = messages[0]?.topic ?? '';
    const hashKey = options?.hashKey === undefined ? undefined : String(options.hashKey);
    const call = { kind, connection, group, topic, messages, hashKey };
    try {
      return await throughSend(observers, call, send);
    } catch (error) {
      if (events.wants('send-failed')) {
        const at = clock.now();
        events.emit('send-failed', { connection, at, group, topic, messages, error });
      }
      throw error;
    }
  };
  const first = (all: readonly OutgoingMessage[]): OutgoingMessage => all[0] as OutgoingMessage;
  return delegating(producer, {
    ...(producer.native === undefined ? {} : { native: producer.native }),
    start: () => outside(() => producer.start()),
    send: (message, options) =>
      isQuiet()
        ? producer.send(message, options)
        : told('send', [message], options, (all) => producer.send(first(all), options)),
    sendOneWay: (message, options) =>
      isQuiet()
        ? producer.sendOneWay(message, options)
        : told('one-way', [message], options, (all) => producer.sendOneWay(first(all), options)),
    sendInBatches: (messages, options) =>
      isQuiet()
        ? producer.sendInBatches(messages, options)
        : told('batch', messages, options, (all) => producer.sendInBatches(all, options)),
    request: (message, options) =>
      isQuiet()
        ? producer.request(message, options)
        : told('request', [message], options, (all) => producer.request(first(all), options)),
    sendInTransaction: (message, arg, options) =>
      isQuiet()
        ? producer.sendInTransaction(message, arg, options)
        : told('transaction', [message], options, (all) =>
            producer.sendInTransaction(first(all), arg, options),
          ),
  });
}

function observedConsumer(
  client: ClientPort,
  options: PortConsumerOptions,
  watching: Watching,
): ConsumerPort {
  const { connection, clock, events, outside } = watching;
  const { group } = options;
  const topics = options.subscriptions.map(({ topic }) => topic);
  const tell = (what: 'started' | 'stopped' | 'paused' | 'resumed'): void => {
    events.emit(`listener-${what}`, { connection, at: clock.now(), group, topics });
  };
  let isRunning = false;
  const watched: WatchedConsumer = { group, topics, status: () => consumer.status?.() };
  const consumer = client.consumer({
    ...options,
    listener: observedListener(options, watching),
    onAssigned: assignments(group, watching),
  });
  tellReceipts(consumer, watching);
  return delegating(consumer, {
    start: async () => {
      await outside(() => consumer.start());
      isRunning = true;
      watching.consumers.add(watched);
      tell('started');
    },
    close: async (deadline) => {
      try {
        await consumer.close(deadline);
      } finally {
        watching.consumers.delete(watched);
        if (isRunning) tell('stopped');
        isRunning = false;
      }
    },
    pause: () => {
      consumer.pause();
      tell('paused');
    },
    resume: () => {
      consumer.resume();
      tell('resumed');
    },
  });
}

/** Tells of what pulls bring, when somebody wants to know. */
function tellReceipts(consumer: ConsumerPort, { observers }: Watching): void {
  const wanting = observers.filter((observer) => observer.received !== undefined);
  if (wanting.length === 0) return;
  consumer.client?.().addFilterHook({
    name: 'RocketMQModule telemetry',
    keep: ({ group, queue, messages }) => {
      const status = consumer.status?.().queues.find((one) => sameQueue(one.queue, queue));
      const startedAt = status?.pulledAt === 0 ? undefined : status?.pulledAt;
      for (const observer of wanting) observer.received?.({ group, queue, messages, startedAt });
      return messages;
    },
  });
}

const sameQueue = (a: MessageQueue, b: MessageQueue): boolean =>
  a.topic === b.topic && a.brokerName === b.brokerName && a.queueId === b.queueId;

function observedListener(
  options: PortConsumerOptions,
  watching: Watching,
): PortConsumerOptions['listener'] {
  const { connection, events, observers } = watching;
  const { group, model, mode, listener } = options;
  const told = async (
    messages: readonly StoredMessage[],
    port: PortConsumeContext,
  ): Promise<Verdicts> => {
    const topic = originalTopic(messages[0] as StoredMessage);
    const isBatch = options.batch > 1;
    const call: ConsumeCall = {
      connection,
      group,
      topic,
      model,
      mode,
      isBatch,
      messages,
      port,
    };
    const work = async (): Promise<Verdicts> => listOf(await listener(messages, port), messages);
    const verdicts = await throughConsume(observers, call, work);
    if (events.wants('dead-letter')) tellDeadLetters(options, watching, messages, verdicts);
    return verdicts;
  };
  return (messages, port) =>
    observers.length === 0 && !events.wants('dead-letter')
      ? listener(messages, port)
      : told(messages, port);
}

/** A listener may give one verdict for all messages of its call. */
function listOf(
  given: PortConsumeVerdict | readonly PortConsumeVerdict[],
  messages: readonly StoredMessage[],
): Verdicts {
  if (Array.isArray(given)) return given as Verdicts;
  return messages.map(() => given as PortConsumeVerdict);
}

function tellDeadLetters(
  options: PortConsumerOptions,
  { connection, clock, events }: Watching,
  messages: readonly StoredMessage[],
  verdicts: Verdicts,
): void {
  const { group } = options;
  const limit = tryLimit(options);
  messages.forEach((message, at) => {
    const verdict = verdicts[at];
    const isLast = verdict?.kind === 'retry' && isLastTry(message, limit);
    if (verdict?.kind !== 'dead-letter' && !isLast) return;
    const reason =
      verdict?.kind === 'dead-letter'
        ? verdict.reason
        : `it was delivered ${message.reconsumeTimes + 1} times without success`;
    const topic = originalTopic(message);
    events.emit('dead-letter', { connection, at: clock.now(), group, topic, reason, message });
  });
}

/** Tells what came and what left whenever the queues of a topic were shared out anew. */
function assignments(
  group: string,
  { connection, clock, events }: Watching,
): NonNullable<PortConsumerOptions['onAssigned']> {
  const before = new Map<string, readonly MessageQueue[]>();
  return (topic, mine) => {
    const had = before.get(topic) ?? [];
    before.set(topic, mine);
    const came = mine.filter((one) => !had.some((other) => sameQueue(one, other)));
    const left = had.filter((one) => !mine.some((other) => sameQueue(one, other)));
    const facts = { connection, at: clock.now(), group, topic, assigned: mine.length };
    if (left.length > 0) events.emit('queues-revoked', { ...facts, queues: left });
    if (came.length > 0) events.emit('queues-assigned', { ...facts, queues: came });
  };
}

/** The topic a message was sent to, also when it comes back through the retry topic. */
export function originalTopic(message: StoredMessage): string {
  return message.property(PropertyName.RETRY_TOPIC) ?? message.topic;
}
