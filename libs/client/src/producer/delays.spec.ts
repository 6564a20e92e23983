import { decodeProperties, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { delayText, isDelayed } from './delays.js';

const text = (message: Partial<OutgoingMessage>) =>
  decodeProperties(delayText({ topic: 't', body: Buffer.from('x'), ...message }));

describe('delayText', () => {
  it.each([
    ['a level', { delayLevel: 3 }, { DELAY: '3' }],
    ['milliseconds', { delayMs: 1500 }, { TIMER_DELAY_MS: '1500' }],
    ['seconds', { delaySeconds: 90 }, { TIMER_DELAY_SEC: '90' }],
    ['a time', { deliverAt: 1_900_000_000_000 }, { TIMER_DELIVER_MS: '1900000000000' }],
    ['a date', { deliverAt: new Date(1_900_000_000_000) }, { TIMER_DELIVER_MS: '1900000000000' }],
    ['level 0', { delayLevel: 0 }, {}],
    ['level 0 beside a time', { delayLevel: 0, delayMs: 5 }, { TIMER_DELAY_MS: '5' }],
  ])('writes %s as brokers read it', (_, message, properties) => {
    expect(text(message)).toEqual(properties);
    expect(isDelayed({ topic: 't', body: Buffer.from('x'), ...message })).toBe(
      Object.keys(properties).length > 0,
    );
  });

  it.each([
    ['two delays', { delayLevel: 3, delayMs: 5 }, "'delayLevel' and 'delayMs'"],
    ['a delay and a time', { delaySeconds: 3, deliverAt: 5 }, 'contradict'],
    ['a level beyond the last', { delayLevel: 19 }, '0 to 18'],
    ['a level below none', { delayLevel: -1 }, '0 to 18'],
    ['half a millisecond', { delayMs: 0.5 }, "'delayMs' must be a whole number"],
    ['seconds below none', { delaySeconds: -1 }, "'delaySeconds' must be"],
    ['a date that is none', { deliverAt: new Date(Number.NaN) }, 'a Date or milliseconds'],
    ['a text', { deliverAt: 'tomorrow' as unknown as number }, 'a Date or milliseconds'],
  ])('refuses %s', (_, message, words) => {
    expect(() => text(message)).toThrow(
      expect.objectContaining({
        code: 'CLIENT_MESSAGE_INVALID',
        message: expect.stringContaining(words) as string,
      }),
    );
  });
});
