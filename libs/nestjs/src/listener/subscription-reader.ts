import { sqlFilterProblem } from '@nestjs-rocketmq/client';
import { topicNameProblem } from '@nestjs-rocketmq/message';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import type { Problems } from '../options/problems.js';
import type { Setting } from '../options/setting.js';
import type { ValueResolver } from '../options/value-resolver.js';
import { normalTags, type Subscription } from './listener-plan.js';

type Topics = Pick<RocketMQListenerOptions, 'topic' | 'tags' | 'sql'>;

/** Reads `topic`, `tags` and `sql` in all their forms; what is wrong goes to `problems`. */
export class SubscriptionReader {
  constructor(
    private readonly values: ValueResolver,
    private readonly problems: Problems,
  ) {}

  /** Sorted by topic. */
  read(where: string, options: Topics): Subscription[] {
    const sql = this.sql(where, options);
    const found = new Map<string, string>();
    for (const [given, expression] of this.entries(where, options)) {
      const named = this.values.resolve(where, 'topic', given as Setting<unknown>);
      // A placeholder without a value has been reported already.
      if (named === undefined && given !== undefined && given !== null) continue;
      for (const name of Array.isArray(named) ? (named as unknown[]) : [named]) {
        this.checkTopic(where, name);
        if (typeof name !== 'string') continue;
        if (found.has(name)) this.invalid(`${where}: topic '${name}' is there twice`);
        found.set(name, this.tags(where, expression));
      }
    }
    return [...found]
      .map(([name, expression]) =>
        sql === undefined ? { topic: name, expression } : { topic: name, sql },
      )
      .toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  private entries(where: string, { topic, tags }: Topics): [unknown, unknown][] {
    if (Array.isArray(topic)) return topic.map((name: unknown) => [name, tags]);
    if (!isMap(topic)) return [[topic, tags]];
    if (tags !== undefined) {
      this.invalid(
        `${where}: 'tags' cannot stand beside a map of topics; write the tags into the map`,
      );
    }
    return Object.entries(topic);
  }

  private sql(where: string, { topic, tags, sql: given }: Topics): string | undefined {
    if (given === undefined) return undefined;
    if (tags !== undefined || isMap(topic)) {
      this.invalid(`${where}: 'sql' stands instead of tags; leave out the one or the other`);
    }
    const expression = this.values.resolve(where, 'sql', given);
    // A placeholder without a value has been reported already.
    if (expression === undefined) return undefined;
    const problem = sqlFilterProblem(expression);
    if (problem === undefined) return expression;
    this.invalid(`${where}: 'sql': ${problem}`);
    return undefined;
  }

  private checkTopic(where: string, topic: unknown): void {
    if (typeof topic !== 'string' || topic.trim() === '') {
      this.problems.add(
        'ROCKETMQ_TOPIC_MISSING',
        `${where}: 'topic' is missing; write topic: 'orders', topic: ['orders', 'refunds'] or ` +
          `topic: { orders: 'placed || paid' }`,
      );
      return;
    }
    const problem = topicNameProblem(topic);
    if (problem !== undefined) this.invalid(`${where}: ${problem}`);
  }

  private tags(where: string, given: unknown): string {
    if (Array.isArray(given)) return normalTags(given as string[]);
    const found = this.values.resolve(where, 'tags', given as Setting<unknown>);
    if (found === undefined || typeof found === 'string') return normalTags(found);
    if (Array.isArray(found)) return normalTags(found as string[]);
    this.invalid(
      `${where}: 'tags' must be a text such as 'placed || paid' or an array, but is ` +
        `${JSON.stringify(found)}`,
    );
    return '*';
  }

  private invalid(sentence: string): void {
    this.problems.add('ROCKETMQ_OPTION_INVALID', sentence);
  }
}

function isMap(topic: unknown): topic is object {
  return typeof topic === 'object' && topic !== null && !Array.isArray(topic);
}
