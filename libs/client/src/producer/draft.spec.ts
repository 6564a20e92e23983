import { decodeProperties, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { checkBody, checkSendTopic, propertiesOf } from './draft.js';

const body = Buffer.from('x');
const properties = (message: Partial<OutgoingMessage>) =>
  decodeProperties(propertiesOf({ topic: 't', body, ...message }, 'KEY'));

describe('propertiesOf', () => {
  it('writes keys, tags, delay level, user properties and the unique key', () => {
    expect(
      properties({ tags: 'a', keys: ['k1', 'k2'], delayLevel: 3, properties: { x: 'y' } }),
    ).toEqual({ TAGS: 'a', KEYS: 'k1 k2', DELAY: '3', x: 'y', UNIQ_KEY: 'KEY' });
  });

  it('takes every field together', () => {
    const all = { tags: 'a', keys: 'k', delayMs: 9, waitStoreMsgOk: false, shardingKey: 's' };
    expect(properties({ ...all, properties: { x: 'y' } })).toEqual({
      TAGS: 'a',
      KEYS: 'k',
      TIMER_DELAY_MS: '9',
      WAIT: 'false',
      __SHARDINGKEY: 's',
      x: 'y',
      UNIQ_KEY: 'KEY',
    });
  });

  it('says WAIT only when the sender does not wait for the disk', () => {
    expect(properties({ waitStoreMsgOk: false })).toHaveProperty('WAIT', 'false');
    expect(properties({ waitStoreMsgOk: true })).not.toHaveProperty('WAIT');
  });

  it('refuses a reserved name and says what to use instead', () => {
    expect(() => properties({ properties: { TAGS: 'a' } })).toThrow(
      expect.objectContaining({
        code: 'CLIENT_MESSAGE_INVALID',
        message:
          "The property name 'TAGS' is reserved by RocketMQ; choose another, or use the field 'tags'.",
      }),
    );
  });

  it.each([
    ['a blank value', { properties: { x: ' ' } }],
    ['a tag that would break the text', { tags: 'a\u0002b' }],
    ['a key that would break the text', { keys: 'a\u0001b' }],
    ['a key of a list with a blank in it', { keys: ['a b'] }],
    ['an empty key of a list', { keys: ['a', ''] }],
    ['a sharding key that would break the text', { shardingKey: 'a\u0001b' }],
    ['a path in INNER_MULTI_DISPATCH', { properties: { INNER_MULTI_DISPATCH: 'a/b' } }],
    ['a delay level that is none', { delayLevel: 19 }],
    ['a fraction as delay level', { delayLevel: 1.5 }],
    ['more properties than RocketMQ stores', { properties: { x: 'ä'.repeat(20_000) } }],
  ])('refuses %s', (_, message) => {
    expect(() => properties(message)).toThrow(
      expect.objectContaining({ code: 'CLIENT_MESSAGE_INVALID' }),
    );
  });
});

describe('checkSendTopic', () => {
  it.each(['', 'has blank', 'x'.repeat(128), 'SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC'])(
    "refuses '%s'",
    (topic) => {
      expect(() => checkSendTopic(topic)).toThrow(
        expect.objectContaining({ code: 'CLIENT_MESSAGE_INVALID' }),
      );
    },
  );

  it.each(['orders', '%RETRY%group', 'a|b-c_d'])("lets '%s' pass", (topic) => {
    expect(() => checkSendTopic(topic)).not.toThrow();
  });
});

describe('checkBody', () => {
  it('refuses an empty body, a text and a body over the limit, each with its own words', () => {
    expect(() => checkBody({ topic: 't', body: new Uint8Array(0) }, 9)).toThrow(/is empty/);
    expect(() => checkBody({ topic: 't', body: 'text' as unknown as Uint8Array }, 9)).toThrow(
      /must be a Uint8Array/,
    );
    expect(() => checkBody({ topic: 't', body: new Uint8Array(10) }, 9)).toThrow(
      expect.objectContaining({ code: 'CLIENT_MESSAGE_TOO_LARGE' }),
    );
  });
});
