import {
  producerOptionSet,
  transactionOptionSet,
  type HashKey,
  type ProducerOptions,
  type QueueSelector,
} from '@nestjs-rocketmq/client';
import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import type { Duration } from './duration.js';
import { checkNames, readTable, type Problems } from './problems.js';
import { readTrace, traceOption, type TraceSettings, type TraceValues } from './trace-option.js';

/** Options of the client's producer that this module hands on by the same name. */
type PassedOnName =
  | 'autoBatch'
  | 'batchMaxBytes'
  | 'batchMaxDelay'
  | 'compressLevel'
  | 'compressType'
  | 'createTopicKey'
  | 'defaultTopicQueueNums'
  | 'detectInterval'
  | 'detectTimeout'
  | 'hooks'
  | 'latencyMax'
  | 'maxInFlight'
  | 'maxInFlightBytes'
  | 'maxTimeoutPerRequest'
  | 'maxWaitingRequests'
  | 'notAvailableDuration'
  | 'retryResponseCodes'
  | 'sendLatencyEnable'
  | 'startDetectorEnable'
  | 'topics'
  | 'totalBatchMaxBytes';

/** What the client's producer is given as it is; see `ProducerOptions` of the client. */
export type PassedOnProducerOptions = Pick<ProducerOptions, PassedOnName>;

/**
 * Chooses the queue of messages that have a hash key, instead of Java's hash of it. Must answer one
 * of `queues`, at once.
 */
export type HashQueueSelector = (
  queues: readonly MessageQueue[],
  hashKey: HashKey,
  message: OutgoingMessage,
) => MessageQueue;

/** How a connection sends. */
export interface ProducerSettings extends PassedOnProducerOptions {
  /** The producer group; transactions are checked with any member of it. Default `nestjs-rocketmq`. */
  readonly group?: string;
  /** Time for a send with its retries. Default 3s. */
  readonly sendTimeout?: Duration;
  /** How often a failed send is tried again, on another broker where there is one. Default 2. */
  readonly retries?: number;
  /**
   * Try another broker when a message was stored, but not as safely as asked (flush or copy not
   * confirmed). Default false: the result's `status` tells.
   */
  readonly retryWhenNotStored?: boolean;
  /** Largest body in bytes. Default 4 MiB. */
  readonly maxMessageSize?: number;
  /** Bodies of at least so many bytes are compressed. Default 4096. */
  readonly compressOver?: number;
  /**
   * True: what becomes of messages is told in the trace topic of the cluster, or in that of
   * `{ topic }`. Default false.
   */
  readonly trace?: boolean | TraceSettings;
  /** Queue of messages with a hash key. Default: Java's selector by hash. */
  readonly queueSelector?: HashQueueSelector;
  /**
   * Topics that the application sends to in transactions: it does not start when one of them has no
   * `@RocketMQTransactionListener`. Default none: a missing listener is told by the send.
   */
  readonly transactionTopics?: readonly string[];
  /** Questions about transactions that are answered at once. Default 4. */
  readonly checkConcurrency?: number;
  /** Such questions waiting at most; more are dropped, the broker asks again. Default 2000. */
  readonly maxPendingChecks?: number;
  /** Time for answering one; then the answer is `unknown`. Default 30s. */
  readonly checkTimeout?: Duration;
}

const client = producerOptionSet.table;
const checks = transactionOptionSet.table;

const passedOn = {
  autoBatch: client.autoBatch,
  batchMaxBytes: client.batchMaxBytes,
  batchMaxDelay: client.batchMaxDelay,
  compressLevel: client.compressLevel,
  compressType: client.compressType,
  createTopicKey: client.createTopicKey,
  defaultTopicQueueNums: client.defaultTopicQueueNums,
  detectInterval: client.detectInterval,
  detectTimeout: client.detectTimeout,
  hooks: client.hooks,
  latencyMax: client.latencyMax,
  maxInFlight: client.maxInFlight,
  maxInFlightBytes: client.maxInFlightBytes,
  maxTimeoutPerRequest: client.maxTimeoutPerRequest,
  maxWaitingRequests: client.maxWaitingRequests,
  notAvailableDuration: client.notAvailableDuration,
  retryResponseCodes: client.retryResponseCodes,
  sendLatencyEnable: client.sendLatencyEnable,
  startDetectorEnable: client.startDetectorEnable,
  topics: client.topics,
  totalBatchMaxBytes: client.totalBatchMaxBytes,
} satisfies Record<PassedOnName, unknown>;

const passedOnNames = Object.keys(passedOn) as PassedOnName[];

/** `producer` of a connection. */
export const producerOptions = defineOptions('producer', {
  group: option.text({
    meaning: 'The producer group; any member of it may be asked about a transaction.',
    default: 'nestjs-rocketmq',
  }),
  sendTimeout: client.sendTimeout,
  retries: option.integer({
    meaning: 'How often a failed send is tried again, on another broker where there is one.',
    default: 2,
    min: 0,
    max: 100,
  }),
  retryWhenNotStored: option.boolean({
    meaning: 'Try another broker when a message was stored, but not as safely as asked.',
    default: false,
  }),
  maxMessageSize: client.maxMessageSize,
  compressOver: option.integer({
    meaning: 'Bodies of at least so many bytes are compressed.',
    default: 4_096,
    min: 0,
  }),
  trace: traceOption,
  queueSelector: option.object<HashQueueSelector>({
    meaning: "Queue of messages with a hash key; Java's selector by hash by default.",
    is: (value) => typeof value === 'function',
    must: 'must be a function of queues, hash key and message',
  }),
  transactionTopics: option.list({
    meaning: 'Topics sent to in transactions: without a listener for each there is no start.',
    default: [],
  }),
  checkConcurrency: checks.checkConcurrency,
  maxPendingChecks: option.integer({
    meaning: 'Transaction checks waiting at most; more are dropped, the broker asks again.',
    default: 2_000,
    min: 1,
  }),
  checkTimeout: checks.checkTimeout,
  ...passedOn,
});

/** The producer's options with their defaults; times in milliseconds. */
export interface ProducerValues extends TraceValues {
  readonly group: string;
  readonly sendTimeout: number;
  readonly retries: number;
  readonly retryWhenNotStored: boolean;
  readonly maxMessageSize: number;
  readonly compressOver: number;
  readonly queueSelector: HashQueueSelector | undefined;
  readonly transactionTopics: readonly string[];
  readonly checkConcurrency: number;
  readonly maxPendingChecks: number;
  readonly checkTimeout: number;
  /** As given, checked; the client has defaults for the rest. */
  readonly client: PassedOnProducerOptions;
}

/** Reads `producer` options; `where` starts the sentences about them. */
export function readProducer(
  where: string,
  given: ProducerSettings | undefined,
  problems: Problems,
): ProducerValues {
  const all = { ...given };
  checkNames(where, all, producerOptions.names, problems);
  const values = readTable(where, producerOptions, all, problems);
  const trace = readTrace(where, values.trace, problems);
  const entries = passedOnNames.map((name) => [name, all[name]] as const);
  const client = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  return { ...(values as unknown as Omit<ProducerValues, 'client'>), ...trace, client };
}

/** The selector for one message, as the client wants it. */
export function selectorFor(selector: HashQueueSelector, hashKey: HashKey): QueueSelector {
  return (queues, message) => selector(queues, hashKey, message);
}
