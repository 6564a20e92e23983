import { createServer, type Socket } from 'node:net';
import { Producer, type QueueSelector, type SendOptions } from '@nestjs-rocketmq/client';
import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import { ClientCluster } from '../support/client-cluster.js';

const body = Buffer.from('x');
const message = { topic: 'orders', body };

describe('a producer with a wrong name server', () => {
  const open: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).toReversed()) await one.close();
  });

  const failureOf = async (nameServers: string): Promise<unknown> => {
    const producer = new Producer({ nameServers, group: 'g', requestTimeout: 500 });
    open.push(producer);
    await producer.start();
    return producer.send(message).catch((error: unknown) => error);
  };

  const serve = async (answer: string | undefined): Promise<string> => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => answer !== undefined && socket.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    open.push({ close });
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  };

  it.each(['localhost', 'localhost:port', ':9876', 'localhost:70000', '', ' ; '])(
    "does not begin with the address '%s' and says how to write it",
    (nameServers) => {
      expect(() => new Producer({ nameServers, group: 'g' })).toThrow(
        expect.objectContaining({
          code: 'CLIENT_CONFIGURATION_INVALID',
          message: expect.stringContaining('host1:9876') as string,
        }),
      );
    },
  );

  it('says at the send that nobody listens there', async () => {
    expect(await failureOf('127.0.0.1:1')).toMatchObject({
      code: 'CLIENT_NAME_SERVER_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1:1.*check the option 'nameServers'/s) as string,
      retriable: true,
    });
  });

  it('says at the send that the host is unknown', async () => {
    expect(await failureOf('no-such-host.invalid:9876')).toMatchObject({
      code: 'CLIENT_NAME_SERVER_UNREACHABLE',
      message: expect.stringContaining('no-such-host.invalid') as string,
    });
  });

  it('says at the send that the server speaks something else', async () => {
    const address = await serve('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    expect(await failureOf(address)).toMatchObject({ code: 'CLIENT_NAME_SERVER_UNREACHABLE' });
  });

  it('says at the send that the server does not answer', async () => {
    const address = await serve(undefined);
    expect(await failureOf(address)).toMatchObject({ code: 'CLIENT_NAME_SERVER_UNREACHABLE' });
  });
});

describe('a producer with bad input', () => {
  let cluster: ClientCluster;

  beforeAll(async () => (cluster = await ClientCluster.start()));
  afterAll(() => cluster[Symbol.asyncDispose]());

  it.each(['', 'has blank', 'x'.repeat(256), 'DEFAULT_PRODUCER'])(
    "does not begin as the group '%s'",
    (group) => {
      expect(() => new Producer({ nameServers: cluster.nameServers, group })).toThrow(/group/i);
    },
  );

  it.each<[string, Partial<OutgoingMessage>, string, string]>([
    ['a topic with a blank', { topic: 'a b' }, 'CLIENT_MESSAGE_INVALID', 'a b'],
    [
      'a topic of the brokers',
      { topic: 'SCHEDULE_TOPIC_XXXX' },
      'CLIENT_MESSAGE_INVALID',
      'belong',
    ],
    ['no topic', { topic: undefined as unknown as string }, 'CLIENT_MESSAGE_INVALID', "'topic'"],
    ['a text as body', { body: 'x' as unknown as Uint8Array }, 'CLIENT_MESSAGE_INVALID', 'Buffer'],
    ['an empty body', { body: Buffer.alloc(0) }, 'CLIENT_MESSAGE_INVALID', 'empty'],
    [
      'a body over the limit',
      { body: Buffer.alloc(5_000_000) },
      'CLIENT_MESSAGE_TOO_LARGE',
      "'maxMessageSize' allows 4194304",
    ],
    [
      'a reserved property',
      { properties: { UNIQ_KEY: '1' } },
      'CLIENT_MESSAGE_INVALID',
      "'UNIQ_KEY' is reserved",
    ],
    [
      'a property that would break the others',
      { properties: { x: 'a\u0001b' } },
      'MESSAGE_PROPERTY_ILLEGAL',
      'U+0001',
    ],
    ['a key with a blank', { keys: ['a b'] }, 'CLIENT_MESSAGE_INVALID', "'keys'"],
    ['two delays', { delayLevel: 1, delayMs: 5 }, 'CLIENT_MESSAGE_INVALID', 'contradict'],
    ['a date that is none', { deliverAt: new Date('x') }, 'CLIENT_MESSAGE_INVALID', "'deliverAt'"],
  ])(
    'refuses %s before anything is sent, whichever way it is sent',
    async (_, bad, code, words) => {
      const producer = await cluster.producer();
      const all = { ...message, ...bad };
      const refusal = { code, message: expect.stringContaining(words) as string };
      await expect(producer.send(all)).rejects.toMatchObject(refusal);
      await expect(producer.sendOneWay(all)).rejects.toMatchObject(refusal);
      await expect(producer.request(all)).rejects.toMatchObject(refusal);
      const isDelay = bad.delayLevel !== undefined || bad.deliverAt !== undefined;
      if (isDelay) return;
      await expect(producer.sendBatch([all])).rejects.toMatchObject(refusal);
      await expect(producer.sendInBatches([all])).rejects.toMatchObject(refusal);
    },
  );

  it.each<[string, SendOptions, string]>([
    [
      'throws',
      {
        selector: () => {
          throw new Error('no idea');
        },
      },
      'threw',
    ],
    ['answers nothing', { selector: (() => undefined) as unknown as QueueSelector }, 'nothing'],
    [
      'answers a foreign queue',
      { selector: () => ({ topic: 'orders', brokerName: 'nobody', queueId: 0 }) },
      'nobody:0',
    ],
    [
      'answers a promise',
      { selector: (async () => undefined) as unknown as QueueSelector },
      'must answer at once',
    ],
  ])('refuses a send whose selector %s', async (_, options, words) => {
    const producer = await cluster.producer();
    await expect(producer.send(message, options)).rejects.toMatchObject({
      code: 'CLIENT_QUEUE_SELECTION_FAILED',
      message: expect.stringContaining(words) as string,
    });
    expect((await producer.send(message)).status).toBe('SEND_OK');
  });

  it('says that our broker knows no timers, and cannot recall', async () => {
    const producer = await cluster.producer();
    await expect(producer.send({ ...message, delayMs: 5_000 })).rejects.toMatchObject({
      message: expect.stringContaining('use a delay level') as string,
      responseCode: 1,
      remark: expect.stringContaining('use a delay level') as string,
    });
    const { queue } = await producer.send(message);
    const text = `v1 orders ${queue.brokerName} 1900000000000 KEY`;
    const handle = Buffer.from(text).toString('base64url');
    await expect(producer.recall('orders', handle)).rejects.toMatchObject({
      message: expect.stringContaining('cannot recall') as string,
    });
  });

  it('closes in time although a local transaction never ends, and says so', async () => {
    const warnings: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (sentence) => void warnings.push(sentence),
      child: () => logger,
    };
    let isRunning: () => void = () => undefined;
    const runs = new Promise<void>((resolve) => (isRunning = resolve));
    const never = () => new Promise<never>(() => undefined);
    const listener = { execute: () => (isRunning(), never()), check: never };
    const producer = await cluster.transactional({ listener, logger });
    void producer.sendInTransaction(message);
    await runs;
    await producer.close({ deadline: 100 });
    expect(warnings).toContain('The producer closes before all transactions and checks ended.');
  });
});
