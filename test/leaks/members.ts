import {
  LitePullConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  TransactionalProducer,
  type ClientOptions,
} from '@nestjs-rocketmq/client';
import { systemClock } from '@nestjs-rocketmq/foundation';

/** One client that is started, used, and closed with what this answers. */
export type Open = (options: ClientOptions, topic: string) => Promise<() => Promise<void>>;

const body = Buffer.from('x');
const deadline = 5_000;
const arrivesWithinMs = 60_000;

/** A push consumer of a group that begins at the end: it joins, and leaves again. */
function push(mode: 'concurrent' | 'orderly'): Open {
  return async (options, topic) => {
    const consumer = new PushConsumer({
      ...options,
      group: `${mode}-group`,
      mode,
      subscriptions: [{ topic }],
      listener: () => ({ kind: 'success' }),
    });
    await consumer.start();
    return () => consumer.close({ deadline });
  };
}

/** What is started and closed again and again, by name. */
export const members: Readonly<Record<string, Open>> = {
  producer: async (options, topic) => {
    const producer = new Producer({ ...options, group: 'senders' });
    await producer.start();
    await producer.send({ topic, body });
    return () => producer.close({ deadline });
  },
  'traced producer': async (options, topic) => {
    const producer = new Producer({ ...options, group: 'traced', enableTrace: true });
    await producer.start();
    await producer.send({ topic, body });
    return () => producer.close({ deadline });
  },
  'transactional producer': async (options, topic) => {
    const producer = new TransactionalProducer({
      ...options,
      group: 'payers',
      listener: { execute: async () => 'COMMIT', check: async () => 'COMMIT' },
    });
    await producer.start();
    await producer.sendInTransaction({ topic, body });
    return () => producer.close({ deadline });
  },
  'push consumer': push('concurrent'),
  'orderly push consumer': push('orderly'),
  'lite pull consumer': async (options, topic) => {
    const group = 'lite-group';
    const consumer = new LitePullConsumer({ ...options, group, subscriptions: [{ topic }] });
    await consumer.start();
    await consumer.poll(1);
    return () => consumer.close({ deadline });
  },
  'pull consumer': async (options, topic) => {
    const consumer = new PullConsumer({ ...options, group: 'pull-group' });
    await consumer.start();
    const [queue] = await consumer.fetchMessageQueues(topic);
    if (queue !== undefined) await consumer.pull(queue, '*', 0, 1);
    return () => consumer.close({ deadline });
  },
};

/** Sends until it comes out at a consumer that reads from the beginning: the topic is there. */
export async function topicIsThere(options: ClientOptions, topic: string): Promise<void> {
  const producer = new Producer({ ...options, group: 'makers' });
  await producer.start();
  const end = systemClock.monotonic() + arrivesWithinMs;
  for (;;) {
    try {
      await producer.send({ topic, body });
      break;
    } catch (error) {
      if (systemClock.monotonic() > end) throw error;
    }
  }
  await producer.close();
}
