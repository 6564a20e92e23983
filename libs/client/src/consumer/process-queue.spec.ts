import type { StoredMessage } from '@nestjs-rocketmq/message';
import { ProcessQueue, type Held } from './process-queue.js';

/** Only what the queue looks at. */
const message = (queueOffset: number, storeSize = 10): StoredMessage =>
  ({ queueOffset, storeSize, reconsumeTimes: 0 }) as StoredMessage;

const messages = (...offsets: number[]): StoredMessage[] => offsets.map((one) => message(one));

describe('ProcessQueue', () => {
  it('commits nothing before the first answer, and the pull position of an empty queue after it', () => {
    const queue = new ProcessQueue(7);
    expect(queue.commitOffset).toBeUndefined();
    queue.put([], 12);
    expect(queue.commitOffset).toBe(12);
  });

  it('holds the offset at the first unfinished message', () => {
    const queue = new ProcessQueue(0);
    const [first, second, third] = queue.put(messages(0, 1, 2), 3) as [Held, Held, Held];
    queue.finish([second, third]);
    expect(queue.commitOffset).toBe(0);
    queue.finish([first]);
    expect(queue.commitOffset).toBe(3);
  });

  it('passes over offsets that the broker filtered out', () => {
    const queue = new ProcessQueue(0);
    const [held] = queue.put(messages(4), 9) as [Held];
    expect(queue.commitOffset).toBe(4);
    queue.finish([held]);
    expect(queue.commitOffset).toBe(9);
  });

  it('leaves out messages that it had before', () => {
    const queue = new ProcessQueue(0);
    queue.put(messages(0, 1), 2);
    expect(queue.put(messages(1, 2), 3).map((one) => one.offset)).toEqual([2]);
    expect(queue.count).toBe(3);
  });

  it('counts messages, bytes and the span of what is unfinished', () => {
    const queue = new ProcessQueue(0);
    const [first, second] = queue.put([message(0, 100), message(1, 30), message(5, 7)], 6);
    expect([queue.count, queue.bytes, queue.span]).toEqual([3, 137, 5]);
    queue.finish([first as Held]);
    queue.finish([first as Held, second as Held]);
    expect([queue.count, queue.bytes, queue.span]).toEqual([1, 7, 0]);
  });

  it('tells how far messages are finished, not counting what was only pulled over', () => {
    const queue = new ProcessQueue(0);
    const [first, second] = queue.put(messages(3, 5), 9);
    expect(queue.finishedTo).toBeUndefined();
    queue.finish([second as Held]);
    expect(queue.finishedTo).toBeUndefined();
    queue.finish([first as Held]);
    expect([queue.finishedTo, queue.commitOffset]).toEqual([6, 9]);
  });

  it('hands out in order, each message once, and again after putBack', () => {
    const queue = new ProcessQueue(0);
    queue.put(messages(0, 1, 2), 3);
    const taken = queue.take(2);
    expect(taken.map((one) => one.offset)).toEqual([0, 1]);
    expect(queue.take(2).map((one) => one.offset)).toEqual([2]);
    queue.finish([taken[0] as Held]);
    queue.putBack();
    expect(queue.take(9).map((one) => one.offset)).toEqual([1, 2]);
  });
});
