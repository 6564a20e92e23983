import { Catch, HttpStatus } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { isRocketMQContext } from 'nestjs-rocketmq';
import {
  CallbackRefusedError,
  IdempotencyError,
  KeyTakenError,
  NotFoundError,
  OutOfStockError,
  RequestError,
  SampleError,
  StateError,
  UnavailableError,
} from '../sample.errors.js';

interface Reply {
  status(code: number): Reply;
  json(body: unknown): void;
}

/** The status of each error; what is not here is the server's own fault. */
const STATUS: readonly (readonly [abstract new (...args: never[]) => SampleError, HttpStatus])[] = [
  [RequestError, HttpStatus.BAD_REQUEST],
  [CallbackRefusedError, HttpStatus.UNPROCESSABLE_ENTITY],
  [NotFoundError, HttpStatus.NOT_FOUND],
  [OutOfStockError, HttpStatus.CONFLICT],
  [StateError, HttpStatus.CONFLICT],
  [KeyTakenError, HttpStatus.CONFLICT],
  [IdempotencyError, HttpStatus.UNPROCESSABLE_ENTITY],
  [UnavailableError, HttpStatus.SERVICE_UNAVAILABLE],
];

/** Answers HTTP requests with code, sentence and values of an error of ours. */
@Catch(SampleError)
export class SampleErrorFilter implements ExceptionFilter<SampleError> {
  catch(error: SampleError, host: ArgumentsHost): void {
    // a listener's error is not an answer to anybody: the message comes again
    if (isRocketMQContext(host)) throw error;
    const known = STATUS.find(([type]) => error instanceof type);
    const statusCode = known?.[1] ?? HttpStatus.INTERNAL_SERVER_ERROR;
    const { code, message, details } = error;
    host.switchToHttp().getResponse<Reply>().status(statusCode).json({
      statusCode,
      code,
      message,
      details,
    });
  }
}
