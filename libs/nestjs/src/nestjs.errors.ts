import { IntrinsicException } from '@nestjs/common';
import { CodedError, type CodedErrorOptions } from '@nestjs-rocketmq/foundation';
import type { RetryDelay } from './consume-result.js';

/** One thing that is wrong with the set-up: what, where and how to mend it. */
export interface SetupProblem {
  /** Stable; one of `SetupProblemCode`. */
  readonly code: SetupProblemCode;
  readonly sentence: string;
}

export type SetupProblemCode =
  | 'ROCKETMQ_OPTION_INVALID'
  | 'ROCKETMQ_OPTION_UNKNOWN'
  | 'ROCKETMQ_SPRING_NAME'
  | 'ROCKETMQ_PLACEHOLDER_UNRESOLVED'
  | 'ROCKETMQ_TOPIC_MISSING'
  | 'ROCKETMQ_GROUP_MISSING'
  | 'ROCKETMQ_GROUP_TWICE'
  | 'ROCKETMQ_SUBSCRIPTIONS_DIFFER'
  | 'ROCKETMQ_GROUP_OPTIONS_DIFFER'
  | 'ROCKETMQ_LISTENER_ID_TWICE'
  | 'ROCKETMQ_LISTENER_UNKNOWN'
  | 'ROCKETMQ_PAYLOAD_TYPE_MISSING'
  | 'ROCKETMQ_ORDERLY_BROADCAST'
  | 'ROCKETMQ_BATCH_OVER_PULL'
  | 'ROCKETMQ_CONNECTION_UNKNOWN'
  | 'ROCKETMQ_HANDLER_MISSING'
  | 'ROCKETMQ_PATTERN_INVALID'
  | 'ROCKETMQ_TRANSACTION_LISTENER_TWICE'
  | 'ROCKETMQ_TRANSACTION_LISTENER_MISSING'
  | 'ROCKETMQ_INTERCEPTOR_UNUSABLE'
  | 'ROCKETMQ_MODULE_TWICE'
  | 'ROCKETMQ_EVENT_INVALID'
  | 'ROCKETMQ_PEER_MISSING'
  | 'ROCKETMQ_METRICS_TWICE';

/** The application cannot start: `problems` has everything that is wrong, not only the first. */
export class RocketMQSetupError extends CodedError {
  readonly code = 'ROCKETMQ_SETUP_INVALID';

  constructor(readonly problems: readonly SetupProblem[]) {
    const lines = problems.map(({ code, sentence }) => `  - ${sentence} [${code}]`);
    const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`;
    super(`${count} wrong with the RocketMQ set-up of this application:\n${lines.join('\n')}`, {
      details: { problems },
    });
  }
}

/** A body cannot be turned into a payload, or a payload into a body. */
export class MessageConversionError extends CodedError {
  readonly code = 'ROCKETMQ_CONVERSION_FAILED';
}

/** A call of the template cannot work as written: destination, payload, delay, property names. */
export class RocketMQSendError extends CodedError {
  readonly code = 'ROCKETMQ_SEND_REFUSED';
}

/** A call of `receive` or `pullConsumer` cannot work as written: name, group, options. */
export class RocketMQReceiveError extends CodedError {
  readonly code = 'ROCKETMQ_RECEIVE_REFUSED';
}

/** The template was used after the application was closed, or a producer before it was started. */
export class RocketMQClosedError extends CodedError {
  readonly code = 'ROCKETMQ_CLOSED';
}

/**
 * A transactional send that no `@RocketMQTransactionListener` answers for; nothing was sent. (At
 * start, for `producer.transactionTopics`, it is one of the problems of `RocketMQSetupError`.)
 */
export class TransactionListenerMissingError extends CodedError {
  readonly code = 'ROCKETMQ_TRANSACTION_LISTENER_MISSING';
}

/**
 * The half message of `template.transaction` was not safely stored (`status`): the local
 * transaction did not run, and the broker was told to withdraw the message.
 */
export class TransactionNotStoredError extends CodedError {
  readonly code = 'ROCKETMQ_TRANSACTION_NOT_STORED';
}

/** The listener that a request reached failed; `remote` is what it threw. */
export class RequestFailedError extends CodedError {
  readonly code = 'ROCKETMQ_REQUEST_FAILED';

  constructor(
    sentence: string,
    /** Name, sentence and code of the error there. */
    readonly remote: { readonly name: string; readonly message: string; readonly code?: string },
    options?: CodedErrorOptions,
  ) {
    super(sentence, options);
  }
}

/** The broker did not take a message with a time of its own: it has no timers, or none so long. */
export class TimerRefusedError extends CodedError {
  readonly code = 'ROCKETMQ_TIMER_REFUSED';
}

/**
 * A batch was cut into several requests, and a later one failed: `results` has one result for each
 * message that arrived, from the first on.
 */
export class BatchPartlySentError extends CodedError {
  readonly code = 'ROCKETMQ_BATCH_PARTLY_SENT';

  constructor(
    sentence: string,
    readonly results: readonly unknown[],
    options?: CodedErrorOptions,
  ) {
    super(sentence, options);
  }
}

/** No server of a connection answered in time, and `startup.failFast` wants no start then. */
export class RocketMQConnectionError extends CodedError {
  readonly code = 'ROCKETMQ_CONNECTION_FAILED';
}

/** No listener has the id asked for. */
export class ListenerUnknownError extends CodedError {
  readonly code = 'ROCKETMQ_LISTENER_UNKNOWN';
}

/** A listener that its options disable was to be started by hand. */
export class ListenerDisabledError extends CodedError {
  readonly code = 'ROCKETMQ_LISTENER_DISABLED';
}

/**
 * Thrown by a handler: the message shall come again, after a delay of the handler's choice.
 * It is a decision rather than a fault, so Nest prints no stack for it.
 */
export class RetryLaterError extends IntrinsicException {
  readonly code = 'ROCKETMQ_RETRY_LATER';
  readonly delay: RetryDelay;

  constructor(sentence: string, delay: RetryDelay = {}, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'RetryLaterError';
    this.delay = delay;
  }
}

/**
 * Thrown by a handler: trying again cannot help, the message goes to the dead letters at once.
 * Nest prints no stack for it; the listener logs it with the message it was about.
 */
export class NonRetryableError extends IntrinsicException {
  readonly code = 'ROCKETMQ_NON_RETRYABLE';

  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'NonRetryableError';
  }
}
