import type { MessageQueue, OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';

/** What every event says. */
export interface RocketMQEventBase {
  /** Name of the connection. */
  readonly connection: string;
  /** When it happened, ms since 1970. */
  readonly at: number;
}

/** About the consumer of a listener. */
export interface ListenerEvent extends RocketMQEventBase {
  readonly group: string;
  readonly topics: readonly string[];
}

/** Queues of one topic came to this process, or left it. */
export interface QueuesEvent extends RocketMQEventBase {
  readonly group: string;
  readonly topic: string;
  /** Those that came, or left. */
  readonly queues: readonly MessageQueue[];
  /** How many of the topic this process has now. */
  readonly assigned: number;
}

/** The servers of a connection cannot be used. */
export interface ConnectionLostEvent extends RocketMQEventBase {
  /** Why, as a sentence. */
  readonly reason: string;
}

/** The servers of a connection can be used again. */
export interface ConnectionRegainedEvent extends RocketMQEventBase {
  /** For how long they could not, ms. */
  readonly lostFor: number;
}

/** A message goes to the dead letters of its group: it is not delivered again. */
export interface DeadLetterEvent extends RocketMQEventBase {
  readonly group: string;
  /** The topic it was sent to. */
  readonly topic: string;
  readonly reason: string;
  readonly message: StoredMessage;
}

/** A send was given up: the promise of the template rejected. */
export interface SendFailedEvent extends RocketMQEventBase {
  /** The producer group. */
  readonly group: string;
  readonly topic: string;
  /** One, or those of a batch. */
  readonly messages: readonly OutgoingMessage[];
  readonly error: unknown;
}

/** Every event by its name. */
export interface RocketMQEventMap {
  'listener-started': ListenerEvent;
  'listener-stopped': ListenerEvent;
  'listener-paused': ListenerEvent;
  'listener-resumed': ListenerEvent;
  'queues-assigned': QueuesEvent;
  'queues-revoked': QueuesEvent;
  'connection-lost': ConnectionLostEvent;
  'connection-regained': ConnectionRegainedEvent;
  'dead-letter': DeadLetterEvent;
  'send-failed': SendFailedEvent;
}

export type RocketMQEventName = keyof RocketMQEventMap;

/** An event with its name in `type`, as `RocketMQEvents.stream` gives it. */
export type RocketMQEvent = {
  [K in RocketMQEventName]: { readonly type: K } & RocketMQEventMap[K];
}[RocketMQEventName];

/** The names of all events, for checks. */
export const eventNames = [
  'listener-started',
  'listener-stopped',
  'listener-paused',
  'listener-resumed',
  'queues-assigned',
  'queues-revoked',
  'connection-lost',
  'connection-regained',
  'dead-letter',
  'send-failed',
] as const satisfies readonly RocketMQEventName[];
