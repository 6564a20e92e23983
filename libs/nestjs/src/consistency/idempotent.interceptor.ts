import 'reflect-metadata';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { ConsumeResult } from '../consume-result.js';
import { NonRetryableError } from '../nestjs.errors.js';
import { RocketMQContext } from '../rocketmq.context.js';
import { ConsistencyKeyError, ConsistencySetupError } from './consistency.errors.js';
import { CONSISTENCY_STORAGE } from './consistency.tokens.js';
import { IdempotencyService } from './idempotency.service.js';
import {
  IDEMPOTENT_METADATA,
  setTransaction,
  type IdempotentMetadata,
} from './idempotent.metadata.js';
import { checkedEntry, messageKey } from './keys.js';
import type { ConsistencyStorage, IdempotencyEntry } from './storage/consistency-storage.js';

/** Carries a result that is no success out of the transaction, which is rolled back by it. */
class NotDone extends Error {
  constructor(readonly result: ConsumeResult) {
    super('rolled back');
  }
}

/** Runs a method under `@Idempotent` in the transaction that makes it happen once. */
@Injectable()
export class IdempotentInterceptor implements NestInterceptor {
  private readonly logger = new Logger('RocketMQIdempotent');

  constructor(
    @Optional()
    @Inject(IdempotencyService)
    private readonly idempotency: IdempotencyService | undefined,
    @Optional()
    @Inject(CONSISTENCY_STORAGE)
    private readonly storage: ConsistencyStorage | undefined,
  ) {}

  intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
    return from(this.once(host, next));
  }

  private async once(host: ExecutionContext, next: CallHandler): Promise<unknown> {
    const where = `${host.getClass().name}.${host.getHandler().name}`;
    const { idempotency, storage } = this;
    if (idempotency === undefined || storage === undefined) {
      throw new ConsistencySetupError(
        `@Idempotent on ${where} has no storage; import RocketMQConsistencyModule.forRoot(...) ` +
          'in the root module.',
      );
    }
    const [payload, context] = host.getArgs<[unknown, unknown]>();
    if (!(context instanceof RocketMQContext)) {
      throw new ConsistencySetupError(
        `@Idempotent on ${where} was not called by a RocketMQ listener; for other callers use ` +
          'IdempotencyService.once.',
      );
    }
    const entry = await entryFor(where, host, payload, context);
    try {
      return await storage.transaction(async (tx) => {
        setTransaction(context, tx);
        const { isFirst, outcome } = await idempotency.onceIn(tx, entry, () => called(next));
        if (!isFirst) this.logger.debug(`${where}: ${entry.scope} has done ${entry.key} before.`);
        return outcome;
      });
    } catch (error) {
      if (error instanceof NotDone) return error.result;
      throw error;
    } finally {
      setTransaction(context, undefined);
    }
  }
}

async function called(next: CallHandler): Promise<unknown> {
  const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
  if (!(result instanceof ConsumeResult)) return result;
  if (result.kind !== 'success') throw new NotDone(result);
  return undefined;
}

/** A key that cannot be used will not be better next time, so the message goes to the dead letters. */
async function entryFor(
  where: string,
  host: ExecutionContext,
  payload: unknown,
  context: RocketMQContext,
): Promise<IdempotencyEntry> {
  const given = Reflect.getMetadata(IDEMPOTENT_METADATA, host.getHandler()) as
    IdempotentMetadata | undefined;
  const { key, scope = context.listener.group } = given ?? {};
  try {
    if (typeof key === 'function') return checkedEntry(scope, await key(payload, context));
    if (key === undefined) return checkedEntry(scope, messageKey(context));
    return checkedEntry(scope, textOf((payload as Record<string, unknown> | null)?.[key]));
  } catch (error) {
    if (!(error instanceof ConsistencyKeyError)) throw error;
    throw new NonRetryableError(`@Idempotent on ${where}: ${error.message}`, { cause: error });
  }
}

/** Numbers are good keys, too. */
function textOf(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
}
