import { Deferred } from '@nestjs-rocketmq/foundation';
import type { SendCallback, SendResult } from '../index.js';
import { RocketMQTemplate, type MessageConverter, type SendOptions } from '../index.js';
import { FakeClients, type FakeProducer } from '../testing/fake-client.js';
import { startApplication, testOptions } from '../testing/test-application.js';

const text = (body: Uint8Array) => new TextDecoder().decode(body);

type Use = (template: RocketMQTemplate, producer: FakeProducer) => Promise<void>;

async function withTemplate(use: Use, options = testOptions): Promise<void> {
  const clients = new FakeClients();
  const { app } = await startApplication({}, options, clients);
  try {
    await use(app.get(RocketMQTemplate), clients.producers[0] as FakeProducer);
  } finally {
    await app.close();
  }
}

const queue = { topic: 'orders', brokerName: 'b', queueId: 3 };

describe('options of a call', () => {
  it('choose the queue: by number, by a function, by the hash of a key', () =>
    withTemplate(async (template, producer) => {
      const selector = () => queue;
      await template.send('orders', 'x', { queue, timeout: '2s' });
      await template.sendOneWay('orders', 'x', { selector });
      await template.send('orders', 'x', { hashKey: 7n });
      await template.sendBatch('orders', ['x'], { hashKey: 5, maxBatchBytes: 10 });
      expect(producer.options).toEqual([
        { queue, timeout: 2_000 },
        { selector },
        { hashKey: 7n },
        { hashKey: 5, maxBatchBytes: 10 },
      ]);
    }));

  it('let the connection choose the queue of hash keys its own way', () => {
    const queueSelector = (queues: readonly (typeof queue)[], key: unknown) =>
      queues.find(({ queueId }) => queueId === key) ?? queue;
    const options = { ...testOptions, producer: { group: 'g', queueSelector } };
    return withTemplate(async (template, producer) => {
      await template.sendOrderly('orders', 'x', 1);
      const { selector, hashKey } = producer.options[0] ?? {};
      const queues = [queue, { ...queue, queueId: 1 }];
      expect(hashKey).toBeUndefined();
      expect(selector?.(queues, producer.sent[0] as never)).toBe(queues[1]);
    }, options);
  });

  it('turn numbers and booleans of properties into texts and leave out what is undefined', () =>
    withTemplate(async (template, producer) => {
      const properties = { amount: 7, isNew: true, big: 9n, region: 'eu', no: undefined };
      await template.send('orders', {}, { properties, waitStoreOk: false });
      expect(producer.sent[0]).toMatchObject({
        properties: {
          amount: '7',
          isNew: 'true',
          big: '9',
          region: 'eu',
          contentType: 'application/json',
        },
        waitStoreMsgOk: false,
      });
      expect(producer.sent[0]?.properties).not.toHaveProperty('no');
    }));

  it('bring a converter for the call', () =>
    withTemplate(async (template, producer) => {
      const converter: MessageConverter = {
        contentType: 'application/x-shout',
        write: (payload) => new TextEncoder().encode(String(payload).toUpperCase()),
        read: (body) => text(body),
      };
      await template.send('orders', 'quiet', { converter });
      expect(text(producer.sent[0]?.body ?? new Uint8Array())).toBe('QUIET');
      expect(producer.sent[0]?.properties).toEqual({ contentType: 'application/x-shout' });
      const broken = { ...converter, write: () => JSON.parse('{') as never };
      await expect(template.send('orders', 'x', { converter: broken })).rejects.toMatchObject({
        code: 'ROCKETMQ_CONVERSION_FAILED',
      });
    }));

  it.each<[string, SendOptions, object]>([
    ['a time is rounded up to a level', { delayMs: '11s' }, { delayLevel: 4 }],
    ['no time at all means at once', { delayMs: 0 }, {}],
    ['an exact time is a timer', { delayMs: '11s', exact: true }, { delayMs: 11_000 }],
    ['beyond every level it is a timer', { delayMs: '3h' }, { delayMs: 10_800_000 }],
    ['a moment is a timer', { deliverAt: new Date(5) }, { deliverAt: new Date(5) }],
    ['a moment in milliseconds', { deliverAt: 77 }, { deliverAt: 77 }],
  ])('delay: %s', (_, options, expected) =>
    withTemplate(async (template, producer) => {
      await template.send('orders', 'x', options);
      const { delayLevel, delayMs, deliverAt } = producer.sent[0] ?? {};
      const given = Object.entries({ delayLevel, delayMs, deliverAt });
      expect(Object.fromEntries(given.filter(([, value]) => value !== undefined))).toEqual(
        expected,
      );
    }),
  );

  it('delay by a Date, a level or an exact time in sendDelayed', () =>
    withTemplate(async (template, producer) => {
      await template.sendDelayed('orders', 'x', new Date(9));
      await template.sendDelayed('orders', 'x', { delayLevel: 2 }, { hashKey: 'k' });
      await template.sendDelayed('orders', 'x', { delayMs: '90s', exact: true });
      expect(producer.sent).toMatchObject([
        { deliverAt: new Date(9) },
        { delayLevel: 2 },
        { delayMs: 90_000 },
      ]);
      expect(producer.options[1]).toEqual({ hashKey: 'k' });
    }));

  it('give up waiting by a signal, with its reason', () =>
    withTemplate(async (template, producer) => {
      const controller = new AbortController();
      producer.send = () => new Promise<SendResult>(() => undefined);
      const sending = template.send('orders', 'x', { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(sending).rejects.toThrow('enough');
      producer.send = () => Promise.reject(new Error('called'));
      await expect(template.send('a', 'x', { signal: controller.signal })).rejects.toThrow(
        'enough',
      );
    }));
});

describe('options that cannot be', () => {
  it.each<[string, object, string]>([
    ['an unknown name', { tgas: 'a' }, "'tgas' is not an option; did you mean 'tags'?"],
    ["Spring's headers", { headers: {} }, "write 'properties'"],
    ['a name far from all', { colour: 1 }, 'known are tags, keys'],
    ['a name of another call', { maxBatchBytes: 1 }, 'this call does not have it'],
    ['a wrong kind of value', { keys: 7 }, "'keys' must be a text or an array of texts, but is 7"],
    ['two queues', { queue, hashKey: 'a' }, "chosen twice, by 'hashKey' and 'queue'"],
    ['two delays', { delayMs: 1, deliverAt: 1 }, "given twice, by 'delayMs' and 'deliverAt'"],
    ['an empty hash key', { hashKey: '' }, 'must be a text, a whole number or a bigint'],
    ['a property that is no text', { properties: { a: {} } }, "property 'a'"],
    [
      'the content type as a property',
      { properties: { contentType: 'x' } },
      "option 'contentType'",
    ],
    ['no converter', { converter: {} }, 'must be a MessageConverter'],
  ])('are refused with the remedy: %s', (_, options, told) =>
    withTemplate(async (template, producer) => {
      const sending = template.send('orders', 'x', options);
      await expect(sending).rejects.toMatchObject({
        code: 'ROCKETMQ_SEND_REFUSED',
        message: expect.stringContaining(told),
      });
      expect(producer.sent).toEqual([]);
    }),
  );

  it('are refused for a batch and a transaction where these cannot have them', () =>
    withTemplate(async (template) => {
      const delayed = { delayLevel: 1 } as object;
      await expect(template.sendBatch('orders', ['x'], delayed)).rejects.toThrow(
        "sendBatch to 'orders': 'delayLevel' is not an option",
      );
      await expect(template.sendBatch('orders', ['x', null])).rejects.toThrow('has no payload');
    }));
});

describe('timers', () => {
  it('that the broker does not take are refused with what they need', () =>
    withTemplate(async (template, producer) => {
      const failure = Object.assign(new Error('no'), { responseCode: 1, remark: 'no timers here' });
      producer.failWith = failure;
      await expect(template.send('orders', 'x', { deliverAt: 5 })).rejects.toMatchObject({
        code: 'ROCKETMQ_TIMER_REFUSED',
        message: expect.stringContaining('no timers here'),
        cause: failure,
      });
      await expect(template.send('orders', 'x', { delayLevel: 1 })).rejects.toBe(failure);
    }));

  it('are recalled by the result of their send', () =>
    withTemplate(async (template, producer) => {
      const sent = await template.send('orders', 'x', { deliverAt: 5 });
      await expect(template.recall(sent)).rejects.toThrow('Only timer messages can be recalled');
      expect(await template.recall({ ...sent, recallHandle: 'handle' })).toBe('handle');
      expect(producer.recalled).toEqual([['orders', 'handle']]);
    }));
});

describe('asyncSend', () => {
  it('tells a callback how the send ended', () =>
    withTemplate(async (template, producer) => {
      const ended = (): { callback: SendCallback; told: Promise<unknown> } => {
        const told = new Deferred<unknown>();
        const end = (value: unknown): void => told.resolve(value);
        return { callback: { onSuccess: end, onException: end }, told: told.promise };
      };
      const good = ended();
      expect(template.asyncSend('orders:a', 'x', good.callback, { keys: 'k' })).toBeUndefined();
      expect(await good.told).toMatchObject({ msgId: 'M0' });
      expect(producer.sent[0]).toMatchObject({ tags: 'a', keys: 'k' });
      const bad = ended();
      producer.failWith = new Error('gone');
      template.asyncSend('orders', 'x', bad.callback);
      expect(await bad.told).toBe(producer.failWith);
    }));
});

describe("the client's producer", () => {
  it('is refused where there is none, and every call after close', async () => {
    const { app } = await startApplication({});
    const template = app.get(RocketMQTemplate);
    expect(() => template.producer).toThrow('is not running');
    await app.close();
    expect(() => template.producer).toThrow('is not running');
    const code = 'ROCKETMQ_CLOSED';
    await expect(template.send('orders', 'x')).rejects.toMatchObject({ code });
    await expect(template.sendBatch('orders', ['x'])).rejects.toMatchObject({ code });
    await expect(template.sendOneWay('orders', 'x')).rejects.toMatchObject({ code });
  });
});
