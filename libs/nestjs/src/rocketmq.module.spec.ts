import { Inject, Injectable, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  InjectRocketMQTemplate,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  type RocketMQModuleOptions,
  type RocketMQOptionsFactory,
} from './index.js';
import { FakeClients } from './testing/fake-client.js';
import {
  onFakeClients,
  refusal,
  startApplication,
  startWith,
  testOptions,
} from './testing/test-application.js';

@Injectable()
class Settings implements RocketMQOptionsFactory {
  createRocketMQOptions(): RocketMQModuleOptions {
    return testOptions;
  }
}

@Module({
  providers: [Settings, { provide: 'SERVERS', useValue: 'a:9876' }],
  exports: [Settings, 'SERVERS'],
})
class SettingsModule {}

@Injectable()
class Shop {
  constructor(readonly template: RocketMQTemplate) {}
}

@Injectable()
class Audit {
  constructor(@InjectRocketMQTemplate('audit') readonly template: RocketMQTemplate) {}
}

const two: RocketMQModuleOptions = {
  ...testOptions,
  connections: { audit: { nameServers: 'audit:9876', producer: { group: 'auditors' } } },
};

describe('forRootAsync', () => {
  it.each([
    [
      'useFactory with inject and imports',
      {
        imports: [SettingsModule],
        inject: ['SERVERS'],
        useFactory: (nameServers: string) => ({ ...testOptions, nameServers }),
      },
    ],
    ['useFactory that answers later', { useFactory: () => Promise.resolve(testOptions) }],
    ['useClass', { useClass: Settings }],
    ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
  ])('takes options from %s', async (_, options) => {
    const clients = new FakeClients();
    const root = onFakeClients(RocketMQModule.forRootAsync(options as never), clients);
    const { app } = await startWith({ imports: [root], providers: [Shop] }, clients);
    await app.get(Shop).template.send('orders', {});
    expect(clients.sent).toHaveLength(1);
    await app.close();
  });

  it('wants exactly one source of options', () => {
    expect(() => RocketMQModule.forRootAsync({})).toThrow('none is given');
    const both = { useClass: Settings, useFactory: () => testOptions };
    expect(() => RocketMQModule.forRootAsync(both)).toThrow('2 are given');
  });

  it('says so when the factory gives no options', async () => {
    const clients = new FakeClients();
    const useFactory = () => undefined as unknown as RocketMQModuleOptions;
    const root = onFakeClients(RocketMQModule.forRootAsync({ useFactory }), clients);
    await expect(startWith({ imports: [root] }, clients)).rejects.toThrow(
      'the options must be an object such as { nameServers }, but are undefined',
    );
  });

  it('makes templates injectable by the names in templates, or by forFeature', async () => {
    for (const isListed of [true, false]) {
      const clients = new FakeClients();
      const options = { useFactory: () => two, ...(isListed ? { templates: ['audit'] } : {}) };
      const root = onFakeClients(RocketMQModule.forRootAsync(options), clients);
      const feature = RocketMQModule.forFeature({ templates: ['audit'] });
      const imports = isListed ? [root] : [root, feature];
      const { app } = await startWith({ imports, providers: [Audit] }, clients);
      await app.get(Audit).template.send('log', {});
      const auditors = clients.producers.filter(({ connection }) => connection.name === 'audit');
      expect(auditors.map(({ values, sent }) => [values.group, sent.length])).toEqual([
        ['auditors', 1],
      ]);
      await app.close();
    }
  });

  it('refuses a template of a connection that the factory did not name', async () => {
    const clients = new FakeClients();
    const options = { useFactory: () => testOptions, templates: ['audit'] };
    const root = onFakeClients(RocketMQModule.forRootAsync(options), clients);
    await expect(startWith({ imports: [root] }, clients)).rejects.toMatchObject({
      problems: [
        {
          code: 'ROCKETMQ_CONNECTION_UNKNOWN',
          sentence: expect.stringContaining("Template 'audit' (of forFeature, or of 'templates')"),
        },
      ],
    });
  });
});

describe('isGlobal: false', () => {
  @Module({ providers: [Shop], exports: [Shop] })
  class Without {}
  @Module({
    imports: [RocketMQModule.forFeature({ templates: ['default'] })],
    providers: [Shop],
    exports: [Shop],
  })
  class With {}

  it('keeps templates to the modules that import them; one producer serves all', async () => {
    const options = { ...testOptions, isGlobal: false };
    const { app, clients } = await startApplication({ imports: [With] }, options);
    await app.get(With, { strict: false });
    await app.get(Shop, { strict: false }).template.send('orders', {});
    expect(clients.producers).toHaveLength(1);
    await app.close();
    const root = onFakeClients(RocketMQModule.forRoot(options), new FakeClients());
    await expect(startWith({ imports: [root, Without] }, new FakeClients())).rejects.toThrow(
      'Shop',
    );
  });
});

