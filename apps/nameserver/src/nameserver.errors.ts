import { CodedError } from '@nestjs-rocketmq/foundation';

/** The command line of `mqnamesrv` cannot be understood, or its file cannot be read. */
export class NameserverStartError extends CodedError {
  override readonly code = 'NAMESERVER_START';
}
