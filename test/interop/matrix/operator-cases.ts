import type { MessageQueue } from '@nestjs-rocketmq/message';
import { askByHand } from '../../support/java.js';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, numbers, type Stand } from './stand.js';

const runningConsumer = async (stand: Stand, word: string) => {
  const queue = await stand.filled(word, 5);
  const started = await stand.push({
    subscriptions: [{ topic: queue.topic }],
    // Brokers of 5.x tell of a reset in the answer to the next pull.
    pullSuspend: '2s',
  });
  await started.inbox.until(5, deadline);
  return { ...started, queue };
};

const subscriptionChanges: InteropCase = {
  feature: 'Subscriptions that change at run time',
  proves: 'a topic is added, its filter changed, and left again',
  how: {
    async play(stand) {
      const [first] = (await stand.topic('Early')) as [MessageQueue];
      const second = await stand.filled('Late', 4);
      const { consumer, inbox } = await stand.push({ subscriptions: [{ topic: first.topic }] });
      await consumer.subscribe(second.topic, 'even');
      await inbox.until(2, deadline);
      expect(inbox.texts).toEqual(['0', '2']);
      await consumer.unsubscribe(second.topic);
      await stand.fill(second, 4, 6);
      await stand.fill(first, 0, 1);
      await inbox.until(3, deadline);
      expect(inbox.all.map(({ topic, text }) => [topic, text]).at(-1)).toEqual([first.topic, '0']);
      const owned = consumer.assignedQueues().map(({ topic }) => topic);
      expect(owned).not.toContain(second.topic);
    },
  },
};

const queuePause: InteropCase = {
  feature: 'Pause of one queue',
  proves: 'the other queue goes on; the paused one follows when it is resumed',
  how: {
    async play(stand) {
      const queues = await stand.topic('HalfPaused', 2);
      const [paused, open] = queues as [MessageQueue, MessageQueue];
      await stand.fill(paused, 0, 3);
      await stand.fill(open, 3, 6);
      const { consumer, inbox } = await stand.push({
        subscriptions: [{ topic: paused.topic }],
        isPaused: true,
      });
      consumer.pause([paused]);
      consumer.resume();
      await inbox.until(3, deadline);
      expect(inbox.texts).toEqual(numbers(3, 6));
      consumer.resume([paused]);
      await inbox.until(6, deadline);
      expect(inbox.texts.toSorted()).toEqual(numbers(0, 6));
    },
  },
};

const consumeHooks: InteropCase = {
  feature: 'Hooks around consumption, filter hooks',
  proves: 'they see each call and how it ended; what a filter takes out is never handed out',
  how: {
    async play(stand) {
      const queue = await stand.filled('HookedCalls', 3);
      const ended: string[] = [];
      const { consumer, inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        consumeHooks: [
          { after: ({ messages }, how) => void ended.push(`${messages[0]?.text} ${how.ended}`) },
        ],
        filterHooks: [{ keep: ({ messages }) => messages.filter(({ text }) => text !== '1') }],
      });
      await inbox.until(2, deadline);
      await stand.until('both calls told', () => ended.length === 2);
      expect(ended.toSorted()).toEqual(['0 success', '2 success']);
      await stand.until('the end of the queue stored', async () => {
        return (await stand.committed(consumer.group, queue)) === 3;
      });
    },
  },
};

const resets: InteropCase = {
  feature: 'Reset of offsets while running (220)',
  proves: 'an operator sets the group back to the beginning, and everything comes once more',
  how: {
    async play(stand) {
      const { consumer, inbox, queue } = await runningConsumer(stand, 'Reset');
      const asked = { topic: queue.topic, group: consumer.group, timestamp: '0', isForce: 'true' };
      expect(await askByHand(stand.brokerAddress, 222, asked)).toContain('"code":0');
      await inbox.until(10, deadline);
      expect(inbox.texts.slice(5)).toEqual(numbers(0, 5));
    },
  },
};

const runningInfo: InteropCase = {
  feature: 'Running info (307)',
  proves: 'the broker gets from our consumer its subscriptions and queues',
  how: {
    async play(stand) {
      const { consumer, queue } = await runningConsumer(stand, 'Inspected');
      const answer = await askByHand(stand.brokerAddress, 307, {
        consumerGroup: consumer.group,
        clientId: consumer.clientId,
        jstackEnable: 'false',
      });
      expect(answer).toContain('"code":0');
      expect(answer).toContain(queue.topic);
      expect(answer).toContain('PROP_CONSUMER_START_TIMESTAMP');
    },
  },
};

const directConsumption: InteropCase = {
  feature: 'Direct consumption (309)',
  proves: 'an operator has one message handled by one consumer, and learns how that ended',
  how: {
    async play(stand) {
      const { consumer, inbox } = await runningConsumer(stand, 'Direct');
      const answer = await askByHand(stand.brokerAddress, 309, {
        consumerGroup: consumer.group,
        clientId: consumer.clientId,
        msgId: inbox.all[2]?.message.offsetMsgId as string,
        brokerName: stand.brokerName,
      });
      expect(answer).toContain('CR_SUCCESS');
      expect(inbox.texts).toEqual([...numbers(0, 5), '2']);
    },
  },
};

const consumerStatus: InteropCase = {
  feature: 'Consumer status (221)',
  proves: 'the broker gets from our consumer where it stands in each queue',
  how: {
    async play(stand) {
      const { consumer, queue } = await runningConsumer(stand, 'Status');
      const asked = { topic: queue.topic, group: consumer.group };
      await stand.until('where it stands', async () => {
        const answer = await askByHand(stand.brokerAddress, 223, asked);
        const isTold = answer.includes(consumer.clientId) && answer.includes(queue.topic);
        return isTold && /:5[,}]/.test(answer);
      });
    },
  },
};

export const runTimeCases: CaseGroup = {
  title: 'Push consumer at run time',
  cases: [
    subscriptionChanges,
    queuePause,
    consumeHooks,
    resets,
    runningInfo,
    directConsumption,
    consumerStatus,
  ],
};
