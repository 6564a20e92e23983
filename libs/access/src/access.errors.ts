import { CodedError } from '@nestjs-rocketmq/foundation';

/** An access key or secret key is missing or no text. */
export class CredentialsError extends CodedError {
  readonly code = 'ACCESS_CREDENTIALS_INVALID';
}
