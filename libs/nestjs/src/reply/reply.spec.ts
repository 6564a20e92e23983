import { BadRequestException, Injectable, ParseIntPipe } from '@nestjs/common';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import {
  ConsumeResult,
  MessagePayload,
  NonRetryableError,
  RetryLaterError,
  RocketMQListener,
  RocketMQReplyListener,
  RocketMQTemplate,
  type OutgoingInterceptor,
  type RocketMQReplyListenerOptions,
} from '../index.js';
import { storedMessage, type FakeProducer } from '../testing/fake-client.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

interface Question {
  readonly sku: string;
}

/** Answers as a spec wants. */
let answer: (question: Question) => unknown;

@Injectable()
class Prices {
  @RocketMQReplyListener({ topic: 'prices', group: 'price-service', replyTimeout: '2s' })
  priceOf(@MessagePayload() question: Question): unknown {
    return answer(question);
  }
}

function request(properties: Record<string, string> = {}) {
  return storedMessage(
    { sku: 'a' },
    { topic: 'prices', properties: { REPLY_TO_CLIENT: 'asker', ...properties } },
  );
}

async function start(interceptors: OutgoingInterceptor[] = []) {
  const options = { ...testOptions, interceptors };
  const { app, clients, logger } = await startApplication({ providers: [Prices] }, options);
  const producer = clients.producers[0] as FakeProducer;
  return { app, logger, producer, consumer: clients.consumer('price-service') };
}

const text = (body: Uint8Array | undefined) => new TextDecoder().decode(body);

describe('a reply listener', () => {
  it.each<[string, unknown, string, string]>([
    ['an object', { price: 7 }, '{"price":7}', 'application/json'],
    ['a text', 'cheap', 'cheap', 'text/plain;charset=UTF-8'],
    ['a promise', Promise.resolve([1]), '[1]', 'application/json'],
    ['nothing', undefined, 'null', 'application/json'],
  ])('replies with what it returns: %s', async (_, returned, body, contentType) => {
    const { app, producer, consumer } = await start();
    answer = () => returned;
    const asked = request();
    expect(await consumer.deliverOne(asked)).toEqual({ kind: 'success' });
    const [reply] = producer.replies;
    expect(reply?.request).toBe(asked);
    expect(text(reply?.answer.body)).toBe(body);
    expect(reply?.answer.properties).toEqual({ contentType });
    expect(producer.options.at(-1)).toEqual({ timeout: 2_000 });
    await app.close();
  });

  it('tells an error to a requester that understands it; the request is done', async () => {
    const { app, producer, consumer, logger } = await start();
    answer = () => {
      throw Object.assign(new RangeError('no such sku'), { code: 'SKU_UNKNOWN' });
    };
    const asked = request({ replyErrors: 'true' });
    expect(await consumer.deliverOne(asked)).toEqual({ kind: 'success' });
    const { body, properties } = producer.replies[0]?.answer ?? {};
    expect(JSON.parse(text(body))).toEqual({
      name: 'RangeError',
      message: 'no such sku',
      code: 'SKU_UNKNOWN',
    });
    expect(properties).toMatchObject({ replyError: 'true' });
    expect(logger.of('error').join()).toContain('no such sku; the requester was told');
    await app.close();
  });

  it('lets other requesters wait, and logs why', async () => {
    const { app, producer, consumer, logger } = await start();
    answer = () => {
      throw new BadRequestException('what?');
    };
    expect(await consumer.deliverOne(request())).toEqual({ kind: 'success' });
    expect(producer.replies).toEqual([]);
    expect(logger.of('error').join()).toContain('waits until its time is over');
    await app.close();
  });

  it.each<[string, () => unknown, string, number]>([
    ['RetryLaterError', () => new RetryLaterError('busy'), 'retry', 0],
    ['NonRetryableError', () => new NonRetryableError('never'), 'dead-letter', 1],
  ])('lets a decision about the message stand: %s', async (_, error, kind, replies) => {
    const { app, producer, consumer } = await start();
    answer = () => {
      throw error();
    };
    expect(await consumer.deliverOne(request({ replyErrors: 'true' }))).toMatchObject({ kind });
    answer = () => ConsumeResult.retryLater();
    expect(await consumer.deliverOne(request())).toMatchObject({ kind: 'retry' });
    expect(producer.replies).toHaveLength(replies);
    await app.close();
  });

  it('warns when nobody asked, and when the reply does not arrive', async () => {
    const { app, producer, consumer, logger } = await start();
    answer = () => 'x';
    expect(await consumer.deliverOne(storedMessage({ sku: 'a' }, { topic: 'prices' }))).toEqual({
      kind: 'success',
    });
    expect(logger.of('warn').join()).toContain('is no request: nobody gets a reply');
    producer.failWith = new Error('the channel is gone');
    expect(await consumer.deliverOne(request())).toEqual({ kind: 'success' });
    expect(logger.of('warn').join()).toContain('the channel is gone');
    await app.close();
  });

  it('tells that its answer cannot be written', async () => {
    const { app, producer, consumer } = await start();
    answer = () => ({ big: 1n });
    await consumer.deliverOne(request({ replyErrors: 'true' }));
    const { body } = producer.replies[0]?.answer ?? {};
    expect(JSON.parse(text(body))).toMatchObject({ code: 'ROCKETMQ_CONVERSION_FAILED' });
    await app.close();
  });

  it('sends its reply through the interceptors', async () => {
    const seen: unknown[] = [];
    const interceptor: OutgoingInterceptor = {
      intercept({ kind, messages }, next) {
        seen.push([kind, messages[0]?.payload]);
        for (const message of messages) message.properties['by'] = 'shop';
        return next();
      },
    };
    const { app, producer, consumer } = await start([interceptor]);
    answer = () => 7;
    await consumer.deliverOne(request());
    expect(seen).toEqual([['reply', 7]]);
    expect(producer.replies[0]?.answer.properties).toMatchObject({ by: 'shop' });
    await app.close();
  });

  it.each<[string, object, string]>([
    ['a batch', { batch: 10 }, "'batch' cannot stand here"],
    ['broadcasting', { model: 'broadcasting' }, "model 'broadcasting' cannot stand here"],
    ['a time that is none', { replyTimeout: 'soon' }, "'replyTimeout' must be milliseconds"],
    ['an unknown format', { replyContentType: 'a/b' }, "knows the 'replyContentType' 'a/b'"],
  ])('is refused at start with %s', async (_, odd, told) => {
    const options = { topic: 't', group: 'g', ...odd } as RocketMQReplyListenerOptions;
    @RocketMQReplyListener(options)
    class Odd {
      onMessage(): void {}
    }
    const error = await refusal({ providers: [Odd] });
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_INVALID']);
    expect(error.message).toContain(told);
  });
});

