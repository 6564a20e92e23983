import {
  allocateQueues,
  averagelyByCircle,
  byConfiguration,
  consistentHash,
} from '@nestjs-rocketmq/client';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { CaseGroup, InteropCase } from './case.js';
import { isOfProducer, listedRetries, listedSends } from './listed-cases.js';
import { deadline, numbers } from './stand.js';

const sqlFilter: InteropCase = {
  feature: 'Filter by SQL92',
  proves: 'the broker lets through what an expression over properties says',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Sql')) as [MessageQueue];
      const sql = "price > 10 AND colour IN ('red', 'blue')";
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic, sql }] });
      const sent = [
        ['cheap', 5, 'red'],
        ['red', 11, 'red'],
        ['green', 99, 'green'],
        ['blue', 12, 'blue'],
      ] as const;
      for (const [body, price, colour] of sent) {
        const properties = { price: `${price}`, colour };
        await stand.send({ topic: queue.topic, body: Buffer.from(body), properties });
      }
      await inbox.until(2, deadline);
      expect(inbox.texts).toEqual(['red', 'blue']);
    },
  },
};

const firstMessage: InteropCase = {
  feature: 'A new group starts at the first message',
  proves: 'it gets what was sent before it was there',
  how: {
    async play(stand) {
      const queue = await stand.filled('First', 3);
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      await inbox.until(3, deadline);
      expect(inbox.texts).toEqual(numbers(0, 3));
    },
  },
};

const startsAtZero =
  'Apache 5.x answers offset 0 for a group it does not know while the first message of the queue lies in ' +
  'memory, so no client starts elsewhere there.';

const startingPoints: InteropCase = {
  feature: 'A new group starts at the end, or at a time',
  proves: '`last` gets what comes later, a timestamp what was stored since then',
  limits: { '5.3.3': startsAtZero, '5.5.0': startsAtZero },
  how: {
    async play(stand) {
      const queue = await stand.filled('From', 3);
      const subscriptions = [{ topic: queue.topic }];
      const first = await stand.push({ subscriptions });
      const seen = await first.inbox.until(3, deadline);
      const middle = await stand.laterThan(seen[2]?.message.storeTimestamp);
      await stand.fill(queue, 3, 4);
      const since = await stand.push({ subscriptions, from: { timestamp: middle } });
      const last = await stand.push({ subscriptions, from: 'last' });
      await stand.until('the offset of the new group', async () => {
        const offset = await stand.committed(last.consumer.group, queue);
        return offset === 4;
      });
      await stand.fill(queue, 4, 5);
      await first.inbox.until(5, deadline);
      await since.inbox.until(2, deadline);
      await last.inbox.until(1, deadline);
      expect(first.inbox.texts).toEqual(numbers(0, 5));
      expect(since.inbox.texts).toEqual(['3', '4']);
      expect(last.inbox.texts).toEqual(['4']);
    },
  },
};

const batches: InteropCase = {
  feature: 'Batch delivery with acknowledgement index',
  proves: 'messages behind the index come again, the others do not',
  how: {
    async play(stand) {
      const queue = await stand.filled('Batched', 4);
      const calls: string[][] = [];
      const { inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        batch: 4,
        listener: (messages, context) => {
          calls.push(messages.map((one) => one.text));
          if (calls.length === 1) context.ackIndex = messages.length - 2;
          context.delayLevel = 1;
          return { kind: 'success' };
        },
      });
      await inbox.until(5, deadline);
      const again = calls[0]?.at(-1);
      expect(inbox.texts.toSorted()).toEqual([...numbers(0, 4), again].toSorted());
      expect(inbox.all.at(-1)).toMatchObject({ text: again, reconsumeTimes: 1 });
    },
  },
};

const flowControl: InteropCase = {
  feature: 'Flow control',
  proves: 'a consumer whose handler rests holds no more than its threshold',
  how: {
    async play(stand) {
      const queue = await stand.filled('Flow', 60);
      let go: () => void = () => undefined;
      const resting = new Promise<void>((resolve) => (go = resolve));
      const { consumer, inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        concurrency: 1,
        pullBatchSize: 8,
        pullThresholdForQueue: 10,
        listener: async () => {
          await resting;
          return { kind: 'success' };
        },
      });
      await stand.until('pulls up to the threshold', () => consumer.statistics().pulled >= 8);
      const other = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      await other.inbox.until(60, deadline);
      expect(consumer.statistics().pulled).toBeLessThanOrEqual(10);
      go();
      await inbox.until(60, deadline);
      expect(inbox.texts).toEqual(numbers(0, 60));
    },
  },
};

const consumeTimeout: InteropCase = {
  feature: 'Consume time-out',
  proves: 'a message whose handler does not end is sent back, and comes again',
  how: {
    async play(stand) {
      const queue = await stand.filled('Stuck', 1);
      let calls = 0;
      const { consumer, inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        consumeTimeout: '1s',
        listener: async () => {
          calls += 1;
          if (calls === 1) await new Promise(() => undefined);
          return { kind: 'success' };
        },
      });
      const seen = await inbox.until(2, deadline);
      expect(seen.map((one) => [one.text, one.reconsumeTimes])).toEqual([
        ['0', 0],
        ['0', 1],
      ]);
      expect(consumer.statistics()).toMatchObject({ timedOut: 1 });
    },
  },
};

const pausing: InteropCase = {
  feature: 'Pause and resume',
  proves:
    'a paused member of a group is handed nothing, what came meanwhile follows when it goes on',
  how: {
    async play(stand) {
      const queue = await stand.filled('Paused', 3);
      const subscriptions = [{ topic: queue.topic }];
      const { consumer, inbox } = await stand.push({ subscriptions, isPaused: true });
      const other = await stand.push({ subscriptions });
      await other.inbox.until(3, deadline);
      expect(consumer.assignedQueues().filter(isOf([queue]))).toEqual([queue]);
      expect(inbox.texts).toEqual([]);
      consumer.resume();
      await inbox.until(3, deadline);
      expect(inbox.texts).toEqual(numbers(0, 3));
    },
  },
};

