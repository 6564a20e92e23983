import { messageOf, type Clock, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { QueueInquiry } from './queue-inquiry.js';

/** Called with all queues of a topic that can be read now. */
export type TopicQueuesListener = (topic: string, queues: readonly MessageQueue[]) => void;

interface Watched {
  readonly listener: TopicQueuesListener;
  /** Keys of the queues as last seen; undefined before the first look. */
  seen: string | undefined;
}

/** Looks now and then whether topics got or lost queues. */
export class TopicWatch {
  private readonly topics = new Map<string, Watched>();
  private timer: Timer | undefined;
  private isLooking = false;

  constructor(
    private readonly inquiry: QueueInquiry,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** One listener per topic: a second one takes the place of the first. Answers how to stop. */
  on(topic: string, listener: TopicQueuesListener): () => void {
    const watched: Watched = { listener, seen: undefined };
    this.topics.set(topic, watched);
    if (this.timer !== undefined) void this.look(topic, watched);
    return () => {
      if (this.topics.get(topic) === watched) this.topics.delete(topic);
    };
  }

  async start(intervalMs: number): Promise<void> {
    this.timer = this.clock.every(intervalMs, () => void this.lookAll());
    await this.lookAll();
  }

  stop(): void {
    this.timer?.cancel();
    this.topics.clear();
  }

  private async lookAll(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    await Promise.all([...this.topics].map(([topic, watched]) => this.look(topic, watched)));
    this.isLooking = false;
  }

  /** The first look only remembers: nothing changed yet. Never rejects. */
  private async look(topic: string, watched: Watched): Promise<void> {
    let queues: MessageQueue[];
    try {
      queues = await this.inquiry.queuesOf(topic);
    } catch (error) {
      this.logger.warn('The queues of a watched topic could not be compared.', {
        topic,
        error: messageOf(error),
      });
      return;
    }
    const keys = queues.map(queueKey).toSorted().join('\n');
    const isNews = watched.seen !== undefined && watched.seen !== keys;
    watched.seen = keys;
    if (!isNews || this.topics.get(topic) !== watched) return;
    try {
      watched.listener(topic, queues);
    } catch (error) {
      this.logger.error('The listener for the queues of a topic failed.', { topic, error });
    }
  }
}
