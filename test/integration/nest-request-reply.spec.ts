import { Injectable, type INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { Deferred } from '@nestjs-rocketmq/foundation';
import {
  MessageKeys,
  MessagePayload,
  RocketMQReplyListener,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

interface Question {
  readonly sku: string;
}

@Injectable()
class Prices {
  @RocketMQReplyListener({ topic: 'prices', group: 'price-service' })
  priceOf(@MessagePayload() { sku }: Question, @MessageKeys() keys: string[]): unknown {
    if (sku === 'unknown') throw Object.assign(new Error('no such sku'), { code: 'SKU_UNKNOWN' });
    if (sku === 'silent') return silence.promise;
    return { sku, keys, price: 7 };
  }
}

@Injectable()
@RocketMQReplyListener({ topic: 'echo', group: 'echo-service', concurrency: 1 })
class Echo {
  onMessage(text: string): string {
    return text.toUpperCase();
  }
}

/** Ends when nobody waits any more. */
const silence = new Deferred<string>();

/** How slow the machine is, is not what is asked here. */
const timeout = '60s';

describe('request and reply of Nest applications', () => {
  let embedded: EmbeddedRocketMQ;
  let service: INestApplicationContext;
  let asker: INestApplicationContext;
  let template: RocketMQTemplate;

  beforeAll(async () => {
    embedded = await startEmbedded(['prices', 'echo']);
    service = await startNest(embedded, { providers: [Prices, Echo] });
    asker = await startNest(embedded, {}, { producer: { group: 'askers' } });
    template = asker.get(RocketMQTemplate);
  });

  afterAll(async () => {
    await asker?.close();
    await service?.close();
    await embedded?.close();
  });

  it('bring the returned value to whoever asked', async () => {
    const options = { timeout, keys: ['k1', 'k2'] };
    const reply = await template.request('prices', { sku: 'a' }, options);
    expect(reply).toEqual({ sku: 'a', keys: ['k1', 'k2'], price: 7 });
    expect(await template.request<string>('echo', 'hello', { timeout })).toBe('HELLO');
  });

  it('bring each of many replies to its own request', async () => {
    const asked = Array.from({ length: 50 }, (_, at) => `number ${at}`);
    const replies = await Promise.all(
      asked.map((text) => template.request<string>('echo', text, { timeout })),
    );
    expect(replies).toEqual(asked.map((text) => text.toUpperCase()));
  });

  it('tell the error of the handler', async () => {
    await expect(template.request('prices', { sku: 'unknown' }, { timeout })).rejects.toMatchObject(
      {
        code: 'ROCKETMQ_REQUEST_FAILED',
        remote: { message: 'no such sku', code: 'SKU_UNKNOWN' },
      },
    );
  });

  it('end with a time-out when nothing replies', async () => {
    const asking = template.request('prices', { sku: 'silent' }, { timeout: '1s' });
    await expect(asking).rejects.toMatchObject({ code: 'CLIENT_REQUEST_TIMEOUT' });
    silence.resolve('too late');
  });
});
