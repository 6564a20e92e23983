import { Injectable } from '@nestjs/common';
import { RocketMQTemplate, type OutgoingInterceptor, type OutgoingSend } from '../index.js';
import { FakeClients } from '../testing/fake-client.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

@Injectable()
class Tenants {
  readonly current = 'acme';
}

const journal: string[] = [];

@Injectable()
class TenantInterceptor implements OutgoingInterceptor {
  constructor(private readonly tenants: Tenants) {}

  async intercept<R>(sending: OutgoingSend, next: () => Promise<R>): Promise<R> {
    journal.push(`tenant before ${sending.kind} on ${sending.connection}`);
    for (const message of sending.messages) {
      message.properties['tenant'] = this.tenants.current;
      message.keys ??= `key-${JSON.stringify(message.payload)}`;
    }
    const result = await next();
    journal.push('tenant after');
    return result;
  }
}

const guard: OutgoingInterceptor = {
  intercept(sending, next) {
    journal.push(`guard ${sending.messages.map(({ topic }) => topic).join()}`);
    if (sending.messages.some(({ topic }) => topic === 'frozen')) throw new Error('frozen today');
    return next();
  },
};

const options = { ...testOptions, interceptors: [TenantInterceptor, guard] };

describe('outgoing interceptors', () => {
  beforeEach(() => void journal.splice(0));

  it('stand around every send in their order, with what DI gives them', async () => {
    const providers = [Tenants, TenantInterceptor];
    const { app, clients } = await startApplication({ providers }, options);
    const template = app.get(RocketMQTemplate);
    await template.send('orders:a', 1, { properties: { region: 'eu' } });
    await template.sendBatch('orders', [2, 3], { keys: 'own' });
    expect(journal).toEqual([
      'tenant before send on default',
      'guard orders',
      'tenant after',
      'tenant before batch on default',
      'guard orders,orders',
      'tenant after',
    ]);
    expect(clients.sent).toMatchObject([
      { tags: 'a', keys: 'key-1', properties: { region: 'eu', tenant: 'acme' } },
      { keys: 'own', properties: { tenant: 'acme', contentType: 'application/json' } },
      { keys: 'own', properties: { tenant: 'acme' } },
    ]);
    await app.close();
  });

  it('refuse a send by throwing', async () => {
    const { app, clients } = await startApplication(
      { providers: [Tenants, TenantInterceptor] },
      options,
    );
    const template = app.get(RocketMQTemplate);
    await expect(template.send('frozen', 'x')).rejects.toThrow('frozen today');
    await expect(template.sendOneWay('frozen', 'x')).rejects.toThrow('frozen today');
    expect(clients.sent).toEqual([]);
    await app.close();
  });

  it('may take body and tags away or replace them', async () => {
    const strip: OutgoingInterceptor = {
      intercept({ messages }, next) {
        for (const message of messages) {
          message.tags = undefined;
          message.body = message.body.toReversed();
        }
        return next();
      },
    };
    const { app, clients } = await startApplication({}, { ...testOptions, interceptors: [strip] });
    await app.get(RocketMQTemplate).send('orders:a', 'abc', { flag: 3 });
    const [sent] = clients.sent;
    expect(sent).toMatchObject({ flag: 3, body: new TextEncoder().encode('cba') });
    expect(sent).not.toHaveProperty('tags');
    await app.close();
  });

  it('that no provider stands for, or that cannot intercept, are refused at start', async () => {
    const interceptors = [TenantInterceptor, {} as OutgoingInterceptor];
    const error = await refusal({}, { ...testOptions, interceptors });
    expect(error.codes).toEqual(['ROCKETMQ_INTERCEPTOR_UNUSABLE', 'ROCKETMQ_INTERCEPTOR_UNUSABLE']);
    expect(error.message).toContain('TenantInterceptor cannot be used: ');
    expect(error.message).toContain("it has no method 'intercept'");
  });

  it('cannot be gone round by sending too early', async () => {
    let early: Promise<unknown> | undefined;
    const premature = {
      provide: 'EARLY',
      inject: [RocketMQTemplate],
      useFactory: (template: RocketMQTemplate) => {
        early = template.send('orders', 'x').catch((error: unknown) => error);
        return template;
      },
    };
    const providers = [Tenants, TenantInterceptor, premature];
    const { app } = await startApplication({ providers }, options, new FakeClients());
    expect(await early).toMatchObject({ code: 'ROCKETMQ_SEND_REFUSED' });
    await app.close();
  });
});
