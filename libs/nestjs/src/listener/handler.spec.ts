import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  createParamDecorator,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA as nestsKey } from '@nestjs/common/constants.js';
import { APP_GUARD, APP_PIPE, REQUEST } from '@nestjs/core';
import { IsInt, IsString } from 'class-validator';
import { Packr } from 'msgpackr';
import { tap, type Observable } from 'rxjs';
import {
  ConsumeResult,
  MessageContext,
  MessageKeys,
  MessagePayload,
  MessageProperty,
  RawMessage,
  RocketMQContext,
  RocketMQListener,
  isRocketMQContext,
  type StoredMessage,
} from '../index.js';
import { ROUTE_ARGS_METADATA } from '../rocketmq.constants.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication } from '../testing/test-application.js';

class OrderPlaced {
  @IsString()
  id!: string;

  @IsInt()
  sum!: number;
}

const order = { id: 'o1', sum: 5 };

/** What handlers saw, newest last. */
let seen: unknown[] = [];
beforeEach(() => (seen = []));

/** Starts an application with the provider and delivers the message to its group `g`. */
async function deliver(
  provider: new (...args: never[]) => object,
  messages: StoredMessage[],
  others: object[] = [],
) {
  const started = await startApplication({ providers: [provider, ...(others as never[])] });
  const verdicts = await started.clients.consumer('g').deliver(...messages);
  await started.app.close();
  return { ...started, verdicts };
}

describe('parameters of a handler', () => {
  it('are the parts of the message that its decorators name', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(
        @MessageKeys() keys: string[],
        @MessagePayload() payload: object,
        @MessagePayload('id') id: string,
        @MessageProperty('region') region: string,
        @MessageProperty() properties: object,
        @RawMessage() raw: StoredMessage,
        @MessageContext() context: RocketMQContext,
      ): void {
        seen = [keys, payload, id, region, properties, raw, context];
      }
    }
    const message = storedMessage(order, {
      tags: 'placed',
      keys: ['k1', 'k2'],
      properties: { region: 'eu' },
      reconsumeTimes: 3,
    });
    await deliver(Listener, [message]);
    expect(seen.slice(0, 4)).toEqual([['k1', 'k2'], order, 'o1', 'eu']);
    expect(seen[4]).toMatchObject({ region: 'eu', TAGS: 'placed' });
    expect(seen[5]).toBe(message);
    const context = seen[6] as RocketMQContext;
    expect(context).toBeInstanceOf(RocketMQContext);
    expect(context).toMatchObject({
      topic: 'orders',
      tag: 'placed',
      keys: ['k1', 'k2'],
      messageId: 'UNIQUE',
      queueId: 1,
      queueOffset: 7,
      reconsumeTimes: 3,
      bornAt: new Date(1_700_000_000_000),
      storedAt: new Date(1_700_000_000_001),
      listener: { id: 'Listener.onOrder', group: 'g', connection: 'default' },
    });
    expect(context.property('region')).toBe('eu');
    expect(context.signal.aborted).toBe(false);
  });

  it('are payload and context when there are no decorators', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(payload: object, context: RocketMQContext): void {
        seen = [payload, context.topic];
      }
    }
    await deliver(Listener, [storedMessage(order)]);
    expect(seen).toEqual([order, 'orders']);
  });

  it('may come from decorators of the application', async () => {
    const Tenant = createParamDecorator((data: string, context: ExecutionContext) => {
      const message = context.switchToRpc().getContext<RocketMQContext>();
      return `${data}:${context.getType<string>()}:${message.property('tenant')}`;
    });
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(@Tenant('t') tenant: string): void {
        seen = [tenant];
      }
    }
    await deliver(Listener, [storedMessage(order, { properties: { tenant: 'acme' } })]);
    expect(seen).toEqual(['t:rocketmq:acme']);
  });

  it('leave the body alone when the handler asks for no payload', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(@RawMessage() raw: StoredMessage): void {
        seen = [raw.text];
      }
    }
    const { verdicts } = await deliver(Listener, [storedMessage('no json')]);
    expect(verdicts).toEqual([{ kind: 'success' }]);
    expect(seen).toEqual(['no json']);
  });

  it.each([
    ['a text', 'plain words', {}],
    [
      'MessagePack',
      new Packr({ useRecords: false }).pack(order),
      { contentType: 'application/msgpack' },
    ],
  ])('are decoded by the content type: %s', async (_, body, properties) => {
    @Injectable()
    class Texts {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(@MessagePayload() text: string): void {
        seen = [text];
      }
    }
    @Injectable()
    class Objects {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(@MessagePayload() payload: OrderPlaced): void {
        seen = [payload];
      }
    }
    const isText = typeof body === 'string';
    await deliver(isText ? Texts : Objects, [storedMessage(body, { properties })]);
    expect(seen).toEqual([isText ? 'plain words' : order]);
  });

  it("lie under Nest's own key", () => {
    expect(ROUTE_ARGS_METADATA).toBe(nestsKey);
  });
});