describe('an application that is set up wrongly in many places', () => {
  @Injectable()
  class Payments {
    @RocketMQListener({ topic: 'orders', group: 'g', connection: 'nowhere' })
    onOrder(): void {}
  }

  it('is told everything at once: connections, producers, operations, listeners', async () => {
    const options = {
      nameServers: 'localhost',
      requestTimeout: 'soon',
      startup: { wiat: true },
      producer: { sendTimeot: '3s' },
      metrics: { prefixx: 'x' },
      telemetry: 'yes',
      connections: { audit: { namesrvAddr: 'audit:9876', tls: 7, credentials: 'hunter2' } },
    } as unknown as RocketMQModuleOptions;
    const error = await refusal({ providers: [Payments] }, options);
    for (const told of [
      "'nameServers' has 'localhost', which is not host:port",
      "RocketMQModule: 'requestTimeout'",
      "RocketMQModule startup: 'wiat' is not an option; did you mean 'wait'?",
      "RocketMQModule producer: 'sendTimeot' is not an option; did you mean 'sendTimeout'?",
      "RocketMQModule metrics: 'prefixx' is not an option; did you mean 'prefix'?",
      "RocketMQModule: 'telemetry' must be true, false or an object",
      "RocketMQModule connections.audit: 'nameServers' is missing",
      "RocketMQModule connections.audit: 'tls' must be",
      "RocketMQModule connections.audit: 'credentials' must be",
      'Payments.onOrder (@RocketMQListener) wants the connection',
    ]) {
      expect(error.message).toContain(told);
    }
    expect(error.message).not.toContain('hunter2');
  });
});

describe('a client that does not take its options', () => {
  it('is told with the name of its connection, beside what is wrong with listeners', async () => {
    const clients = new FakeClients();
    clients.connect = (connection) => {
      throw new Error(`the certificate of ${connection.name} cannot be read`);
    };
    @Injectable()
    class Payments {
      @RocketMQListener({ topic: 'orders' } as never)
      onOrder(): void {}
    }
    const started = startApplication({ providers: [Payments] }, testOptions, clients);
    await expect(started).rejects.toMatchObject({
      problems: [
        {
          code: 'ROCKETMQ_OPTION_INVALID',
          sentence:
            "RocketMQModule connection 'default': the certificate of default cannot be read",
        },
        { code: 'ROCKETMQ_GROUP_MISSING' },
      ],
    });
  });
});

describe('two applications in one process', () => {
  @Injectable()
  class Payments {
    handled: unknown[] = [];

    constructor(@Inject('NAME') readonly name: string) {}

    @RocketMQListener({ topic: 'orders', group: 'payments' })
    onOrder(order: unknown): void {
      this.handled.push(order);
    }
  }

  it('share nothing, though groups, topics and classes are the same', async () => {
    const [a, b] = [new FakeClients(), new FakeClients()];
    const started = await Promise.all(
      [a, b].map((clients, at) => {
        const providers = [Payments, Shop, { provide: 'NAME', useValue: String(at) }];
        const options = { ...testOptions, nameServers: `cluster${at}:9876` };
        return startApplication({ providers }, options, clients);
      }),
    );
    expect(a.consumer('payments').connection.nameServers).toEqual(['cluster0:9876']);
    expect(b.consumer('payments').connection.nameServers).toEqual(['cluster1:9876']);
    await started[0]?.app.close();
    await started[1]?.app.get(Shop).template.send('orders', {});
    expect([a.sent.length, b.sent.length]).toEqual([0, 1]);
    await started[1]?.app.close();
  });
});

describe('the log', () => {
  it("is the application's own: a sentence, its details as one object, the context", async () => {
    const lines: unknown[][] = [];
    const note = (...line: unknown[]): void => void lines.push(line);
    const logger: LoggerService = { log: note, warn: note, error: note, debug: note };
    const clients = new FakeClients();
    const root = onFakeClients(RocketMQModule.forRoot(testOptions), clients);
    class App {}
    const module = { module: App, imports: [root] };
    const app = await NestFactory.createApplicationContext(module, { logger });
    clients.loggers[0]
      ?.child('Consumer')
      .child('payments')
      .warn('A pull failed.', {
        queue: 3,
        error: new Error('no answer'),
      });
    clients.loggers[0]?.error('It broke.', { error: new Error('why') });
    expect(lines.slice(-2)).toEqual([
      ['A pull failed.', { queue: 3, error: 'no answer' }, 'RocketMQ:Consumer:payments'],
      ['It broke.', { error: 'why' }, expect.stringContaining('Error: why'), 'RocketMQ'],
    ]);
    await app.close();
  });
});
