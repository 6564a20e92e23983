import type { Logger } from '@nestjs-rocketmq/foundation';
import type { Duration, MessageConverter } from 'nestjs-rocketmq';

/** Options of `RocketMQTestKit.start`. */
export interface TestKitOptions {
  /** What the kit's clock shows at first: a date or milliseconds since 1970. Default: now. */
  readonly now?: number | Date;
  /**
   * How long a handler may work in real time before virtual time goes on without it. Default 5s; 0 for
   * tests of handlers that never end, such as one of `consumeTimeout`.
   */
  readonly patience?: Duration;
  /** Options of the embedded broker under Apache's names, such as `messageDelayLevel`. */
  readonly broker?: Readonly<Record<string, unknown>>;
  /** Queues of the topics that listeners subscribe to; they are made before a listener starts. Default 4. */
  readonly queues?: number;
  /** Converters of the application, for `payload` of what the kit shows. */
  readonly converters?: readonly MessageConverter[];
  /** What broker and kit have to say. Default: errors to the console. */
  readonly logger?: Logger;
}

/** How many messages a test waits for, and how long. */
export interface Wanted<T> {
  /** Resolve when there are so many (or more). Default 0: what there is now. */
  readonly count?: number;
  /** Virtual time that may pass meanwhile. Default 5s, which is less than the first retry takes. */
  readonly within?: Duration;
  /** Only those of which this is true. */
  readonly where?: (message: T) => boolean;
}
