import { SystemTopic, retryTopic, deadLetterTopic } from '@nestjs-rocketmq/message';
import { consumerGroups, paymentTopic, queuesOfTopic, topicNames } from './story.js';

export const halfTopic = SystemTopic.TRANSACTION_HALF;
export const opTopic = SystemTopic.TRANSACTION_OP;
export const delayTopic = SystemTopic.SCHEDULE;
export const givenUpTopic = SystemTopic.TRANSACTION_GIVEN_UP;

/** Delays of the levels in a simulated world, in seconds. */
export const delaySeconds = [1, 2, 3, 4, 5] as const;

/** Every queue in which something may lie. */
export const allQueues: readonly { readonly topic: string; readonly queueId: number }[] = [
  ...[...topicNames, paymentTopic].flatMap((topic) =>
    Array.from({ length: queuesOfTopic }, (_, queueId) => ({ topic, queueId })),
  ),
  ...delaySeconds.map((_, queueId) => ({ topic: delayTopic as string, queueId })),
  ...[halfTopic, opTopic, givenUpTopic].map((topic) => ({ topic: topic as string, queueId: 0 })),
  ...consumerGroups.flatMap((group) => [
    { topic: retryTopic(group), queueId: 0 },
    { topic: deadLetterTopic(group), queueId: 0 },
  ]),
];
