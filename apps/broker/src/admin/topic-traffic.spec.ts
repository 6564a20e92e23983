import { encodeProperties } from '@nestjs-rocketmq/message';
import { PropertyMarks } from '@nestjs-rocketmq/protocol';
import { viewOf } from '@nestjs-rocketmq/foundation';
import { messageTypeOf, messageTypes, TopicTraffic } from './topic-traffic.js';

function typeOf(properties: Record<string, string>): string {
  const marks = new PropertyMarks();
  const bytes = new TextEncoder().encode(encodeProperties(properties));
  marks.readPlain(bytes, viewOf(bytes), 0, bytes.length);
  return messageTypes[messageTypeOf(marks)];
}

describe('the type of a message', () => {
  it.each([
    ['normal', { TAGS: 'a', __SHARDINGKEX: 'x', TRAN_MSG: 'false' }],
    ['fifo', { __SHARDINGKEY: 'customer 7' }],
    ['fifo', { DELAY: '3', __SHARDINGKEY: 'customer 7' }],
    ['delay', { DELAY: '3' }],
    ['delay', { DELAY: '0' }],
    ['delay', { TIMER_DELAY_SEC: '3' }],
    ['transaction', { TRAN_MSG: 'true' }],
    ['transaction', { DELAY: '3', __SHARDINGKEY: 'customer 7', TRAN_MSG: 'true' }],
  ])('is %s for %j', (type, properties) => {
    expect(typeOf(properties)).toBe(type);
  });
});

describe('the traffic of a topic', () => {
  it('is told by type, the size of a message once for each request', () => {
    const traffic = new TopicTraffic();
    traffic.add(1, 4, 8_000);
    traffic.add(1, 1, 100);
    traffic.add(0, 1, 5_000);
    const told = [...traffic.all()].map(([type, { messages, bytes, sizes }]) => ({
      type,
      messages,
      bytes,
      sizes: [...sizes.counts].slice(0, 3),
    }));
    expect(told).toEqual([
      { type: 'normal', messages: 1, bytes: 5_000, sizes: [0, 0, 1] },
      { type: 'fifo', messages: 5, bytes: 8_100, sizes: [1, 1, 0] },
    ]);
  });
});
