import {
  Injectable,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { ApplicationConfig } from '@nestjs/core';
import { map, of, throwError, type Observable } from 'rxjs';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  RawMessage,
  RocketMQContext,
  RocketMQListener,
  type StoredMessage,
} from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication } from '../testing/test-application.js';
import { enhancerMetadata } from './handler-enhancers.js';

const order = { id: 'o1' };
const queue = { topic: 'orders', brokerName: 'fake', queueId: 0 };
const delivery = { queue, signal: new AbortController().signal };

let behave: (...args: unknown[]) => unknown;

@Injectable()
class Plain {
  @RocketMQListener({ topic: 'orders', group: 'g' })
  onOrder(payload: object, context: RocketMQContext): unknown {
    return behave(payload, context);
  }
}

/** What the client gets for a message, as it gets it: at once or as a promise. */
async function answerOf(provider: new (...args: never[]) => object): Promise<unknown> {
  const { app, clients } = await startApplication({ providers: [provider] });
  const answer = clients.consumer('g').options.listener([storedMessage(order)], delivery);
  await answer;
  await app.close();
  return answer;
}

describe('a handler without enhancers', () => {
  it.each([
    ['nothing', () => undefined, { kind: 'success' }],
    ['a decision', () => ConsumeResult.deadLetter('no'), { kind: 'dead-letter', reason: 'no' }],
    [
      'an error',
      () => {
        throw new Error('odd');
      },
      { kind: 'retry', delayLevel: 0, suspendMs: 1000, error: new Error('odd') },
    ],
  ])('is called without a promise when it answers %s at once', async (_, behaviour, verdict) => {
    behave = behaviour;
    expect(await answerOf(Plain)).toEqual(verdict);
    behave = behaviour;
    const { app, clients } = await startApplication({ providers: [Plain] });
    const answer = clients.consumer('g').options.listener([storedMessage(order)], delivery);
    expect(answer).toEqual(verdict);
    await app.close();
  });

  it.each([
    ['a promise', () => Promise.resolve(), 'success'],
    ['a promise that fails', () => Promise.reject(new Error('odd')), 'retry'],
    ['an observable', () => of(ConsumeResult.deadLetter()), 'dead-letter'],
    ['an observable that fails', () => throwError(() => new Error('odd')), 'retry'],
  ])('is waited for when it answers %s', async (_, behaviour, kind) => {
    behave = behaviour;
    expect(await answerOf(Plain)).toMatchObject({ kind });
  });

  it('gets the parameters that its decorators name', async () => {
    let seen: unknown[] = [];
    @Injectable()
    class Decorated {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(
        @RawMessage() raw: StoredMessage,
        _unnamed: unknown,
        @MessageContext() context: RocketMQContext,
        @MessagePayload('id') id: string,
      ): void {
        seen = [raw.topic, _unnamed, context.messageId, id];
      }
    }
    expect(await answerOf(Decorated)).toEqual({ kind: 'success' });
    expect(seen).toEqual(['orders', undefined, 'UNIQUE', 'o1']);
  });
});

describe('enhancers that a handler must not miss', () => {
  const block = { canActivate: () => false };

  it('are known by the keys under which Nest keeps them', () => {
    expect(enhancerMetadata).toEqual({
      guards: GUARDS_METADATA,
      interceptors: INTERCEPTORS_METADATA,
      pipes: PIPES_METADATA,
      filters: EXCEPTION_FILTERS_METADATA,
    });
  });

  it('may stand on a base class', async () => {
    @UseGuards(block)
    class Base {}
    @Injectable()
    class Inheriting extends Base {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(): void {}
    }
    expect(await answerOf(Inheriting)).toMatchObject({ kind: 'retry' });
  });

  it('may be added to the application while it starts', async () => {
    @Injectable()
    class Late implements OnApplicationBootstrap {
      constructor(private readonly config: ApplicationConfig) {}
      onApplicationBootstrap(): void {
        this.config.useGlobalGuards(block);
      }
    }
    behave = () => undefined;
    const { app, clients } = await startApplication({ providers: [Plain, Late] });
    const [verdict] = await clients.consumer('g').deliver(storedMessage(order));
    expect(verdict).toMatchObject({ kind: 'retry' });
    await app.close();
  });

  it('may decide by what they return', async () => {
    class Deciding implements NestInterceptor {
      intercept(_: unknown, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(map(() => ConsumeResult.deadLetter('decided')));
      }
    }
    @Injectable()
    class Intercepted {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      @UseInterceptors(Deciding)
      onOrder(): void {}
    }
    expect(await answerOf(Intercepted)).toEqual({ kind: 'dead-letter', reason: 'decided' });
  });
});
