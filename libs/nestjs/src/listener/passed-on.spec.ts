import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { RocketMQListener } from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication } from '../testing/test-application.js';

const current = new AsyncLocalStorage<string>();

@Injectable()
class TenantInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) =>
      current.run('ada', () => next.handle().subscribe(subscriber)),
    );
  }
}

const seen: (string | undefined)[] = [];
const configured: unknown[] = [];

@Injectable()
class Listeners {
  @RocketMQListener({
    topic: 'orders',
    group: 'orders',
    pullInterval: '1s',
    pullThresholdForQueue: 500,
    trace: { topic: 'traces' },
    configure: (options) => {
      configured.push(options);
      return options;
    },
  })
  onOrder(): void {}

  @RocketMQListener({ topic: 'tenants', group: 'tenants' })
  @UseInterceptors(TenantInterceptor)
  async onTenant(): Promise<void> {
    await Promise.resolve();
    seen.push(current.getStore());
  }
}

describe('a listener', () => {
  it('hands options of the client on, and lets configure see them', async () => {
    const { app, clients } = await startApplication({ providers: [Listeners] });
    const { options } = clients.consumer('orders');
    expect(options.passedOn).toMatchObject({
      pullInterval: 1000,
      pullThresholdForQueue: 500,
      traceTopic: 'traces',
    });
    const marked = {} as Parameters<NonNullable<typeof options.configure>>[0];
    options.configure?.(marked);
    expect(configured).toEqual([marked]);
    await app.close();
  });

  it('runs in the AsyncLocalStorage that an interceptor opens', async () => {
    const { app, clients } = await startApplication({ providers: [Listeners] });
    await clients.consumer('tenants').deliver(storedMessage({ id: 1 }, { topic: 'tenants' }));
    expect(seen).toEqual(['ada']);
    await app.close();
  });
});
