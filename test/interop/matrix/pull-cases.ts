import { LitePullConsumer, PullConsumer } from '@nestjs-rocketmq/client';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, numbers, take, textsIn } from './stand.js';

const liteOrder: InteropCase = {
  feature: 'Lite pull: subscribe and poll',
  proves: 'everything comes in order; the next member of the group goes on behind',
  how: {
    async play(stand) {
      const queue = await stand.filled('LiteOrder', 25);
      const group = stand.name('c-order');
      const subscriptions = [{ topic: queue.topic }];
      const first = await stand.lite({ group, subscriptions });
      expect(await take(first, 25)).toEqual(numbers(0, 25));
      await first.close();
      await stand.fill(queue, 25, 27);
      const second = await stand.lite({ group, subscriptions });
      expect(await second.committed(queue)).toBe(25);
      expect(await take(second, 2)).toEqual(numbers(25, 27));
    },
  },
};

const liteCommit: InteropCase = {
  feature: 'Lite pull: commit by hand, async iteration',
  proves: 'no more is committed than was told, also while it loops',
  how: {
    async play(stand) {
      const queue = await stand.filled('LiteManual', 12);
      const group = stand.name('c-manual');
      const options = { group, subscriptions: [{ topic: queue.topic }] };
      const first = await stand.lite({ ...options, autoCommit: false });
      let count = 0;
      for await (const batch of first) {
        count += batch.length;
        if (count === batch.length) await first.commit({ queue, offset: 3 });
        if (count === 12) break;
      }
      await first.close();
      const second = await stand.lite(options);
      expect(await take(second, 9)).toEqual(numbers(3, 12));
    },
  },
};

const liteSeek: InteropCase = {
  feature: 'Lite pull: seek',
  proves: 'to an offset, the begin, the end and a time; an offset out of range is refused',
  how: {
    async play(stand) {
      const queue = await stand.filled('LiteSeek', 5);
      const group = stand.name('c-seek');
      const consumer = await stand.lite({ group, subscriptions: [{ topic: queue.topic }] });
      const first = await consumer.poll('30s');
      expect(textsIn(first)).toEqual(numbers(0, 5));
      // One message with a time of its own: old brokers find any of those with the same time.
      await stand.laterThan(first?.messages.at(-1)?.storeTimestamp);
      await stand.fill(queue, 5, 6);
      const later = await consumer.poll('30s');
      await stand.laterThan(later?.messages[0]?.storeTimestamp);
      await stand.fill(queue, 6, 9);
      await consumer.seek(queue, 3);
      expect(textsIn(await consumer.poll('30s'))[0]).toBe('3');
      await consumer.seekToBegin(queue);
      expect(textsIn(await consumer.poll('30s'))[0]).toBe('0');
      await consumer.seekToEnd(queue);
      await stand.fill(queue, 9, 10);
      expect(textsIn(await consumer.poll('30s'))).toEqual(['9']);
      const time = later?.messages[0]?.storeTimestamp ?? 0;
      expect(await consumer.offsetForTimestamp(queue, time)).toBe(5);
      await consumer.seekToTime(queue, time);
      expect(textsIn(await consumer.poll('30s'))[0]).toBe('5');
      await expect(consumer.seek(queue, 99)).rejects.toMatchObject({
        code: 'CLIENT_SEEK_OUT_OF_RANGE',
      });
    },
  },
};

const liteFilters: InteropCase = {
  feature: 'Lite pull: filters',
  proves: 'tags and SQL92 let through what they say',
  how: {
    async play(stand) {
      const { topic } = await stand.filled('LiteFilters', 7);
      const tags = [{ topic, expression: 'odd || none' }];
      const odd = await stand.lite({ group: stand.name('c-tags'), subscriptions: tags });
      expect(await take(odd, 3)).toEqual(['1', '3', '5']);
      const sql = [{ topic, sql: "TAGS = 'even'" }];
      const even = await stand.lite({ group: stand.name('c-sql'), subscriptions: sql });
      expect(await take(even, 4)).toEqual(['0', '2', '4', '6']);
    },
  },
};

const liteAssigned: InteropCase = {
  feature: 'Lite pull: assign, pause a queue',
  proves: 'queues that were assigned are read; a paused one rests until it is resumed',
  how: {
    async play(stand) {
      const queues = await stand.topic('LiteAssigned', 2);
      const [first, second] = queues as [MessageQueue, MessageQueue];
      await using consumer = new LitePullConsumer({
        ...stand.common(),
        group: stand.name('c-assigned'),
      });
      await consumer.assign(queues);
      await consumer.start();
      expect(consumer.assignment()).toHaveLength(2);
      expect(await consumer.fetchMessageQueues(first.topic)).toEqual([first, second]);
      await Promise.all(queues.map((queue) => consumer.seekToEnd(queue)));
      consumer.pause([first]);
      await consumer.seekToEnd(first);
      await stand.fill(first, 1, 2);
      await stand.fill(second, 2, 3);
      expect(await take(consumer, 1)).toEqual(['2']);
      consumer.resume([first]);
      expect(await take(consumer, 1)).toEqual(['1']);
    },
  },
};