describe('validation', () => {
  @Injectable()
  class Methods {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    @UsePipes(new ValidationPipe({ transform: true }))
    onOrder(@MessagePayload() payload: OrderPlaced): void {
      seen = [payload];
    }
  }

  @Injectable()
  class Undecorated {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    onOrder(payload: OrderPlaced): void {
      seen = [payload];
    }
  }

  @RocketMQListener({ topic: 'orders', group: 'g', payloadType: OrderPlaced })
  @Injectable()
  class ClassForm {
    onMessage(payload: OrderPlaced): void {
      seen = [payload];
    }
  }

  const pipe = [{ provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) }];

  it.each([
    ['a pipe of the method', Methods, []],
    ['a global pipe and no parameter decorators', Undecorated, pipe],
    ['a global pipe, the class form and payloadType', ClassForm, pipe],
  ])('runs with %s', async (_, provider, others) => {
    const good = await deliver(provider, [storedMessage(order)], others);
    expect(good.verdicts).toEqual([{ kind: 'success' }]);
    expect(seen[0]).toBeInstanceOf(OrderPlaced);
    seen = [];
    const bad = await deliver(provider, [storedMessage({ id: 1 })], others);
    expect(bad.verdicts[0]).toMatchObject({
      kind: 'dead-letter',
      reason: expect.stringContaining('id must be a string'),
    });
    expect(seen).toEqual([]);
  });
});

describe('enhancers', () => {
  @Injectable()
  class Journal {
    readonly lines: string[] = [];
  }

  @Injectable()
  class GlobalGuard implements CanActivate {
    constructor(@Inject(Journal) private readonly journal: Journal) {}
    canActivate(context: ExecutionContext): boolean {
      this.journal.lines.push(`global guard ${isRocketMQContext(context)}`);
      return true;
    }
  }

  @Injectable()
  class Guard implements CanActivate {
    constructor(@Inject(Journal) private readonly journal: Journal) {}
    canActivate(context: ExecutionContext): boolean {
      const name = `${context.getClass().name}.${context.getHandler().name}`;
      this.journal.lines.push(`guard ${name}`);
      return context.switchToRpc().getData<{ sum: number }>().sum < 100;
    }
  }

  @Injectable()
  class Interceptor implements NestInterceptor {
    constructor(@Inject(Journal) private readonly journal: Journal) {}
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      this.journal.lines.push('before');
      return next.handle().pipe(tap(() => this.journal.lines.push('after')));
    }
  }

  @Injectable()
  class Doubling implements PipeTransform {
    constructor(@Inject(Journal) private readonly journal: Journal) {}
    transform(value: { sum: number }): object {
      this.journal.lines.push('pipe');
      return { ...value, sum: value.sum * 2 };
    }
  }

  class OddError extends Error {}

  @Catch(OddError)
  class Filter implements ExceptionFilter {
    catch(_: unknown, host: ArgumentsHost): unknown {
      return isRocketMQContext(host) ? ConsumeResult.deadLetter('odd') : undefined;
    }
  }

  @Injectable()
  @UseGuards(Guard)
  class Listener {
    constructor(@Inject(Journal) private readonly journal: Journal) {}

    @RocketMQListener({ topic: 'orders', group: 'g' })
    @UseInterceptors(Interceptor)
    @UseFilters(Filter)
    onOrder(@MessagePayload(Doubling) payload: { sum: number }): void {
      this.journal.lines.push(`handler ${payload.sum}`);
      if (payload.sum === 6) throw new OddError('six');
    }
  }

  const others = [Journal, { provide: APP_GUARD, useClass: GlobalGuard }];

  it("run in Nest's order: guards, interceptors, pipes, handler, interceptors", async () => {
    const { app } = await deliver(Listener, [storedMessage({ sum: 5 })], others);
    expect(app.get(Journal).lines).toEqual([
      'global guard true',
      'guard Listener.onOrder',
      'before',
      'pipe',
      'handler 10',
      'after',
    ]);
  });

  it('let a filter decide about the message by what it returns', async () => {
    const { verdicts } = await deliver(Listener, [storedMessage({ sum: 3 })], others);
    expect(verdicts).toEqual([{ kind: 'dead-letter', reason: 'odd' }]);
  });

  it('let a guard hold a message back, which is a retry', async () => {
    const { app, verdicts } = await deliver(Listener, [storedMessage({ sum: 100 })], others);
    expect(verdicts).toMatchObject([{ kind: 'retry' }]);
    expect(app.get(Journal).lines).not.toContain('before');
  });
});

