import { spanOf } from '@nestjs-rocketmq/foundation';
import { BatchCursor, decodeBatch, encodeBatch } from './message-batch.js';

const messages = [
  { flag: 1, body: Uint8Array.of(1, 2, 3), properties: 'TAGS\u0001a\u0002' },
  { flag: -1, body: new Uint8Array(0), properties: '' },
  { flag: 0, body: new Uint8Array(1000).fill(7), properties: 'KEYS\u0001ü\u0002' },
];

describe('message batch', () => {
  it('reads back what it wrote', () => {
    expect(decodeBatch(encodeBatch(messages))).toEqual(messages);
    expect(decodeBatch(encodeBatch([]))).toEqual([]);
  });

  it('has the layout of Java', () => {
    const bytes = encodeBatch([{ flag: 9, body: Uint8Array.of(5), properties: 'A\u0001b' }]);
    expect([...bytes]).toEqual([
      0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 5, 0, 3, 65, 1, 98,
    ]);
  });

  it('is stepped through in place, inside a larger buffer', () => {
    const bytes = new Uint8Array([9, 9, ...encodeBatch(messages), 9]);
    const cursor = new BatchCursor();
    cursor.start(spanOf(bytes, 2, bytes.length - 1));
    const sizes: number[] = [];
    while (cursor.next()) sizes.push(cursor.body.to - cursor.body.from);
    expect(sizes).toEqual([3, 0, 1000]);
  });

  it('refuses lengths that do not fit each other', () => {
    const good = encodeBatch(messages);
    const bad = (at: number, value: number): Uint8Array => {
      const bytes = good.slice();
      new DataView(bytes.buffer).setInt32(at, value);
      return bytes;
    };
    const broken = [good.subarray(0, 10), good.subarray(0, good.length - 1)];
    broken.push(bad(0, 5), bad(0, 1e9), bad(0, -1), bad(16, -1), bad(16, 1e9), bad(16, 4));
    for (const bytes of broken) {
      expect(() => decodeBatch(bytes)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_BATCH_BROKEN' }) as Error,
      );
    }
  });

  it('refuses properties that do not fit', () => {
    const properties = 'x'.repeat(32_768);
    expect(() => encodeBatch([{ flag: 0, body: new Uint8Array(0), properties }])).toThrow(
      'Message 0 of the batch has 32768 bytes',
    );
  });
});