const liteQueues: InteropCase = {
  feature: 'Lite pull: shares queues, tells of changes',
  proves: 'two members have two queues each, and the listener is told',
  how: {
    async play(stand) {
      const queues = await stand.topic('LiteShared', 4);
      const group = stand.name('c-lite-shared');
      const told: number[] = [];
      const options = {
        group,
        subscriptions: [{ topic: queues[0]?.topic as string }],
        rebalanceInterval: 1_000,
        heartbeatBrokerInterval: 1_000,
      };
      const first = await stand.lite({
        ...options,
        messageQueueListener: (_topic, _all, mine) => void told.push(mine.length),
      });
      await stand.until('all queues', () => first.assignment().length === 4);
      const second = await stand.lite(options);
      await stand.until('two each', () => {
        return first.assignment().length === 2 && second.assignment().length === 2;
      });
      await stand.until('the listener told of two', () => told.at(-1) === 2);
      const keys = [...first.assignment(), ...second.assignment()].map(({ queueId }) => queueId);
      expect(keys.toSorted()).toEqual([0, 1, 2, 3]);
    },
  },
};

const plainPull: InteropCase = {
  feature: 'Plain pull of one queue',
  proves: 'by offset, blocking and not, with filters and every status; offsets are kept when told',
  how: {
    async play(stand) {
      const queue = await stand.filled('PlainPull', 6);
      await using consumer = new PullConsumer({ ...stand.common(), group: stand.name('c-plain') });
      await consumer.start();
      const all = await consumer.pull(queue, '*', 0, 32);
      expect(all).toMatchObject({ status: 'found', nextOffset: 6, minOffset: 0, maxOffset: 6 });
      expect(all.messages.map((one) => one.text)).toEqual(numbers(0, 6));
      const odd = await consumer.pull(queue, 'odd', 2, 32);
      expect(odd.messages.map((one) => one.text)).toEqual(['3', '5']);
      const even = await consumer.pull(queue, { sql: "TAGS = 'even'" }, 1, 32);
      expect(even.messages.map((one) => one.text)).toEqual(['2', '4']);
      const statuses = [
        await consumer.pull(queue, 'none', 0, 32),
        await consumer.pull(queue, '*', 6, 32),
        await consumer.pull(queue, '*', 99, 32),
      ].map(({ status, nextOffset }) => [status, nextOffset]);
      expect(statuses).toEqual([
        ['no-matched-message', 6],
        ['no-new-message', 6],
        ['offset-illegal', 6],
      ]);
      const held = consumer.pullBlockIfNotFound(queue, '*', 6, 32);
      await stand.fill(queue, 6, 7);
      expect((await held).messages.map((one) => one.text)).toEqual(['6']);
      consumer.updateConsumeOffset(queue, 4);
      await consumer.persist();
      expect(await consumer.fetchConsumeOffset(queue, { fromStore: true })).toBe(4);
    },
  },
};

const questions: InteropCase = {
  feature: 'Offsets: least, greatest, by time, earliest time',
  proves: 'the server answers each for a queue',
  how: {
    async play(stand) {
      const queue = await stand.filled('Questions', 3);
      await using consumer = new PullConsumer({ ...stand.common(), group: stand.name('c-ask') });
      await consumer.start();
      const { messages } = await consumer.pull(queue, '*', 0, 32);
      const [first, , last] = messages.map((one) => one.storeTimestamp);
      expect(await consumer.minOffset(queue)).toBe(0);
      expect(await consumer.maxOffset(queue)).toBe(3);
      expect(await consumer.earliestMessageStoreTime(queue)).toBe(first);
      expect(await consumer.searchOffset(queue, 0)).toBe(0);
      // Behind the last message: 4.9 and 5.x name its end, or the message itself.
      const behind = await consumer.searchOffset(queue, (last ?? 0) + 60_000);
      expect(behind).toBeGreaterThanOrEqual(2);
    },
  },
};

const unfinished: InteropCase = {
  feature: 'Offsets never pass an unfinished message',
  proves:
    'while the first handler rests, the stored offset stays; when it ends, it goes to the end',
  how: {
    async play(stand) {
      const queue = await stand.filled('Unfinished', 10);
      let go: () => void = () => undefined;
      const resting = new Promise<void>((resolve) => (go = resolve));
      const { consumer, inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        listener: async ([message]) => {
          if (message?.text === '4') await resting;
          return { kind: 'success' };
        },
      });
      await inbox.until(10, deadline);
      const committed = () => stand.committed(consumer.group, queue);
      await stand.until('an offset up to the resting one', async () => (await committed()) === 4);
      go();
      await stand.until('the end', async () => (await committed()) === 10);
    },
  },
};

export const pullCases: CaseGroup = {
  title: 'Lite pull and plain pull',
  cases: [liteOrder, liteCommit, liteSeek, liteFilters, liteAssigned, liteQueues, plainPull],
};

export const offsetCases: CaseGroup = {
  title: 'Offsets',
  cases: [unfinished, questions],
};
