import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { Asker } from './asker.js';
import { placeOf } from './disk.js';

/** The queues of a history's topics, as a broker gives them; pulled again from where they ended. */
export class Shelf {
  private readonly queues = new Map<string, StoredMessage[]>();
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly asker: Asker,
    /** How many queues each topic has. */
    private readonly topics: ReadonlyMap<string, number>,
  ) {}

  async pull(): Promise<void> {
    for (const [topic, count] of this.topics) {
      for (let queueId = 0; queueId < count; queueId += 1) {
        const known = this.queue(topic, queueId);
        for (const one of await this.asker.pull(topic, queueId, known.length)) {
          known.push(one);
          const place = placeOf(topic, one.text);
          this.counts.set(place, this.countOf(place) + 1);
        }
      }
    }
  }

  queue(topic: string, queueId: number): StoredMessage[] {
    const key = `${topic}/${queueId}`;
    let messages = this.queues.get(key);
    if (messages === undefined) this.queues.set(key, (messages = []));
    return messages;
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  countOf(place: string): number {
    return this.counts.get(place) ?? 0;
  }

  get places(): IterableIterator<string> {
    return this.counts.keys();
  }

  get all(): StoredMessage[] {
    return [...this.queues.values()].flat();
  }

  get allQueues(): [topic: string, queueId: number][] {
    return [...this.topics].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, queueId): [string, number] => [topic, queueId]),
    );
  }
}