describe('converters of one listener', () => {
  const csv = {
    contentType: 'text/csv',
    write: (payload: unknown) => new TextEncoder().encode((payload as string[]).join(';')),
    read: (body: Uint8Array) => new TextDecoder().decode(body).split(';'),
  };

  it('read its messages and write its replies, and are unknown to other listeners', async () => {
    const seen: unknown[] = [];
    const format = { converters: [csv], replyContentType: 'text/csv' };
    @Injectable()
    class Lists {
      @RocketMQReplyListener({ topic: 'prices', group: 'lists', ...format })
      longer(list: string[]): string[] {
        return [...list, 'end'];
      }

      @RocketMQListener({ topic: 'prices', group: 'others' })
      other(list: unknown): void {
        seen.push(list);
      }
    }
    const { app, clients } = await startApplication({ providers: [Lists] });
    const asked = request({ contentType: 'text/csv' });
    expect(await clients.consumer('lists').deliverOne(asked)).toEqual({ kind: 'success' });
    const { answer: sent } = (clients.producers[0] as FakeProducer).replies[0] ?? {};
    expect([text(sent?.body), sent?.properties]).toEqual([
      '{"sku":"a"};end',
      { contentType: 'text/csv' },
    ]);
    const verdict = await clients.consumer('others').deliverOne(asked);
    expect([verdict, seen]).toMatchObject([{ kind: 'dead-letter' }, []]);
    await app.close();
  });

  it('are refused at start when they are none', async () => {
    const options = { topic: 't', group: 'g', converters: [{}] } as never;
    @RocketMQListener(options)
    class Odd {
      onMessage(): void {}
    }
    const { message } = await refusal({ providers: [Odd] });
    expect(message).toContain("'converters' must be an array of { contentType, write, read }");
  });
});

