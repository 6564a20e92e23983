import { CodedError, type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import {
  MessageIllegalError,
  StoreClosedError,
  StoreFailedError,
  StoreFullError,
} from '@nestjs-rocketmq/store';

interface Refusing {
  refuse(code: number, remark: string): void;
}

/** The response code for an error of the store (Apache's table of put statuses). */
export function codeOfStoreError(error: unknown): number {
  if (error instanceof MessageIllegalError) return ResponseCode.MESSAGE_ILLEGAL;
  if (
    error instanceof StoreFullError ||
    error instanceof StoreClosedError ||
    error instanceof StoreFailedError
  ) {
    return ResponseCode.SERVICE_NOT_AVAILABLE;
  }
  return ResponseCode.SYSTEM_ERROR;
}

/** Answers that the store did not take a message, and logs what is no fault of the sender. */
export function refuseForStore(reply: Refusing, error: unknown, logger: Logger): void {
  const code = codeOfStoreError(error);
  if (code !== ResponseCode.MESSAGE_ILLEGAL) {
    logger.error('the store did not take a message', {
      error,
      code: error instanceof CodedError ? error.code : undefined,
    });
  }
  reply.refuse(code, messageOf(error));
}
