import { spanOf } from '@nestjs-rocketmq/foundation';
import { encodeProperties } from '@nestjs-rocketmq/message';
import { HalfProperties } from './half-properties.js';

function read(half: HalfProperties, text: string): HalfProperties {
  half.read(spanOf(new TextEncoder().encode(text)));
  return half;
}

describe('HalfProperties', () => {
  const half = new HalfProperties();

  it('finds what decides about a half message, and nothing of the one before', () => {
    read(
      half,
      encodeProperties({ PGROUP: 'payers', REAL_TOPIC: 'orders', REAL_QID: '3', KEYS: 'a b' }),
    );
    expect(half.group.is('payers')).toBe(true);
    expect([half.group.is('payer'), half.group.is('payerz')]).toEqual([false, false]);
    expect([half.topic.text, half.queueId.text, half.keys.text]).toEqual(['orders', '3', 'a b']);
    expect(half.uniqueKey.isThere).toBe(false);
    read(half, encodeProperties({ UNIQ_KEY: 'K1', DELAY: '5' }));
    expect([half.group.isThere, half.group.text, half.group.is('payers')]).toEqual([
      false,
      undefined,
      false,
    ]);
    expect([half.uniqueKey.text, half.delay.text]).toEqual(['K1', '5']);
  });

  it('takes the last of two pairs, no pair without a value, and no name that only begins alike', () => {
    read(
      half,
      'PGROUP\u0001one\u0002DELAY\u0001\u0002PGROUP\u0001two\u0002REAL_TOPICS\u0001x\u0002KEYS',
    );
    expect(half.group.text).toBe('two');
    expect([half.delay.isThere, half.topic.isThere, half.keys.isThere]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('compares texts beyond ASCII', () => {
    read(half, encodeProperties({ PGROUP: 'größe', REAL_TOPIC: '订单' }));
    expect([half.group.is('größe'), half.group.is('grösse')]).toEqual([true, false]);
    expect([half.topic.is('订单'), half.topic.is('订'), half.topic.text]).toEqual([
      true,
      false,
      '订单',
    ]);
  });
});
