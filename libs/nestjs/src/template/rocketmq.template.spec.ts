import { Inject, Injectable, Module } from '@nestjs/common';
import {
  InjectRocketMQTemplate,
  RocketMQModule,
  RocketMQTemplate,
  getRocketMQTemplateToken,
  type RocketMQOptionsFactory,
} from '../index.js';
import { FakeClients } from '../testing/fake-client.js';
import {
  onFakeClients,
  refusal,
  startApplication,
  startWith,
  testOptions,
} from '../testing/test-application.js';

const text = (body: Uint8Array) => new TextDecoder().decode(body);

async function withTemplate(
  use: (template: RocketMQTemplate, clients: FakeClients) => Promise<void>,
  options = testOptions,
): Promise<void> {
  const { app, clients } = await startApplication({}, options);
  try {
    await use(app.get(RocketMQTemplate), clients);
  } finally {
    await app.close();
  }
}

describe('sending', () => {
  it('turns objects into JSON, leaves texts and bytes, and says which it was', () =>
    withTemplate(async (template, clients) => {
      await template.send('orders', { id: 1 });
      await template.send('orders', 'plain');
      await template.send('orders', Uint8Array.of(1, 2));
      const sent = clients.sent.map(({ body, properties }) => [text(body), properties]);
      expect(sent).toEqual([
        ['{"id":1}', { contentType: 'application/json' }],
        ['plain', { contentType: 'text/plain;charset=UTF-8' }],
        ['\u0001\u0002', { contentType: 'application/octet-stream' }],
      ]);
    }));

  it('takes topic:tag, keys, properties, flag, hash key, delay and time-out together', () =>
    withTemplate(async (template, clients) => {
      const result = await template.send(
        'orders:placed',
        { id: 1 },
        {
          keys: ['k1', 'k2'],
          properties: { region: 'eu' },
          flag: 7,
          hashKey: 'o1',
          delayMs: '11s',
          timeout: '2s',
        },
      );
      expect(result).toMatchObject({ status: 'SEND_OK', msgId: 'M0' });
      expect(clients.sent[0]).toMatchObject({
        topic: 'orders',
        tags: 'placed',
        keys: ['k1', 'k2'],
        properties: { region: 'eu' },
        flag: 7,
        delayLevel: 4,
      });
      expect(clients.producers[0]?.options[0]).toEqual({ hashKey: 'o1', timeout: 2_000 });
    }));

  it('has one method for each way', () =>
    withTemplate(async (template, clients) => {
      expect(await template.sendOneWay('a', 'x')).toBeUndefined();
      await template.sendOrderly('b', 'x', 'key');
      await template.sendDelayed('c', 'x', '30s');
      await template.sendDelayed('d', 'x', { delayLevel: 2 });
      await template.sendDelayed('e', 'x', { delayMs: 1_000 });
      const { options } = clients.producers[0] ?? { options: [] };
      expect(clients.sent.map(({ topic, delayLevel }) => [topic, delayLevel])).toEqual([
        ['a', undefined],
        ['b', undefined],
        ['c', 4],
        ['d', 2],
        ['e', 1],
      ]);
      expect(options[1]).toEqual({ hashKey: 'key' });
    }));

  it("has Spring's names for them", () =>
    withTemplate(async (template, clients) => {
      await template.syncSend('a:t', 'x', { delayLevel: 1 });
      await template.asyncSend('b', 'x');
      await template.syncSendOrderly('c', 'x', 'k');
      expect(await template.convertAndSend('d', { id: 1 })).toBeUndefined();
      expect(clients.sent.map(({ topic, tags, delayLevel }) => [topic, tags, delayLevel])).toEqual([
        ['a', 't', 1],
        ['b', undefined, undefined],
        ['c', undefined, undefined],
        ['d', undefined, undefined],
      ]);
    }));

  it('writes MessagePack when told so, for the call or for the module', async () => {
    await withTemplate(async (template, clients) => {
      await template.send('orders', { id: 1 }, { contentType: 'application/msgpack' });
      expect([...(clients.sent[0]?.body ?? [])]).toEqual([0x81, 0xa2, 0x69, 0x64, 1]);
    });
    await withTemplate(
      async (template, clients) => {
        await template.send('orders', { id: 1 });
        expect(clients.sent[0]?.properties).toEqual({ contentType: 'application/msgpack' });
      },
      { ...testOptions, contentType: 'application/msgpack' },
    );
  });

  it('sends a batch in one request, with values by message', () =>
    withTemplate(async (template, clients) => {
      const results = await template.sendBatch('orders', [{ id: 1 }, { id: 2 }], {
        keys: (order) => `order-${order.id}`,
        tags: 'placed',
        properties: (_, index) => ({ index: String(index) }),
        hashKey: 'h',
      });
      expect(results.map(({ msgId }) => msgId)).toEqual(['M0', 'M1']);
      expect(clients.producers[0]?.batches).toHaveLength(1);
      expect(clients.sent).toMatchObject([
        { keys: 'order-1', tags: 'placed', properties: { index: '0' } },
        { keys: 'order-2', tags: 'placed', properties: { index: '1' } },
      ]);
      expect(await template.sendBatch('orders', [])).toEqual([]);
    }));

  it('tells what arrived when a part of a batch fails', () =>
    withTemplate(async (template, clients) => {
      const results = await template.sendBatch('orders', ['a', 'b']);
      const producer = clients.producers[0];
      if (producer === undefined) throw new TypeError('no producer');
      const cause = new Error('gone');
      producer.sendInBatches = () =>
        Promise.reject(Object.assign(new Error('x'), { results, cause }));
      await expect(template.sendBatch('orders', ['a', 'b', 'c'])).rejects.toMatchObject({
        code: 'ROCKETMQ_BATCH_PARTLY_SENT',
        message: expect.stringContaining('2 of 3 messages'),
        results: [{ msgId: 'M0' }, { msgId: 'M1' }],
        cause,
      });
      producer.sendInBatches = () =>
        Promise.reject(Object.assign(new Error('x'), { results: [], cause }));
      await expect(template.sendBatch('orders', ['a'])).rejects.toBe(cause);
    }));
});