describe('request-scoped listeners', () => {
  it('get an instance for every message, with the context as the request, and a warning', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Listener {
      constructor(@Inject(REQUEST) private readonly request: RocketMQContext) {}

      @RocketMQListener({ topic: 'orders', group: 'g' })
      onOrder(@MessagePayload() payload: object): void {
        seen.push([this, this.request.messageId, payload]);
      }
    }
    const started = await startApplication({ providers: [Listener] });
    const consumer = started.clients.consumer('g');
    await consumer.deliver(storedMessage(order));
    await consumer.deliver(storedMessage(order));
    const [first, second] = seen as [unknown[], unknown[]];
    expect(first.slice(1)).toEqual(['UNIQUE', order]);
    expect(first[0]).not.toBe(second[0]);
    expect(started.logger.of('warn').join()).toContain('Nest makes a new one for every message');
    await started.app.close();
  });
});

describe('batch listeners', () => {
  let behave: (payloads: unknown[], context: RocketMQContext) => unknown;

  @Injectable()
  class Listener {
    @RocketMQListener({ topic: 'orders', group: 'g', batch: 8 })
    onOrders(@MessagePayload() payloads: object[], @MessageContext() context: RocketMQContext) {
      seen = payloads;
      return behave(payloads, context);
    }
  }
  const three = () => [1, 2, 3].map((id) => storedMessage({ id }));

  it('get arrays', async () => {
    behave = () => undefined;
    const { verdicts, clients } = await deliver(Listener, three());
    expect(seen).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(verdicts.map(({ kind }) => kind)).toEqual(['success', 'success', 'success']);
    expect(clients.consumer('g').options.batch).toBe(8);
  });

  it('keep what they acknowledged when they fail afterwards', async () => {
    behave = (_, context) => {
      context.acknowledge(2);
      throw new Error('third');
    };
    const { verdicts } = await deliver(Listener, three());
    expect(verdicts.map(({ kind }) => kind)).toEqual(['success', 'success', 'retry']);
  });

  it('get the readable messages; those that are not JSON go to the dead letters', async () => {
    behave = () => undefined;
    const [a, , c] = three() as [StoredMessage, StoredMessage, StoredMessage];
    const { verdicts } = await deliver(Listener, [a, storedMessage('no json'), c]);
    expect(verdicts.map(({ kind }) => kind)).toEqual(['success', 'dead-letter', 'success']);
    expect(seen).toEqual([{ id: 1 }, { id: 3 }]);
  });
});
