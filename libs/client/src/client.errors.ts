import { CodedError, type CodedErrorOptions } from '@nestjs-rocketmq/foundation';
import type { SendResult } from './producer/send-result.js';

/** A call came before `start()`, after `close()`, or a second `start()`. */
export class ClientStateError extends CodedError {
  readonly code = 'CLIENT_NOT_RUNNING';
}

/** The client object was configured in a way that cannot work (see the sentence). */
export class ClientConfigurationError extends CodedError {
  readonly code = 'CLIENT_CONFIGURATION_INVALID';
}

/** The message was refused before it left: topic, body, property, delay level, batch rules. */
export class InvalidMessageError extends CodedError {
  readonly code = 'CLIENT_MESSAGE_INVALID';
}

/** The body, or the encoded batch, is larger than `maxMessageSize`. */
export class MessageTooLargeError extends CodedError {
  readonly code = 'CLIENT_MESSAGE_TOO_LARGE';
}

/** A hook of the producer (`checkSend`) did not let the message go. */
export class SendForbiddenError extends CodedError {
  readonly code = 'CLIENT_SEND_FORBIDDEN';
}

/**
 * A part of a batch that was cut into several could not be sent; `cause` says why. What is behind it
 * was not sent, so `messages.slice(error.results.length)` can be given again; the failed part itself
 * may have arrived when its answer was lost.
 */
export class BatchIncompleteError extends CodedError {
  readonly code = 'CLIENT_BATCH_INCOMPLETE';

  constructor(
    sentence: string,
    /** The results of the messages that were sent: the first ones, in order. */
    readonly results: readonly SendResult[],
    options: CodedErrorOptions = {},
  ) {
    const { cause } = options;
    super(sentence, { retriable: cause instanceof CodedError && cause.retriable, ...options });
  }
}

/** A queue selector threw, or answered something that is no queue of the topic. */
export class QueueSelectionError extends CodedError {
  readonly code = 'CLIENT_QUEUE_SELECTION_FAILED';
}

/** None of the name servers answered. Java's client code 10004. */
export class NameServerUnreachableError extends CodedError {
  readonly code = 'CLIENT_NAME_SERVER_UNREACHABLE';

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, { retriable: true, ...options });
  }
}

/** The name servers know no usable route of the topic. Java's client code 10005. */
export class NoRouteError extends CodedError {
  readonly code = 'CLIENT_NO_ROUTE';

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, { retriable: true, ...options });
  }
}

/** What a broker said when it refused. */
export interface BrokerRefusal {
  /** The number of the response code, for example 17. */
  readonly responseCode: number;
  /** Apache's name of it, for example TOPIC_NOT_EXIST. */
  readonly responseName: string;
  /** The broker's own words; may be empty. */
  readonly remark: string;
  /** `host:port` of the broker. */
  readonly address: string;
}

/** A broker answered with a code that is no success for this command. */
export class BrokerRefusedError extends CodedError {
  readonly code: string = 'CLIENT_BROKER_REFUSED';
  readonly responseCode: number;
  readonly responseName: string;
  readonly remark: string;
  readonly address: string;

  constructor(sentence: string, refusal: BrokerRefusal, options: CodedErrorOptions = {}) {
    super(sentence, { ...options, details: { ...refusal, ...options.details } });
    this.responseCode = refusal.responseCode;
    this.responseName = refusal.responseName;
    this.remark = refusal.remark;
    this.address = refusal.address;
  }
}

/**
 * A broker refused for reasons of access: no credentials, wrong ones, or no permission. The sentence
 * says which, and nothing is tried again.
 */
export class AccessDeniedError extends BrokerRefusedError {
  override readonly code = 'CLIENT_ACCESS_DENIED';
}

/**
 * A send did not succeed on any attempt; `cause` is the last failure, `attempts` how many were
 * made. Java's client codes 10001 (connect) and 10002 (time-out) both arrive as this.
 */
export class SendFailedError extends CodedError {
  readonly code = 'CLIENT_SEND_FAILED';
  /** What the broker of the last attempt answered; undefined when none did. */
  readonly responseCode: number | undefined;
  /** Its words. */
  readonly remark: string | undefined;

  constructor(
    sentence: string,
    readonly attempts: number,
    options: CodedErrorOptions = {},
  ) {
    super(sentence, { retriable: true, ...options, details: { attempts, ...options.details } });
    const { cause } = options;
    const refused = cause instanceof BrokerRefusedError ? cause : undefined;
    this.responseCode = refused?.responseCode;
    this.remark = refused?.remark;
  }
}

/** The time of a whole send (all attempts together) was used up. */
export class SendTimeoutError extends CodedError {
  readonly code = 'CLIENT_SEND_TIMEOUT';

  constructor(
    sentence: string,
    readonly attempts: number,
    options: CodedErrorOptions = {},
  ) {
    super(sentence, { retriable: true, ...options, details: { attempts, ...options.details } });
  }
}

/** No reply to a request came in time. Java's client code 10006. */
export class RequestTimeoutError extends CodedError {
  readonly code = 'CLIENT_REQUEST_TIMEOUT';

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, { retriable: true, ...options });
  }
}

/** A pull was asked for with an offset or a number of messages that cannot be. */
export class InvalidPullError extends CodedError {
  readonly code = 'CLIENT_PULL_INVALID';
}

/** A consumer was to have queues both by `subscribe` and by `assign`. */
export class AssignmentConflictError extends CodedError {
  readonly code = 'CLIENT_ASSIGNMENT_CONFLICT';
}

/** A queue is not with this consumer, or not any more. */
export class QueueNotAssignedError extends CodedError {
  readonly code = 'CLIENT_QUEUE_NOT_ASSIGNED';

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, { retriable: true, ...options });
  }
}

/** A seek to an offset that the queue does not have. */
export class SeekRangeError extends CodedError {
  readonly code = 'CLIENT_SEEK_OUT_OF_RANGE';
}

/** A query was asked for with limits or times that cannot be. */
export class InvalidQueryError extends CodedError {
  readonly code = 'CLIENT_QUERY_INVALID';
}

/** No broker created a topic; `cause` is what the first one said. */
export class TopicCreationError extends CodedError {
  readonly code = 'CLIENT_TOPIC_NOT_CREATED';
}

/** Where a queue's consumption stands could not be read; it is never guessed. */
export class OffsetReadError extends CodedError {
  readonly code = 'CLIENT_OFFSET_UNREADABLE';

  constructor(sentence: string, options: CodedErrorOptions = {}) {
    super(sentence, { retriable: true, ...options });
  }
}

/** Work was still running when the time of `close({ deadline })` was over. */
export class CloseDeadlineError extends CodedError {
  readonly code = 'CLIENT_CLOSE_DEADLINE';
}