describe('what is wrong with a reply listener', () => {
  it('is told with its own decorator', async () => {
    const options = { topic: 't', group: 'g', replyTimeot: 5 } as RocketMQReplyListenerOptions;
    @RocketMQReplyListener(options)
    class Odd {}
    const { message } = await refusal({ providers: [Odd] });
    expect(message).toContain('Odd.onMessage (@RocketMQReplyListener): the class has no method');
    expect(message).toContain("'replyTimeot' is not an option; did you mean 'replyTimeout'?");
    expect(message).not.toContain('@RocketMQListener');
  });

  it('is told with both decorators where another listener is part of it', async () => {
    class Odd {
      @RocketMQListener({ topic: 't', group: 'g', id: 'same' })
      listen(): void {}

      @RocketMQReplyListener({ topic: 't', group: 'g', id: 'same' })
      answer(): void {}
    }
    const { message } = await refusal({ providers: [Odd] });
    const both = 'Odd.listen (@RocketMQListener) and Odd.answer (@RocketMQReplyListener)';
    expect(message).toContain(`${both} both have the id 'same'`);
    expect(message).toContain(`${both} are both in group 'g'`);
  });

  it('is told with its own decorator of a subclass, which does not listen', async () => {
    @RocketMQReplyListener({ topic: 't', group: 'g' })
    class Base {
      onMessage(): void {}
    }
    class Special extends Base {}
    const { app, logger } = await startApplication({ providers: [Special] });
    expect(logger.of('warn').join()).toContain('extends a class with @RocketMQReplyListener,');
    await app.close();
  });
});

describe('a request', () => {
  class Price {
    declare readonly amount: number;
  }

  async function asking(onRequest: FakeProducer['onRequest']) {
    const { app, clients } = await startApplication({});
    const producer = clients.producers[0] as FakeProducer;
    producer.onRequest = onRequest;
    return { app, producer, template: app.get(RocketMQTemplate) };
  }

  const json = (value: unknown, properties: Record<string, string> = {}) => ({
    body: new TextEncoder().encode(JSON.stringify(value)),
    properties: { contentType: 'application/json', ...properties },
  });

  it('gives the reply by its content type, and asks for errors', async () => {
    const { app, template, producer } = await asking(() => json({ amount: 7 }));
    const price = await template.request('prices:now', { sku: 'a' }, { type: Price, hashKey: 'a' });
    expect(price.amount).toBe(7);
    expect(producer.sent[0]).toMatchObject({ tags: 'now', properties: { replyErrors: 'true' } });
    expect(producer.options[0]).toEqual({ hashKey: 'a' });
    const told: { amount: number } = await template.sendAndReceive<Price>('prices', {});
    expect(told).toEqual({ amount: 7 });
    await app.close();
  });

  it('gives text and bytes where these are asked for', async () => {
    const plain = (message: OutgoingMessage) => ({ body: message.body, properties: {} });
    const { app, template } = await asking(plain);
    expect(await template.request('echo', 'hello', { type: String })).toBe('hello');
    const bytes = await template.request('echo', Uint8Array.of(1), { type: Uint8Array });
    expect([...bytes]).toEqual([1]);
    await app.close();
  });

  it('runs pipes and a schema over the reply', async () => {
    const { app, template } = await asking(() => json('41'));
    expect(await template.request<number>('n', {}, { pipes: [new ParseIntPipe()] })).toBe(41);
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'spec',
        validate: (value: unknown) =>
          value === '41' ? { value: 42 } : { issues: [{ message: 'not 41' }] },
      },
    };
    const more: number = await template.request('n', {}, { schema });
    expect(more).toBe(42);
    const bad = await asking(() => json('40'));
    await expect(bad.template.request('n', {}, { schema })).rejects.toMatchObject({
      code: 'ROCKETMQ_CONVERSION_FAILED',
      message: expect.stringContaining('not 41'),
    });
    await app.close();
    await bad.app.close();
  });

  it('rejects with the error that the listener threw', async () => {
    const remote = { name: 'RangeError', message: 'no such sku', code: 'SKU_UNKNOWN' };
    const { app, template } = await asking(() => json(remote, { replyError: 'true' }));
    await expect(template.request('prices', {})).rejects.toMatchObject({
      code: 'ROCKETMQ_REQUEST_FAILED',
      message: expect.stringContaining('no such sku'),
      remote,
    });
    await expect(template.request('prices', {}, { replyTo: 'x' } as object)).rejects.toThrow(
      "'replyTo' is not an option",
    );
    await app.close();
  });
});
