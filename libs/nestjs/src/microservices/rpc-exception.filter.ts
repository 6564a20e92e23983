import { Catch, Inject, Optional, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { RocketMQRpcContext } from './rocketmq-rpc.context.js';

/**
 * Lets errors of handlers reach `RocketMQServer` as they were thrown. Without it Nest turns all but
 * `RpcException` into `Internal server error`, so that the server can only retry: `RetryLaterError`,
 * `NonRetryableError` and the errors of validation pipes need this filter to mean what they mean in a
 * `@RocketMQListener`. For everything else (HTTP, other transports) it does what Nest does by itself.
 *
 * @example
 * ```ts
 * providers: [{ provide: APP_FILTER, useClass: RocketMQRpcExceptionFilter }]
 * ```
 */
@Catch()
export class RocketMQRpcExceptionFilter extends BaseExceptionFilter {
  private readonly others = new BaseRpcExceptionFilter();

  constructor(@Optional() @Inject(HttpAdapterHost) host?: HttpAdapterHost) {
    super(host?.httpAdapter);
  }

  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> | void {
    if (host.getType() !== 'rpc') return super.catch(exception, host);
    const isOurs = host.switchToRpc().getContext<unknown>() instanceof RocketMQRpcContext;
    if (isOurs) return throwError(() => exception);
    return this.others.catch(exception as Error, host);
  }
}
