import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import {
  checkGroup,
  compressionTypes,
  highestCompressLevel,
  type CompressionType,
} from '@nestjs-rocketmq/message';
import { sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import { clientOptionTable, type ClientOptions, type Duration } from '../client-options.js';
import { ClientConfigurationError } from '../client.errors.js';
import { traceOptionTable, type TraceOptions } from '../trace/trace-options.js';
import { javaLatencyMax, javaNotAvailableFor } from './broker-faults.js';
import type { SendHook } from './send-hooks.js';

/** Options of a producer. Times are durations; sizes are bytes; defaults in brackets. */
export interface ProducerOptions extends ClientOptions, SharedInstance, TraceOptions {
  /** The producer group. Java: producerGroup. */
  readonly group: string;
  /** Time for a whole send, all attempts together, from the moment it is let in [3s]. Java: sendMsgTimeout. */
  readonly sendTimeout?: Duration;
  /** Further attempts after a failed one [2]. Java: retryTimesWhenSendFailed. */
  readonly retryTimesWhenSendFailed?: number;
  /** Try another broker when the message was stored, but not as safely as asked [false]. */
  readonly retryAnotherBrokerWhenNotStoreOK?: boolean;
  /** Further response codes after which another broker is tried, besides Java's eight [none]. */
  readonly retryResponseCodes?: readonly number[];
  /** Longest time of one attempt while others may follow [off]. Java: sendMsgMaxTimeoutPerRequest. */
  readonly maxTimeoutPerRequest?: Duration;
  /** Avoid brokers that were slow or failed, for a while [false]. */
  readonly sendLatencyEnable?: boolean;
  /** Latencies in ms, rising; from each on a broker is avoided for the time at the same place [Java's]. */
  readonly latencyMax?: readonly number[];
  /** How long in ms a broker is avoided [Java's]. */
  readonly notAvailableDuration?: readonly number[];
  /** Look in the background whether brokers that failed answer again [false]. */
  readonly startDetectorEnable?: boolean;
  /** A broker is looked at this often at most [2s]. */
  readonly detectInterval?: Duration;
  /** Time for its answer [200ms]. */
  readonly detectTimeout?: Duration;
  /** Topics whose routes are asked for at the start instead of at the first send [none]. */
  readonly topics?: readonly string[];
  /** Look on while messages are sent [none]. */
  readonly hooks?: readonly SendHook[];
  /** Longest body, or encoded batch, in bytes [4194304]. */
  readonly maxMessageSize?: number;
  /** Bodies of at least this many bytes are compressed [4096]. Java: compressMsgBodyOverHowmuch. */
  readonly compressBodyOver?: number;
  /** How bodies are compressed [zlib]. Java: rocketmq.message.compressType. */
  readonly compressType?: CompressionType;
  /** 1 to 9 for zlib, 1 to 22 for zstd; lz4 has no levels [5]. */
  readonly compressLevel?: number;
  /** Gather messages that are sent one by one into batches [false]. */
  readonly autoBatch?: boolean;
  /** A message waits so long for others at most [10ms]. Java: batchMaxDelayMs. */
  readonly batchMaxDelay?: Duration;
  /** A gathered batch of so many bytes is sent at once [32768]. */
  readonly batchMaxBytes?: number;
  /** Bytes gathered at most, until they are sent; further messages go alone [33554432]. */
  readonly totalBatchMaxBytes?: number;
  /** Sends under way at once; later ones wait their turn [512]. */
  readonly maxInFlight?: number;
  /** Bytes of bodies under way at once; later sends wait their turn [67108864]. */
  readonly maxInFlightBytes?: number;
  /** Requests waiting for their replies at once; later ones wait their turn [1024]. */
  readonly maxWaitingRequests?: number;
  /** Queues wished for a topic that the broker makes at the first send [4]. */
  readonly defaultTopicQueueNums?: number;
  /** The template topic of automatic creation [TBW102]. */
  readonly createTopicKey?: string;
}

const numbers = (meaning: string, fallback: readonly number[] = []) =>
  option.object<readonly number[]>({
    meaning,
    default: fallback,
    is: (value) => Array.isArray(value) && value.every((one) => Number.isInteger(one) && one >= 0),
    must: 'must be an array of whole numbers, 0 or more',
  });

/** Declarations behind `ProducerOptions`. */
export const producerOptionTable = {
  ...clientOptionTable,
  ...traceOptionTable,
  instance: sharedInstanceOption,
  group: option.text({ meaning: 'The producer group.', required: true }),
  sendTimeout: option.duration({
    meaning: 'Time for a whole send, all attempts together, from the moment it is let in.',
    default: 3_000,
    min: 1,
  }),
  retryTimesWhenSendFailed: option.integer({
    meaning: 'Further attempts after a failed one.',
    default: 2,
    min: 0,
    max: 100,
  }),
  retryAnotherBrokerWhenNotStoreOK: option.boolean({
    meaning: 'Try another broker when a message was stored, but not as safely as asked.',
    default: false,
  }),
  retryResponseCodes: numbers('Further response codes after which another broker is tried.'),
  maxTimeoutPerRequest: option.duration({
    meaning: 'Longest time of one attempt while others may follow.',
    min: 1,
  }),
  sendLatencyEnable: option.boolean({
    meaning: 'Avoid brokers that were slow or failed, for a while.',
    default: false,
  }),
  latencyMax: numbers(
    'Latencies in ms; from each on a broker is avoided for the time at the same place of ' +
      'notAvailableDuration.',
    javaLatencyMax,
  ),
  notAvailableDuration: numbers('How long in ms a broker is avoided.', javaNotAvailableFor),
  startDetectorEnable: option.boolean({
    meaning: 'Look in the background whether brokers that failed answer again.',
    default: false,
  }),
  detectInterval: option.duration({
    meaning: 'A broker is looked at this often at most.',
    default: 2_000,
    min: 1,
  }),
  detectTimeout: option.duration({
    meaning: 'Time for the answer of a broker that is looked at.',
    default: 200,
    min: 1,
  }),
  topics: option.list({
    meaning: 'Topics whose routes are asked for at the start instead of at the first send.',
    default: [],
  }),
  hooks: option.object<readonly unknown[]>({
    meaning: 'Look on while messages are sent.',
    is: (value) => Array.isArray(value) && value.every((one) => typeof one === 'object' && one),
    must: 'must be an array of objects with functions such as beforeSend and afterSend',
  }),
  maxMessageSize: option.integer({
    meaning: 'Longest body, or encoded batch, in bytes.',
    default: 4 * 1024 * 1024,
    min: 1,
  }),
  compressBodyOver: option.integer({
    meaning: 'Bodies of at least this many bytes are compressed.',
    default: 4096,
    min: 0,
  }),
  compressType: option.choice(compressionTypes, {
    meaning: 'How bodies are compressed; consumers before 4.9.4 read zlib only.',
    default: 'zlib',
  }),
  compressLevel: option.integer({
    meaning: 'Level of compression: 1 to 9 for zlib, 1 to 22 for zstd; lz4 has none.',
    default: 5,
    min: 1,
    max: 22,
  }),
  autoBatch: option.boolean({
    meaning: 'Gather messages that are sent one by one into batches.',
    default: false,
  }),
  batchMaxDelay: option.duration({
    meaning: 'A message waits so long for others at most.',
    default: 10,
    min: 1,
    max: 30_000,
  }),
  batchMaxBytes: option.integer({
    meaning: 'A gathered batch of so many bytes is sent at once.',
    default: 32 * 1024,
    min: 1,
    max: 2 * 1024 * 1024,
  }),
  totalBatchMaxBytes: option.integer({
    meaning: 'Bytes gathered at most, until they are sent; further messages go alone.',
    default: 32 * 1024 * 1024,
    min: 1,
  }),
  maxInFlight: option.integer({
    meaning: 'Sends under way at once; later ones wait their turn.',
    default: 512,
    min: 1,
  }),
  maxInFlightBytes: option.integer({
    meaning: 'Bytes of bodies under way at once; later sends wait their turn.',
    default: 64 * 1024 * 1024,
    min: 1,
  }),
  maxWaitingRequests: option.integer({
    meaning: 'Requests waiting for their replies at once; later ones wait their turn.',
    default: 1024,
    min: 1,
  }),
  defaultTopicQueueNums: option.integer({
    meaning: 'Queues wished for a topic that the broker makes at the first send.',
    default: 4,
    min: 1,
    max: 1024,
  }),
  createTopicKey: option.text({
    meaning: 'The template topic of automatic creation.',
    default: 'TBW102',
  }),
};

export const producerOptionSet = defineOptions('producer', producerOptionTable);
export type ProducerSettings = OptionValues<typeof producerOptionTable>;

/** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
export function loadProducerOptions(options: ProducerOptions): ProducerSettings {
  const settings = producerOptionSet.load(options as unknown as Record<string, unknown>);
  const { group, latencyMax, notAvailableDuration, compressType, compressLevel } = settings;
  checkGroup(group);
  if (compressLevel > highestCompressLevel[compressType]) {
    const most = highestCompressLevel[compressType];
    throw new ClientConfigurationError(
      `The 'compressLevel' of ${compressType} is 1 to ${most}, but is ${compressLevel}.`,
      { details: { compressType, compressLevel } },
    );
  }
  if (group === 'DEFAULT_PRODUCER') {
    throw new ClientConfigurationError(
      "The group name 'DEFAULT_PRODUCER' is reserved by RocketMQ; choose one of your own.",
      { details: { group } },
    );
  }
  const isRising = latencyMax.every((one, i) => i === 0 || one > (latencyMax[i - 1] as number));
  if (!isRising || latencyMax.length !== notAvailableDuration.length) {
    throw new ClientConfigurationError(
      "'latencyMax' must rise, and 'notAvailableDuration' must have as many numbers.",
      { details: { latencyMax, notAvailableDuration } },
    );
  }
  return settings;
}
