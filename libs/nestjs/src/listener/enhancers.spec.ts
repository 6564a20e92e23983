import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Body,
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
  Param,
  Post,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  NestFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsString } from 'class-validator';
import { Observable, tap } from 'rxjs';
import {
  ConsumeResult,
  MessagePayload,
  RocketMQContext,
  RocketMQListener,
  isRocketMQContext,
  switchToRocketMQ,
  type RocketMQModuleOptions,
} from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication, testOptions } from '../testing/test-application.js';

const order = { id: 'o1' };

/** What was called, in order. */
let journal: string[] = [];
beforeEach(() => (journal = []));

/** Delivers a message to the provider's group `g`; with the log and the verdict. */
async function deliver(
  provider: Type<object>,
  payload: unknown,
  others: object[] = [],
  options: RocketMQModuleOptions = testOptions,
) {
  const providers = [provider, ...(others as never[])];
  const { app, clients, logger } = await startApplication({ providers }, options);
  const [verdict] = await clients.consumer('g').deliver(storedMessage(payload));
  await app.close();
  return { verdict, logger };
}

function guard(name: string): Type<CanActivate> {
  class Guard implements CanActivate {
    canActivate(): boolean {
      journal.push(`guard ${name}`);
      return true;
    }
  }
  return Guard;
}

function interceptor(name: string): Type<NestInterceptor> {
  class Interceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      journal.push(`before ${name}`);
      return next.handle().pipe(tap({ error: () => journal.push(`after ${name}`) }));
    }
  }
  return Interceptor;
}

function pipe(name: string): Type<PipeTransform> {
  class Pipe implements PipeTransform {
    transform(value: unknown, { data }: ArgumentMetadata): unknown {
      journal.push(`pipe ${name} of ${data ?? 'all'}`);
      return value;
    }
  }
  return Pipe;
}

class FirstError extends Error {}
class SecondError extends Error {}
class ThirdError extends Error {}

/** Takes one kind of error and throws on the next, so that the order of filters shows. */
function filter(name: string, taken: Type<Error>): Type<object> {
  @Catch(taken)
  class Filter {
    catch(_: unknown, host: ArgumentsHost): unknown {
      journal.push(`filter ${name}`);
      if (isRocketMQContext(host)) return ConsumeResult.deadLetter(name);
      host
        .switchToHttp()
        .getResponse<{ status(code: number): { end(): void } }>()
        .status(200)
        .end();
      return undefined;
    }
  }
  return Filter;
}

describe("the order of enhancers is that of Nest's HTTP handlers", () => {
  const levels = [
    { provide: APP_GUARD, useClass: guard('global') },
    { provide: APP_INTERCEPTOR, useClass: interceptor('global') },
    { provide: APP_PIPE, useClass: pipe('global') },
    { provide: APP_FILTER, useClass: filter('global', Error) },
  ];
  const onClass = [
    UseGuards(guard('class')),
    UseInterceptors(interceptor('class')),
    UsePipes(pipe('class')),
    UseFilters(filter('class', SecondError)),
  ];
  const onMethod = [
    UseGuards(guard('method')),
    UseInterceptors(interceptor('method')),
    UsePipes(pipe('method')),
    UseFilters(filter('method', FirstError)),
  ];
  const ownPipe = pipe('parameter');
  let failure: Error;

  function decorate(target: Type<object>): void {
    for (const one of onClass) one(target);
    const { prototype } = target as { prototype: object };
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'on') as PropertyDescriptor;
    for (const one of onMethod) one(prototype, 'on', descriptor);
  }

  async function throughHttp(): Promise<string[]> {
    @Controller('orders')
    class Orders {
      @Post(':id')
      on(@Param('id', ownPipe) id: string, @Body() _body: object): void {
        journal.push(`handler ${id}`);
        throw failure;
      }
    }
    decorate(Orders);
    @Module({ controllers: [Orders], providers: levels })
    class Root {}
    const app = await NestFactory.create(Root, { logger: false });
    await app.listen(0, '127.0.0.1');
    await fetch(`${await app.getUrl()}/orders/o1`, { method: 'POST' });
    await app.close();
    return journal.splice(0);
  }

  async function throughMessages(): Promise<string[]> {
    @Injectable()
    class Orders {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      on(@MessagePayload('id', ownPipe) id: string, @MessagePayload() _body: object): void {
        journal.push(`handler ${id}`);
        throw failure;
      }
    }
    decorate(Orders);
    await deliver(Orders, order, levels);
    return journal.splice(0);
  }

  it.each([
    ['method', new FirstError()],
    ['class', new SecondError()],
    ['global', new ThirdError()],
  ])('with the filter of the %s', async (level, error) => {
    failure = error;
    const asked = await throughHttp();
    expect(await throughMessages()).toEqual(asked);
    expect(asked).toContain('handler o1');
    expect(asked.at(-1)).toBe(`filter ${level}`);
  });
});

