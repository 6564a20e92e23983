import { Injectable, type INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  MessageContext,
  MessageKeys,
  MessagePayload,
  MessageProperty,
  RawMessage,
  RocketMQContext,
  RocketMQListener,
  RocketMQTemplate,
  type StoredMessage,
} from 'nestjs-rocketmq';
import { Inbox } from '../support/inbox.js';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

interface Seen {
  readonly by: string;
  readonly payload: unknown;
  readonly more?: unknown;
}
const inbox = new Inbox<Seen>();

@Injectable()
class Listeners {
  @RocketMQListener({ topic: 'parts', group: 'parts' })
  onParts(
    @MessagePayload() payload: object,
    @MessageKeys() keys: string[],
    @MessageProperty('region') region: string,
    @RawMessage() raw: StoredMessage,
    @MessageContext() context: RocketMQContext,
  ): void {
    const more = { keys, region, tag: context.tag, times: raw.reconsumeTimes, flag: raw.flag };
    inbox.put({ by: 'parts', payload, more });
  }

  @RocketMQListener({ topic: 'tagged', group: 'tagged', tags: 'paid || placed' })
  onTagged(@MessagePayload() payload: string, @MessageContext() context: RocketMQContext): void {
    inbox.put({ by: 'tagged', payload, more: context.tag });
  }

  @RocketMQListener({ topic: { several1: 'a', several2: '*' }, group: 'several' })
  onSeveral(payload: string, context: RocketMQContext): void {
    inbox.put({ by: 'several', payload, more: context.topic });
  }

  @RocketMQListener({ topic: 'ordered', group: 'ordered', mode: 'orderly' })
  onOrdered(@MessagePayload() payload: { key: string; step: number }): void {
    inbox.put({ by: 'ordered', payload });
  }

  @RocketMQListener({ topic: 'delayed', group: 'delayed' })
  onDelayed(@MessagePayload() payload: string, @MessageContext() context: RocketMQContext): void {
    inbox.put({
      by: 'delayed',
      payload,
      more: context.storedAt.getTime() - context.bornAt.getTime(),
    });
  }

  @RocketMQListener({ topic: 'batched', group: 'batched', batch: 16, concurrency: 1 })
  onBatch(@MessagePayload() payloads: { id: number }[]): void {
    for (const payload of payloads) inbox.put({ by: 'batched', payload, more: payloads.length });
  }

  @RocketMQListener({ topic: 'everyone', group: 'everyone', model: 'broadcasting' })
  onBroadcast(@MessagePayload() payload: string): void {
    inbox.put({ by: 'everyone', payload });
  }
}

describe('listeners of a Nest application on a broker', () => {
  let embedded: EmbeddedRocketMQ;
  let app: INestApplicationContext;
  let template: RocketMQTemplate;

  beforeAll(async () => {
    embedded = await startEmbedded([
      'parts',
      'tagged',
      'several1',
      'several2',
      'ordered',
      'delayed',
      'batched',
      'everyone',
    ]);
    app = await startNest(embedded, { providers: [Listeners] });
    template = app.get(RocketMQTemplate);
  });

  afterAll(async () => {
    await app?.close();
    await embedded?.close();
  });

  it('get payload, keys, properties, tag and the message itself', async () => {
    const result = await template.send(
      'parts:t1',
      { id: 'ä1', list: [1, 2] },
      { keys: ['k1', 'k2'], properties: { region: 'eu' }, flag: 9 },
    );
    expect(result.status).toBe('SEND_OK');
    expect(await inbox.next()).toEqual({
      by: 'parts',
      payload: { id: 'ä1', list: [1, 2] },
      more: { keys: ['k1', 'k2'], region: 'eu', tag: 't1', times: 0, flag: 9 },
    });
  });

  it('get MessagePack and one-way messages as well', async () => {
    await template.send('parts', { packed: true }, { contentType: 'application/msgpack' });
    await template.sendOneWay('parts', { fast: true });
    const payloads = (await inbox.take(2)).map(({ payload }) => payload);
    expect(payloads).toEqual(expect.arrayContaining([{ packed: true }, { fast: true }]));
  });

  it('get the tags that they asked for', async () => {
    await template.send('tagged:cancelled', 'no');
    await template.send('tagged:placed', 'yes');
    await template.send('tagged', 'no tag');
    await template.send('tagged', 'also', { tags: 'paid' });
    const seen = await inbox.take(2);
    expect(seen.map(({ payload, more }) => [payload, more]).toSorted()).toEqual([
      ['also', 'paid'],
      ['yes', 'placed'],
    ]);
  });

  it('get several topics, each with its own tags', async () => {
    await template.send('several1:b', 'not wanted');
    await template.send('several1:a', 'one');
    await template.send('several2:b', 'two');
    const seen = await inbox.take(2);
    expect(seen.map(({ payload, more }) => [payload, more]).toSorted()).toEqual([
      ['one', 'several1'],
      ['two', 'several2'],
    ]);
  });

  it('get messages of one key in order', async () => {
    const keys = ['a', 'b', 'c'];
    for (let step = 0; step < 10; step += 1) {
      for (const key of keys) await template.sendOrderly('ordered', { key, step }, key);
    }
    const seen = (await inbox.take(30)).map(
      ({ payload }) => payload as { key: string; step: number },
    );
    for (const key of keys) {
      const steps = seen.filter((one) => one.key === key).map(({ step }) => step);
      expect(steps).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it('get delayed messages later', async () => {
    await template.sendDelayed('delayed', 'later', { delayLevel: 1 });
    const { payload, more } = await inbox.next();
    expect(payload).toBe('later');
    expect(more).toBeGreaterThanOrEqual(900);
  });

  it('get a batch in one request as arrays', async () => {
    const payloads = Array.from({ length: 40 }, (_, id) => ({ id }));
    const results = await template.sendBatch('batched', payloads, { keys: ({ id }) => `k${id}` });
    expect(results).toHaveLength(40);
    const seen = await inbox.take(40);
    const ids = seen.map(({ payload }) => (payload as { id: number }).id);
    expect(ids.toSorted((a, b) => a - b)).toEqual(payloads.map(({ id }) => id));
    expect(Math.max(...seen.map(({ more }) => more as number))).toBe(16);
  });

  it('get broadcast messages in every application', async () => {
    const other = await startNest(embedded, { providers: [OtherEveryone] });
    try {
      await template.send('everyone', 'news');
      const seen = await inbox.take(2);
      expect(seen.map(({ by }) => by).toSorted()).toEqual(['everyone', 'other']);
    } finally {
      await other.close();
    }
  });
});

@Injectable()
class OtherEveryone {
  @RocketMQListener({ topic: 'everyone', group: 'everyone', model: 'broadcasting' })
  onBroadcast(@MessagePayload() payload: string): void {
    inbox.put({ by: 'other', payload });
  }
}
