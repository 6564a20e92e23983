import type { INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { isCompressed } from '@nestjs-rocketmq/message';
import { RocketMQTemplate, type RocketMQModuleOptions } from 'nestjs-rocketmq';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

/** How slow the machine is, is not what is asked here. */
const timeout = '60s';

describe('options of a producer, on a broker', () => {
  let embedded: EmbeddedRocketMQ;

  beforeAll(async () => {
    embedded = await startEmbedded(['large', 'traced', 'traces']);
  });

  afterAll(() => embedded?.close());

  const start = (options: Partial<RocketMQModuleOptions>): Promise<INestApplicationContext> =>
    startNest(embedded, {}, options);

  it('compressOver compresses what is larger, and nothing else', async () => {
    const app = await start({
      producer: { group: 'packers', compressOver: 1_000, sendTimeout: timeout },
      pullConsumers: { reader: { group: 'reader', topic: 'large', from: 'first' } },
    });
    try {
      const template = app.get(RocketMQTemplate);
      const texts = ['x'.repeat(999), 'x'.repeat(5_000)];
      for (const text of texts) await template.sendOrderly('large', text, 'one');
      const seen: [boolean, string][] = [];
      for await (const { message, payload } of template.pullConsumer<string>('reader')) {
        seen.push([isCompressed(message.sysFlag), payload]);
        if (seen.length === 2) break;
      }
      expect(seen).toEqual([
        [false, texts[0]],
        [true, texts[1]],
      ]);
    } finally {
      await app.close();
    }
  });

  it('all reach the client under its own names', async () => {
    const app = await start({
      producer: {
        group: 'named',
        sendTimeout: timeout,
        retries: 7,
        retryWhenNotStored: true,
        maxMessageSize: 9_000,
        checkConcurrency: 3,
        maxPendingChecks: 50,
        checkTimeout: '9s',
      },
    });
    try {
      expect(app.get(RocketMQTemplate).producer).toMatchObject({
        group: 'named',
        settings: {
          sendTimeout: 60_000,
          retryTimesWhenSendFailed: 7,
          retryAnotherBrokerWhenNotStoreOK: true,
          maxMessageSize: 9_000,
        },
        checks: { permits: 3 },
        maxWaitingChecks: 50,
        checkTimeout: 9_000,
      });
    } finally {
      await app.close();
    }
  });

  it('trace leaves a trace of each send in its topic', async () => {
    const producer = { group: 'tracers', trace: { topic: 'traces' }, sendTimeout: timeout };
    const app = await start({ producer });
    const sent = await app.get(RocketMQTemplate).send('traced', 'x', { keys: 'k1' });
    await app.close();
    const later = await start({
      pullConsumers: { traces: { group: 'tracing', topic: 'traces', from: 'first' } },
    });
    try {
      const { messages } = await later.get(RocketMQTemplate).receive('traces', { timeout });
      expect(messages[0]?.context.keys).toEqual(expect.arrayContaining([sent.msgId, 'k1']));
    } finally {
      await later.close();
    }
  });
});