const retryElsewhere: InteropCase = {
  feature: 'Retry when the broker of the message is gone',
  proves: 'the message goes to the retry topic at another broker, and comes from there',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Orphan')) as [MessageQueue];
      const second = await stand.secondBroker();
      await second.makeTopic(queue.topic, 1);
      let gone: () => void = () => undefined;
      const isGone = new Promise<void>((resolve) => (gone = resolve));
      const { inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        pollNameServerInterval: '10m',
        rebalanceInterval: '10m',
        listener: async ([message]) => {
          if (message?.reconsumeTimes !== 0) return { kind: 'success' };
          await isGone;
          return { kind: 'retry', delayLevel: 1 };
        },
      });
      const held = { ...queue, brokerName: second.name };
      await stand.send({ topic: queue.topic, body: Buffer.from('orphan') }, { queue: held });
      await inbox.until(1, deadline);
      await second.close();
      gone();
      const seen = await inbox.until(2, deadline);
      expect(seen[1]).toMatchObject({ text: 'orphan', reconsumeTimes: 1 });
    },
  },
};

const strategies: InteropCase = {
  feature: 'Allocation strategies',
  proves: 'two members share six queues by circle, by consistent hash and by configuration',
  how: {
    async play(stand) {
      const queues = await stand.topic('Shared', 6);
      const subscriptions = [{ topic: queues[0]?.topic as string }];
      for (const strategy of [averagelyByCircle, consistentHash()]) {
        const group = stand.name('c-shared');
        const options = { subscriptions, group, strategy };
        const both = [await stand.push(options), await stand.push(options)];
        const ids = both.map(({ consumer }) => consumer.clientId);
        for (const { consumer } of both) {
          const share = allocateQueues(strategy, group, consumer.clientId, queues, ids);
          await stand.until(`the share of ${consumer.clientId} by ${strategy.name}`, () => {
            return keysOf(consumer.assignedQueues().filter(isOf(queues))) === keysOf(share);
          });
        }
        for (const { consumer } of both) await consumer.close();
      }
      const mine = queues.slice(4);
      const { consumer } = await stand.push({ subscriptions, strategy: byConfiguration(mine) });
      await stand.until('the configured queues', () => {
        return keysOf(consumer.assignedQueues().filter(isOf(queues))) === keysOf(mine);
      });
    },
  },
};

const notified: InteropCase = {
  feature: 'Rebalance at once on notification',
  proves: 'a member that looks by itself every ten minutes learns of another from the broker',
  how: {
    async play(stand) {
      const queues = await stand.topic('Notified', 4);
      const subscriptions = [{ topic: queues[0]?.topic as string }];
      const group = stand.name('c-notified');
      const options = { subscriptions, group, rebalanceInterval: '10m' };
      const first = await stand.push(options);
      const owned = () => first.consumer.assignedQueues().filter(isOf(queues)).length;
      await stand.until('all four queues', () => owned() === 4);
      const second = await stand.push(options);
      await stand.until('two queues each', () => owned() === 2);
      await second.consumer.close();
      await stand.until('all four queues again', () => owned() === 4);
    },
  },
};

const queueLocks: InteropCase = {
  feature: 'Queue locks of orderly consumers',
  proves:
    'a queue goes over to a new member only when the handler of its old owner has ended, in order',
  how: {
    async play(stand) {
      const queues = await stand.topic('Locked', 2);
      const { topic } = queues[0] as MessageQueue;
      const subscriptions = [{ topic }];
      const group = stand.name('c-locked');
      const running = new Map<number, number>();
      const order = new Map<number, string[]>();
      const options = {
        subscriptions,
        group,
        mode: 'orderly' as const,
        lockInterval: 1_000,
        listener: async ([message]: readonly { queueId: number; text: string }[]) => {
          const { queueId, text } = message as { queueId: number; text: string };
          const inside = (running.get(queueId) ?? 0) + 1;
          running.set(queueId, inside);
          order.set(queueId, [...(order.get(queueId) ?? []), inside > 1 ? 'two at once' : text]);
          await stand.pause(20);
          running.set(queueId, (running.get(queueId) ?? 0) - 1);
          return { kind: 'success' } as const;
        },
      };
      await stand.push(options);
      const sends = queues.map((queue) => stand.fill(queue, 0, 60));
      const second = await stand.push(options);
      await Promise.all(sends);
      await stand.until('a queue of the second', () => {
        return second.consumer.assignedQueues().some(isOf(queues));
      });
      await stand.until('all of both queues', () => {
        return queues.every(({ queueId }) => new Set(order.get(queueId)).size >= 60);
      });
      for (const { queueId } of queues) {
        const seen = order.get(queueId) ?? [];
        expect(seen.filter((one, at) => seen.indexOf(one) === at)).toEqual(numbers(0, 60));
      }
    },
  },
};

const isOf = (queues: readonly MessageQueue[]) => (queue: MessageQueue) =>
  queue.topic === queues[0]?.topic;

const keysOf = (queues: readonly MessageQueue[]): string => queues.map(queueKey).toSorted().join();

export const pushCases: CaseGroup = {
  title: 'Push consumer',
  cases: [
    ...listedRetries,
    ...listedSends.filter((one) => !isOfProducer(one)),
    sqlFilter,
    firstMessage,
    startingPoints,
    batches,
    flowControl,
    consumeTimeout,
    pausing,
    retryElsewhere,
    strategies,
    notified,
    queueLocks,
  ],
};
