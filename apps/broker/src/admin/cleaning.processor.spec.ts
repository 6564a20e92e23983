import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { TopicTable } from '../topics/topic-table.js';
import { CleaningProcessor } from './cleaning.processor.js';

const topics = {
  get: (name: string) => (name === 'orders' ? { readQueues: 4, writeQueues: 2 } : undefined),
} as unknown as TopicTable;

function cleaning(store: Partial<MessageStore>): CleaningProcessor {
  return new CleaningProcessor(store as MessageStore, topics, silentLogger);
}

describe('removal on request', () => {
  it('spares queues that their topic has', () => {
    const answers: boolean[] = [];
    const removeEmptyQueues = (isUsed: (queue: ConsumeQueue) => boolean): number => {
      for (const [topic, queueId] of [
        ['orders', 3],
        ['orders', 4],
        ['gone', 0],
      ] as const) {
        answers.push(isUsed({ topic, queueId } as ConsumeQueue));
      }
      return 2;
    };
    cleaning({ removeEmptyQueues }).expiredQueues();
    expect(answers).toEqual([true, false, false]);
  });

  it('removes the queues of topics that are not in the topic table', () => {
    const removed: string[] = [];
    const deleteTopic = (topic: string): void => void removed.push(topic);
    cleaning({ topics: () => ['orders', 'gone'], deleteTopic }).unusedTopics();
    expect(removed).toEqual(['gone']);
  });

  it('removes expired log files at once', () => {
    let asked = 0;
    cleaning({ removeExpired: () => (asked += 1) as unknown as void }).expiredLogFiles();
    expect(asked).toBe(1);
  });
});
