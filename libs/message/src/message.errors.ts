import { CodedError } from '@nestjs-rocketmq/foundation';

/** Bytes that should be a stored message are none, or are damaged. */
export class MessageRecordError extends CodedError {
  readonly code = 'MESSAGE_RECORD_BROKEN';
}

/** A property name or value cannot be written into the property text. */
export class MessagePropertyError extends CodedError {
  readonly code = 'MESSAGE_PROPERTY_ILLEGAL';
}

/** The body of a batch is not a sequence of messages. */
export class MessageBatchError extends CodedError {
  readonly code = 'MESSAGE_BATCH_BROKEN';
}

/** A text is not a message id, or an address cannot be part of one. */
export class MessageIdError extends CodedError {
  readonly code = 'MESSAGE_ID_ILLEGAL';
}

/** A topic name breaks the rules of topic names. */
export class TopicNameError extends CodedError {
  readonly code = 'TOPIC_NAME_ILLEGAL';
}

/** A group name breaks the rules of group names. */
export class GroupNameError extends CodedError {
  readonly code = 'GROUP_NAME_ILLEGAL';
}

/** A body cannot be decompressed: unknown algorithm, damaged bytes, or larger than allowed. */
export class CompressionError extends CodedError {
  readonly code = 'MESSAGE_COMPRESSION_FAILED';
}