describe('access to the message', () => {
  it('is like access to an HTTP request', async () => {
    class Looking implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const message = switchToRocketMQ(context);
        journal.push(context.getType<string>(), message.getContext().topic);
        journal.push(message.getData<{ id: string }>().id);
        return true;
      }
    }
    @Injectable()
    @UseGuards(Looking)
    class Orders {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      on(): void {}
    }
    await deliver(Orders, order);
    expect(journal).toEqual(['rocketmq', 'orders', 'o1']);
    const http = { getType: () => 'http' } as unknown as ArgumentsHost;
    expect(() => switchToRocketMQ(http)).toThrow("for a context of type 'http'");
  });

  it('by @Payload() and @Ctx() of @nestjs/microservices', async () => {
    @Injectable()
    class Orders {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      on(@Ctx() context: RocketMQContext, @Payload('id') id: string, @Payload() all: object): void {
        journal.push(context.topic, id, JSON.stringify(all));
      }
    }
    await deliver(Orders, order);
    expect(journal).toEqual(['orders', 'o1', '{"id":"o1"}']);
  });

  it('by what an interceptor put into an AsyncLocalStorage', async () => {
    const storage = new AsyncLocalStorage<string>();
    class Tracing implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        const { messageId } = switchToRocketMQ(context).getContext();
        return new Observable((subscriber) =>
          storage.run(messageId, () => next.handle().subscribe(subscriber)),
        );
      }
    }
    @Injectable()
    @UseInterceptors(Tracing)
    class Orders {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      async on(): Promise<void> {
        await Promise.resolve();
        journal.push(String(storage.getStore()));
      }
    }
    await deliver(Orders, order);
    expect(journal).toEqual(['UNIQUE']);
  });
});

describe('global enhancers that are not meant for messages', () => {
  class HttpGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      return context.switchToHttp().getRequest<{ user?: string }>().user !== undefined;
    }
  }
  const guarded = [{ provide: APP_GUARD, useClass: HttpGuard }];

  class Paid {
    @IsString()
    id!: string;
  }

  @Injectable()
  class Orders {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    on(@MessagePayload() payload: Paid): void {
      journal.push(payload.constructor.name);
    }

    @RocketMQListener({ topic: 'orders', group: 'g2' })
    onToo(): void {}
  }

  it('are told of once at start', async () => {
    const { verdict, logger } = await deliver(Orders, order, guarded);
    expect(verdict).toMatchObject({ kind: 'retry' });
    const warnings = logger.of('warn').filter((line) => line.includes('global guards'));
    expect(warnings).toEqual([expect.stringContaining('Orders.on meets')]);
    expect(warnings[0]).toContain('HttpGuard');
  });

  it('are left out by kind, and the others stand', async () => {
    const pipes = { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) };
    const options: RocketMQModuleOptions = {
      ...testOptions,
      consumer: { globalEnhancers: ['pipes'] },
    };
    const { verdict, logger } = await deliver(Orders, order, [...guarded, pipes], options);
    expect(verdict).toEqual({ kind: 'success' });
    expect(journal).toEqual(['Paid']);
    expect(logger.of('warn').join()).not.toContain('global guards');
  });

  it('are left out altogether', async () => {
    const options: RocketMQModuleOptions = { ...testOptions, consumer: { globalEnhancers: false } };
    const { verdict } = await deliver(Orders, order, guarded, options);
    expect(verdict).toEqual({ kind: 'success' });
  });
});

describe('errors', () => {
  @Injectable()
  @UseGuards(guard('class'))
  @UseFilters(filter('class', FirstError))
  class Failing {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    on(): void {
      throw new SecondError('not caught');
    }
  }

  it('that no filter takes are logged once', async () => {
    const { verdict, logger } = await deliver(Failing, order);
    expect(verdict).toMatchObject({ kind: 'retry' });
    const lines = logger.lines.filter((line) => line.includes('not caught'));
    expect(lines).toHaveLength(1);
  });
});

describe('scoped listeners', () => {
  it('may be durable: one instance for all messages of a tenant', async () => {
    const trees = new Map<string, ContextId>();
    const strategy: ContextIdStrategy<RocketMQContext> = {
      attach(contextId, request) {
        const tenant = request.property('tenant') ?? 'none';
        const tree = trees.get(tenant) ?? ContextIdFactory.create();
        trees.set(tenant, tree);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tree : contextId),
          payload: { tenant },
        };
      },
    };
    ContextIdFactory.apply(strategy as ContextIdStrategy);
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Orders {
      private count = 0;
      constructor(@Inject(REQUEST) private readonly request: { tenant: string }) {}

      @RocketMQListener({ topic: 'orders', group: 'g' })
      on(): void {
        this.count += 1;
        journal.push(`${this.request.tenant} ${this.count}`);
      }
    }
    const { app, clients } = await startApplication({ providers: [Orders] });
    try {
      for (const tenant of ['a', 'b', 'a']) {
        await clients.consumer('g').deliver(storedMessage(order, { properties: { tenant } }));
      }
    } finally {
      ContextIdFactory.apply({ attach: (contextId) => () => contextId });
      await app.close();
    }
    expect(journal).toEqual(['a 1', 'b 1', 'a 2']);
  });
});
