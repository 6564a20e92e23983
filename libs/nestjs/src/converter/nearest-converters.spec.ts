import { Injectable } from '@nestjs/common';
import {
  getRocketMQTemplateToken,
  RocketMQListener,
  RocketMQModule,
  RocketMQReplyListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type MessageConverter,
  type RocketMQModuleOptions,
  type TransactionHandler,
} from '../index.js';
import { OutboxService, RocketMQConsistencyModule } from '../consistency/index.js';
import { serverListener } from '../microservices/server-listener.js';
import { TransportLink } from '../microservices/transport-link.js';
import { FakeClients, storedMessage, type FakeProducer } from '../testing/fake-client.js';
import { MemoryStorage, type MemoryTx } from '../testing/memory-storage.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

/** Writes and reads `place:text`, so that a spec sees whose converter was asked. */
function from(place: string, contentType = 'text/x-note'): MessageConverter {
  return {
    contentType,
    write: (payload) => new TextEncoder().encode(`${place}:${String(payload)}`),
    read: (body) => `${place}<${new TextDecoder().decode(body)}`,
  };
}

const note = { contentType: 'text/x-note' };
const options: RocketMQModuleOptions = {
  ...testOptions,
  converters: [from('module')],
  connections: {
    archive: {
      nameServers: 'archive:9876',
      producer: { group: 'archive-service' },
      converters: [from('connection')],
      ...note,
      pullConsumers: { reader: { group: 'reader', topic: 'orders' } },
    },
  },
};

const feature = RocketMQModule.forFeature({
  templates: [
    { name: 'notes', connection: 'archive', converters: [from('template')] },
    { name: 'lists', connection: 'archive', converters: [from('template', 'text/x-list')] },
    { name: 'packs', contentType: 'application/msgpack' },
    {
      name: 'bulk',
      connection: 'archive',
      producer: { group: 'bulk' },
      converters: [from('bulk')],
    },
  ],
});

const handled: unknown[] = [];

@Injectable()
class Readers {
  @RocketMQListener({ topic: 'orders', group: 'plain' })
  plain(payload: unknown): void {
    handled.push(['default', payload]);
  }

  @RocketMQListener({ topic: 'orders', group: 'archived', connection: 'archive' })
  archived(payload: unknown): void {
    handled.push(['archive', payload]);
  }

  @RocketMQListener({
    topic: 'orders',
    group: 'own',
    connection: 'archive',
    converters: [from('listener')],
  })
  own(payload: unknown): void {
    handled.push(['own', payload]);
  }

  @RocketMQReplyListener({ topic: 'asked', group: 'asked', connection: 'archive' })
  asked(payload: string): object {
    return { heard: payload };
  }
}

@RocketMQTransactionListener({ connection: 'archive' })
@Injectable()
class Checks implements TransactionHandler {
  execute(): 'unknown' {
    return 'unknown';
  }

  check(payload: unknown): 'commit' {
    handled.push(['check', payload]);
    return 'commit';
  }
}

const text = (body?: Uint8Array): string => new TextDecoder().decode(body);
const stored = (contentType: string) => storedMessage('x', { properties: { contentType } });

async function start() {
  handled.length = 0;
  const clients = new FakeClients();
  const metadata = { imports: [feature], providers: [Readers, Checks] };
  const { app } = await startApplication(metadata, options, clients);
  const template = (name: string): RocketMQTemplate => app.get(getRocketMQTemplateToken(name));
  const producer = (group: string) =>
    clients.producers.find(({ values }) => values.group === group) as FakeProducer;
  return { app, clients, template, producer };
}

