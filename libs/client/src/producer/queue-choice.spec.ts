import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import { findQueue, indexByHash, RoundRobin, selectQueue } from './queue-choice.js';

const queues: MessageQueue[] = ['a', 'a', 'b', 'b'].map((brokerName, i) => ({
  topic: 't',
  brokerName,
  queueId: i % 2,
}));
const message: OutgoingMessage = { topic: 't', body: Buffer.from('x') };

describe('RoundRobin', () => {
  it('takes turns over all queues', () => {
    const turns = new RoundRobin(3);
    const chosen = Array.from({ length: 8 }, () => queues.indexOf(turns.choose(queues)!));
    expect(chosen).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it('takes a queue of another broker after a failure', () => {
    const turns = new RoundRobin(-1);
    expect(turns.choose(queues, 'a')?.brokerName).toBe('b');
    expect(turns.choose(queues, 'b')?.brokerName).toBe('a');
  });

  it('stays with the only broker there is', () => {
    expect(new RoundRobin(0).choose(queues.slice(0, 2), 'a')?.brokerName).toBe('a');
  });

  it('goes on beyond the largest number', () => {
    const turns = new RoundRobin(0x7ffffffe);
    expect([turns.choose(queues), turns.choose(queues)].every(Boolean)).toBe(true);
  });
});

describe('indexByHash', () => {
  it.each([
    // "order-1".hashCode() and so on, as Java computes them, modulo 4, absolute.
    ['a', 97 % 4],
    ['hello', 99162322 % 4],
    ['polygenelubricants', 2147483648 % 4],
    ['GydZG_', 2147483648 % 4],
  ])("chooses for '%s' what Java chooses", (key, index) => {
    expect(indexByHash(key, 4)).toBe(index);
  });
});

describe('selectQueue', () => {
  it("names the topic when the user's selector throws", () => {
    const cause = new Error('no idea');
    const select = () =>
      selectQueue(
        () => {
          throw cause;
        },
        queues,
        message,
      );
    expect(select).toThrow(
      expect.objectContaining({ code: 'CLIENT_QUEUE_SELECTION_FAILED', cause }),
    );
  });

  it('refuses a queue of another topic', () => {
    const foreign = { topic: 'other', brokerName: 'a', queueId: 0 };
    expect(() => selectQueue(() => foreign, queues, message)).toThrow(/has no queue a:0/);
  });

  it('accepts a copy of one of the queues', () => {
    expect(findQueue(queues, { topic: 't', brokerName: 'b', queueId: 1 }, 't')).toBe(queues[3]);
  });
});
