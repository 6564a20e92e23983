import { CodedError } from '@nestjs-rocketmq/foundation';

/** A file under `config/` does not hold what it should. */
export class TableFileError extends CodedError {
  readonly code = 'BROKER_TABLE_FILE';
}

/** The configuration asks for something that this broker cannot be. */
export class BrokerRoleError extends CodedError {
  readonly code = 'BROKER_ROLE';
}

/** The broker cannot start or was closed already. */
export class BrokerStartError extends CodedError {
  readonly code = 'BROKER_START';
}
