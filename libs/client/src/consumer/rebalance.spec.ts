import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { assignmentChange } from './rebalance.js';

const queuesOf = (count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName: 'a', queueId }));

describe('assignmentChange', () => {
  it('names what to leave and what to take, and nothing that stays', () => {
    const [first, second, third] = queuesOf(3) as [MessageQueue, MessageQueue, MessageQueue];
    const change = assignmentChange([queueKey(first), queueKey(second)], [second, third]);
    expect(change).toEqual({ leave: [queueKey(first)], take: [third] });
  });
});
