import { CodedError } from '@nestjs-rocketmq/foundation';

/** What a test waits for has not happened within its deadline; the message tells what has. */
export class TestDeadlineError extends CodedError {
  readonly code = 'ROCKETMQ_TEST_DEADLINE';
}

/** The kit was used after it was closed, or in a way that cannot work; the message tells how. */
export class TestKitUsageError extends CodedError {
  readonly code = 'ROCKETMQ_TEST_KIT_USAGE';
}
