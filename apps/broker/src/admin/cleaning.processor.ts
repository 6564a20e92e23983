import type { Logger } from '@nestjs-rocketmq/foundation';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { TopicTable } from '../topics/topic-table.js';

/** Removal on request; what is removed by time and by room goes by itself. */
export class CleaningProcessor {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicTable,
    private readonly logger: Logger,
  ) {}

  /** Expired log files go now. Files that have not expired stay, as long as there is room. */
  expiredLogFiles(): void {
    this.store.removeExpired();
  }

  /**
   * Queues whose messages are all gone, and which their topic has no more. One that is in use would
   * begin again at offset 0, and consumers would take new messages for old ones.
   */
  expiredQueues(): void {
    const count = this.store.removeEmptyQueues((queue) => this.isUsed(queue));
    this.logger.info('removed queues that no topic has', { count });
  }

  /** All queues of topics that are not in the topic table. */
  unusedTopics(): void {
    for (const topic of this.store.topics()) {
      if (this.topics.get(topic) !== undefined) continue;
      this.store.deleteTopic(topic);
      this.logger.info('removed the queues of a topic that is not there', { topic });
    }
  }

  private isUsed(queue: ConsumeQueue): boolean {
    const topic = this.topics.get(queue.topic);
    return topic !== undefined && queue.queueId < Math.max(topic.readQueues, topic.writeQueues);
  }
}
