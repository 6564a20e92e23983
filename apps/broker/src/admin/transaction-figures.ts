import { Histogram } from '@nestjs-rocketmq/foundation';
import { latencyBounds } from './histogram-bounds.js';

/** What became of the transactions of one topic. */
export interface TopicTransactions {
  commits: number;
  rollbacks: number;
  /** Seconds from the birth of a half message to its commit. */
  readonly latency: Histogram;
}

/** Transactions decided since the start, by the topic that their messages are for. */
export class TransactionFigures {
  private readonly topics = new Map<string, TopicTransactions>();

  all(): IterableIterator<[topic: string, figures: TopicTransactions]> {
    return this.topics.entries();
  }

  committed(topic: string, millis: number): void {
    const figures = this.of(topic);
    figures.commits += 1;
    // Whole seconds, as Java has it.
    figures.latency.add(Math.max(0, Math.floor(millis / 1000)));
  }

  rolledBack(topic: string): void {
    this.of(topic).rollbacks += 1;
  }

  forget(topic: string): void {
    this.topics.delete(topic);
  }

  private of(topic: string): TopicTransactions {
    let figures = this.topics.get(topic);
    if (figures === undefined) {
      figures = { commits: 0, rollbacks: 0, latency: new Histogram(latencyBounds) };
      this.topics.set(topic, figures);
    }
    return figures;
  }
}
