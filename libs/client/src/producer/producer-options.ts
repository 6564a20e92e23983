import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import { sharedInstanceOption, type SharedInstance } from '../client-instance.js';
import { clientOptionTable, type ClientOptions, type Duration } from '../client-options.js';

/** Options of a producer. Times are durations; sizes are bytes; defaults in brackets. */
export interface ProducerOptions extends ClientOptions, SharedInstance {
  /** The producer group. Java: producerGroup. */
  readonly group: string;
  /** Time for a whole send, all attempts together, from the moment it is let in [3s]. Java: sendMsgTimeout. */
  readonly sendTimeout?: Duration;
  /** Further attempts after a failed one [2]. Java: retryTimesWhenSendFailed. */
  readonly retryTimesWhenSendFailed?: number;
  /** Try another broker when the message was stored, but not as safely as asked [false]. */
  readonly retryAnotherBrokerWhenNotStoreOK?: boolean;
  /** Longest body, or encoded batch, in bytes [4194304]. */
  readonly maxMessageSize?: number;
  /** Bodies of at least this many bytes are compressed [4096]. Java: compressMsgBodyOverHowmuch. */
  readonly compressBodyOver?: number;
  /** Level of zlib, 1 to 9 [5]. */
  readonly compressLevel?: number;
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

/** Declarations behind `ProducerOptions`. */
export const producerOptionTable = {
  ...clientOptionTable,
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
  compressLevel: option.integer({ meaning: 'Level of zlib.', default: 5, min: 1, max: 9 }),
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
