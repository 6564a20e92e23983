import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { QueueShare } from './group-share.js';

/** Queues that the caller chose; nobody shares them out. */
export class HandShare implements QueueShare {
  private queues: readonly MessageQueue[] = [];

  get isEmpty(): boolean {
    return this.queues.length === 0;
  }

  /** From now on exactly these. */
  set(queues: readonly MessageQueue[]): void {
    this.queues = [...new Map(queues.map((queue) => [queueKey(queue), queue])).values()];
  }

  topics(): Iterable<string> {
    return new Set(this.queues.map((queue) => queue.topic));
  }

  of(topic: string): Promise<readonly MessageQueue[]> {
    return Promise.resolve(this.queues.filter((queue) => queue.topic === topic));
  }
}