describe('of call, template, connection and module the nearest', () => {
  it('writes what is sent', async () => {
    const { app, clients, template, producer } = await start();
    await template('default').send('orders', { a: 1 });
    await template('default').send('orders', 'a', note);
    await template('archive').send('orders', { a: 1 });
    await template('notes').send('orders', 'b', note);
    await template('notes').send('orders', 'c', { converter: from('call') });
    await template('packs').send('orders', {});
    const sent = clients.sent.map(({ body, properties }) => [
      text(body),
      properties?.['contentType'],
    ]);
    expect(sent).toEqual([
      ['{"a":1}', 'application/json'],
      ['module:a', 'text/x-note'],
      [text(Uint8Array.of(0x80)), 'application/msgpack'],
      ['connection:[object Object]', 'text/x-note'],
      ['template:b', 'text/x-note'],
      ['call:c', 'text/x-note'],
    ]);
    // Formats of its own are no reason for a producer of its own.
    expect(clients.producers.map(({ values }) => values.group).toSorted()).toEqual([
      'archive-service',
      'bulk',
      'orders-service',
    ]);
    await template('bulk').send('orders', 'd', note);
    expect(producer('bulk').sent.map(({ body }) => text(body))).toEqual(['bulk:d']);
    await app.close();
  });

  it('reads what listeners get, and messages without a content type', async () => {
    const { app, clients } = await start();
    for (const group of ['plain', 'archived', 'own']) {
      await clients.consumer(group).deliverOne(stored('text/x-note'));
    }
    await clients.consumer('archived').deliverOne(storedMessage('untold'));
    expect(handled).toEqual([
      ['default', 'module<x'],
      ['archive', 'connection<x'],
      ['own', 'listener<x'],
      ['archive', 'connection<untold'],
    ]);
    await app.close();
  });

  it('reads requests, writes replies and reads them', async () => {
    const { app, clients, template, producer } = await start();
    const asked = storedMessage('x', {
      topic: 'asked',
      properties: { ...note, REPLY_TO_CLIENT: 'asker' },
    });
    await clients.consumer('asked').deliverOne(asked);
    const { answer } = producer('archive-service').replies[0] ?? {};
    expect([text(answer?.body), answer?.properties]).toEqual(['connection:[object Object]', note]);
    expect(await template('notes').request('asked', 'q', note)).toBe('template<template:q');
    expect(await template('archive').request('asked', 'q', note)).toBe('connection<connection:q');
    await app.close();
  });

  it('reads what is pulled: one consumer, each template with its own formats', async () => {
    const { app, clients, template } = await start();
    expect(clients.pulls).toHaveLength(1);
    const message = () => stored('text/x-note');
    clients.pulls[0]?.put(0, 0, message(), message(), message());
    const first = await template('notes').receive('reader', { max: 1 });
    const second = await template('archive').receive('reader', { max: 1 });
    expect([first.payloads, second.payloads]).toEqual([['template<x'], ['connection<x']]);
    const consumer = template('notes').pullConsumer('reader');
    expect(template('notes').pullConsumer('reader')).toBe(consumer);
    for await (const { payload } of consumer) {
      expect(payload).toBe('template<x');
      break;
    }
    await second.commit();
    await first.commit();
    expect(clients.pulls[0]?.commits).toEqual([{ offsets: [[0, 2]], persist: true }]);
    await app.close();
    const code = 'ROCKETMQ_CLOSED';
    await expect(consumer.receive()).rejects.toMatchObject({ code });
  });

  it('reads half messages that brokers ask about, by the group that sent them', async () => {
    const { app, producer } = await start();
    await producer('archive-service').transactions.check(stored('text/x-note'));
    await producer('bulk').transactions.check(stored('text/x-note'));
    // Only a template that shares the producer knows this type.
    await producer('archive-service').transactions.check(stored('text/x-list'));
    expect(handled).toEqual([
      ['check', 'connection<x'],
      ['check', 'bulk<x'],
      ['check', 'template<x'],
    ]);
    await app.close();
  });

  it('writes into the outbox, as the template does that sends it', async () => {
    const sent: string[] = [];
    for (const connection of ['archive', 'notes']) {
      const storage = new MemoryStorage();
      const outbox = { relay: false, connection };
      const consistency = RocketMQConsistencyModule.forRoot({ storage, outbox });
      const imports = [feature, consistency];
      const { app, clients } = await startApplication({ imports }, options, new FakeClients());
      const service = app.get<OutboxService<MemoryTx>>(OutboxService);
      await service.transaction((tx) => service.add(tx, 'orders', 'mine', note));
      await service.flush();
      sent.push(...clients.sent.map(({ body }) => text(body)));
      await app.close();
    }
    expect(sent).toEqual(['connection:mine', 'template:mine']);
  });

  it('reads what a server of the microservices transport gets', async () => {
    const clients = new FakeClients();
    const link = new TransportLink({ ...testOptions, converters: [from('module')], clients });
    const listen = { topic: 'orders', group: 'service', converters: [from('listener')] };
    const server = serverListener(link.connections, listen, async (payload) => {
      handled.push(payload);
    });
    handled.length = 0;
    await link.open();
    await server.start();
    await clients.consumer('service').deliverOne(stored('text/x-note'));
    expect(handled).toEqual(['listener<x']);
    await server.stop();
    await link.close();
  });
});

describe('formats that cannot be', () => {
  it.each<[string, object, string]>([
    ['of a connection', { converters: {} }, "connections.archive: 'converters' must be an array"],
    [
      'of a connection',
      { contentType: 'text/x-other' },
      'connections.archive: no converter knows the \'contentType\' "text/x-other"; known are ',
    ],
  ])('are refused at start: %s', async (_, given, told) => {
    const connections = { archive: { nameServers: 'archive:9876', ...given } };
    const error = await refusal({}, { ...testOptions, connections } as RocketMQModuleOptions);
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_INVALID']);
    expect(error.message).toContain(told);
  });

  it.each<[object, string]>([
    [
      { converters: [{}] },
      "Template 'mine' (of forFeature, or of 'templates'): 'converters' must be",
    ],
    [{ contentType: 'a/b' }, "(of forFeature, or of 'templates'): no converter knows the 'content"],
    [{ contentTyp: 'a/b' }, "'contentTyp' is not an option; did you mean 'contentType'?"],
  ])('are refused at start: of a template, %j', async (given, told) => {
    const templates = [{ name: 'mine', ...given }];
    const error = await refusal({ imports: [RocketMQModule.forFeature({ templates })] });
    expect(error.message).toContain(told);
  });

  it('are told once', async () => {
    const error = await refusal({}, { ...testOptions, converters: 'json' } as never);
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_INVALID']);
  });
});
