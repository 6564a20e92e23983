import type { ProducerPort } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import type { DelayLevels } from '../options/delay-levels.js';
import type { HashQueueSelector } from '../options/producer-options.js';
import type { PullConsumers } from '../pull/pull-consumers.js';
import type { TransactionDispatcher } from '../transaction/transaction-dispatcher.js';
import type { OutgoingInterceptor } from './outgoing-interceptor.js';

/** What a template stands on: one producer of one connection. */
export interface TemplateBackend {
  readonly connection: string;
  readonly converters: MessageConverters;
  readonly delayLevels: DelayLevels;
  readonly queueSelector: HashQueueSelector | undefined;
  readonly transactions: TransactionDispatcher;
  /** In order, the first outermost. Throws before the application is initialised. */
  readonly interceptors: readonly OutgoingInterceptor[];
  /** Missing where nothing can be pulled, in unit tests for example. */
  readonly pulls?: PullConsumers;
  /** The producer if it is started and not closed. */
  readonly running: ProducerPort | undefined;
  /** The started producer. Rejects with `RocketMQClosedError` after the application is closed. */
  producer(): Promise<ProducerPort>;
}