describe('a call that cannot work', () => {
  it.each([
    ['an empty destination', (t: RocketMQTemplate) => t.send('', 'x')],
    ['an empty tag', (t: RocketMQTemplate) => t.send('orders:', 'x')],
    ['two different tags', (t: RocketMQTemplate) => t.send('orders:a', 'x', { tags: 'b' })],
    ['no payload', (t: RocketMQTemplate) => t.send('orders', undefined)],
    ['null as payload', (t: RocketMQTemplate) => t.send('orders', null)],
    ['no hash key', (t: RocketMQTemplate) => t.sendOrderly('orders', 'x', '')],
    ['a delay that is no time', (t: RocketMQTemplate) => t.sendDelayed('orders', 'x', 'soon')],
    ['an unknown level', (t: RocketMQTemplate) => t.send('orders', 'x', { delayLevel: 19 })],
    ['two delays', (t: RocketMQTemplate) => t.send('orders', 'x', { delayLevel: 1, delayMs: 1 })],
    [
      'a time-out that is no time',
      (t: RocketMQTemplate) => t.send('orders', 'x', { timeout: 'x' }),
    ],
    [
      'a delay in a transaction',
      (t: RocketMQTemplate) => t.sendInTransaction('orders', 'x', 1, { delayLevel: 1 } as object),
    ],
  ])('is refused before it leaves: %s', (_, call) =>
    withTemplate(async (template, clients) => {
      await expect(call(template)).rejects.toMatchObject({ code: 'ROCKETMQ_SEND_REFUSED' });
      expect(clients.sent).toEqual([]);
    }),
  );

  it.each([
    ['a payload that JSON cannot write', { id: 1n }, {}],
    ['a content type without converter', { id: 1 }, { contentType: 'application/yaml' }],
  ])('is refused by the converters: %s', (_, payload, options) =>
    withTemplate(async (template) => {
      await expect(template.send('orders', payload, options)).rejects.toMatchObject({
        code: 'ROCKETMQ_CONVERSION_FAILED',
      });
    }),
  );

  it('passes on what the client says', () =>
    withTemplate(async (template, clients) => {
      await template.send('orders', 'x');
      const failure = new Error('no route');
      Object.assign(clients.producers[0] as object, { failWith: failure });
      await expect(template.send('orders', 'x')).rejects.toBe(failure);
      await expect(template.sendBatch('orders', ['x'])).rejects.toBe(failure);
    }));

  it('says what to do when the template is listed as a provider', async () => {
    const started = startApplication({ providers: [RocketMQTemplate] });
    await expect(started).rejects.toThrow("Do not list it under 'providers'");
  });
});

