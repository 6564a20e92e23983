import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import {
  findQueue,
  indexByHash,
  javaHash,
  RoundRobin,
  selectByHash,
  selectQueue,
  selectRandomly,
} from './queue-choice.js';

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

describe('javaHash', () => {
  it.each([
    ['a small number as Integer', 7, 7],
    ['a negative one as Integer', -7, -7],
    ['the largest Integer', 2_147_483_647, 2_147_483_647],
    ['what is larger as Long', 2_147_483_648, -2_147_483_648],
    ['a large Long', 1_234_567_890_123, 1_912_276_436],
    ['a bigint as Long', -7n, 6],
    ['a bigint of 64 bits', 9_223_372_036_854_775_807n, -2_147_483_648],
  ])('takes %s', (_, key, hash) => {
    expect(javaHash(key)).toBe(hash);
  });

  it.each([[0.5], [Number.NaN], [2n ** 64n], [undefined as unknown as string]])(
    'refuses %p',
    (key) => {
      expect(() => javaHash(key)).toThrow(
        expect.objectContaining({ code: 'CLIENT_QUEUE_SELECTION_FAILED' }),
      );
    },
  );
});

describe('selectors of Java', () => {
  it('by hash takes the queue that the hash says', () => {
    expect(selectByHash('a')(queues, message)).toBe(queues[97 % 4]);
    expect(selectByHash(-6)(queues, message)).toBe(queues[2]);
  });

  it('at random takes one of the queues', () => {
    for (let i = 0; i < 50; i += 1) expect(queues).toContain(selectRandomly(queues, message));
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
