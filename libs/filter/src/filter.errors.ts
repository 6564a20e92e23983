import { CodedError } from '@nestjs-rocketmq/foundation';

/** A subscription's expression cannot be understood. */
export class FilterError extends CodedError {
  readonly code = 'FILTER_EXPRESSION_INVALID';
}