describe('templates of connections', () => {
  const options = {
    ...testOptions,
    connections: { eu: { nameServers: 'eu:9876', producer: { group: 'eu-orders' } } },
  };

  @Injectable()
  class Orders {
    constructor(
      readonly template: RocketMQTemplate,
      @InjectRocketMQTemplate('eu') readonly eu: RocketMQTemplate,
    ) {}
  }

  it('are injected by name and send to their own cluster', async () => {
    const { app, clients } = await startApplication({ providers: [Orders] }, options);
    const orders = app.get(Orders);
    await orders.template.send('orders', 'here');
    await orders.eu.send('orders', 'there');
    const sent = clients.producers.map((producer) => [
      producer.connection.nameServers.join(),
      producer.sent.map(({ body }) => text(body)),
    ]);
    expect(sent).toEqual([
      ['localhost:9876', ['here']],
      ['eu:9876', ['there']],
    ]);
    await app.close();
  });

  it('may have a producer of their own by forFeature', async () => {
    @Injectable()
    class Bulk {
      constructor(@InjectRocketMQTemplate('bulk') readonly template: RocketMQTemplate) {}
    }
    const bulk = { name: 'bulk', connection: 'eu', producer: { group: 'bulk', retries: 9 } };
    @Module({
      imports: [RocketMQModule.forFeature({ templates: [bulk, 'eu'] })],
      providers: [Bulk],
    })
    class BulkModule {}
    const { app, clients } = await startApplication({ imports: [BulkModule] }, options);
    await app.get(Bulk).template.send('orders', 'x');
    const own = clients.producers.find(({ values }) => values.group === 'bulk');
    expect(own?.values).toMatchObject({ retries: 9, sendTimeout: 3_000 });
    expect(own?.sent).toHaveLength(1);
    // One for the default connection, one for "eu" however often it is asked for, one of its own.
    expect(clients.producers).toHaveLength(3);
    await app.close();
  });

  it('are refused at start when forFeature names an unknown connection', async () => {
    const templates = ['us', { name: 'x', producer: { retrys: 1 } as object }];
    const error = await refusal({ imports: [RocketMQModule.forFeature({ templates })] });
    expect(error.codes).toEqual(['ROCKETMQ_CONNECTION_UNKNOWN', 'ROCKETMQ_OPTION_UNKNOWN']);
    expect(error.message).toContain(
      "Template 'us' (of forFeature, or of 'templates') wants the connection 'us'",
    );
    expect(error.message).toContain("did you mean 'retries'?");
  });

  it('of the default connection are refused in use when there is none', async () => {
    const only = { connections: { eu: { nameServers: 'eu:9876' } } };
    const { app } = await startApplication({}, only);
    const sending = app.get(RocketMQTemplate).send('orders', 'x');
    await expect(sending).rejects.toThrow("wants the connection 'default'");
    await app.close();
  });
});

describe('forRootAsync', () => {
  it.each(['useFactory', 'useClass', 'useExisting'])('takes the options from %s', async (how) => {
    @Injectable()
    class Source implements RocketMQOptionsFactory {
      createRocketMQOptions() {
        return { nameServers: 'async:9876', connections: { eu: { nameServers: 'eu:9876' } } };
      }
    }
    @Module({ providers: [Source], exports: [Source] })
    class SourceModule {}
    @Injectable()
    class Orders {
      constructor(@Inject(getRocketMQTemplateToken('eu')) readonly eu: RocketMQTemplate) {}
    }
    const given = {
      useFactory: { useFactory: (s: Source) => s.createRocketMQOptions(), inject: [Source] },
      useClass: { useClass: Source },
      useExisting: { useExisting: Source },
    }[how];
    const clients = new FakeClients();
    const root = RocketMQModule.forRootAsync({
      imports: [SourceModule],
      templates: ['eu'],
      ...given,
    });
    const imports = [onFakeClients(root, clients)];
    const { app } = await startWith({ imports, providers: [Orders] }, clients);
    await app.get(Orders).eu.send('orders', 'x');
    expect(clients.producers.map(({ connection }) => connection.nameServers[0]).toSorted()).toEqual(
      ['async:9876', 'eu:9876'],
    );
    await app.close();
  });

  it('says what is missing when it is given none', () => {
    expect(() => RocketMQModule.forRootAsync({})).toThrow(
      'give one of useFactory, useClass and useExisting; none is given',
    );
  });
});
