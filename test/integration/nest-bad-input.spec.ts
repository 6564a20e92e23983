import type { INestApplicationContext } from '@nestjs/common';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQTemplate, type SendOptions } from 'nestjs-rocketmq';
import { startEmbedded, startNest } from '../support/nest-on-embedded.js';

interface Refusal {
  readonly code: string;
  readonly message: string;
}

describe('what a template is asked to send and cannot', () => {
  let embedded: EmbeddedRocketMQ;
  let app: INestApplicationContext;
  let template: RocketMQTemplate;

  beforeAll(async () => {
    embedded = await startEmbedded(['orders'], { autoCreateTopicEnable: false });
    const producer = { group: 'spec', maxMessageSize: 4_096, compressOver: 100_000 };
    app = await startNest(embedded, {}, { producer });
    template = app.get(RocketMQTemplate);
  });

  afterAll(async () => {
    await app?.close();
    await embedded?.close();
  });

  async function refusal(
    destination: string,
    payload: unknown,
    options: SendOptions = {},
  ): Promise<Refusal> {
    try {
      await template.send(destination, payload, options);
    } catch (error) {
      return error as Refusal;
    }
    throw new Error('it was sent');
  }

  it.each([
    ['a body over maxMessageSize', 'orders', 'x'.repeat(4_097), {}, '4096'],
    ['a topic with a blank', 'or ders', 'x', {}, '"or ders"'],
    ['a topic of 128 characters', 't'.repeat(128), 'x', {}, '128'],
    ['a topic of the broker itself', 'SCHEDULE_TOPIC_XXXX', 'x', {}, 'SCHEDULE_TOPIC_XXXX'],
    ['a topic that does not exist', 'nowhere', 'x', {}, 'nowhere'],
    [
      'a property that RocketMQ keeps for itself',
      'orders',
      'x',
      { properties: { KEYS: 'k' } },
      'KEYS',
    ],
    [
      'properties over 32,767 bytes',
      'orders',
      'x',
      { properties: { p: 'x'.repeat(33_000) } },
      '32767',
    ],
    ['a timer message', 'orders', 'x', { properties: { TIMER_DELAY_SEC: '5' } }, 'TIMER'],
  ])(
    'is refused with a code and the value at fault: %s',
    async (_, topic, payload, options, told) => {
      const error = await refusal(topic, payload, options);
      expect(error.code).toMatch(/^[A-Z]+_[A-Z_]+$/);
      expect(error.message).toContain(told);
    },
  );

  it('leaves the template usable', async () => {
    const result = await template.send('orders', { id: 1 });
    expect(result.status).toBe('SEND_OK');
  });
});
