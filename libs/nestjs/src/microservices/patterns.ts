import { messageOf } from '@nestjs-rocketmq/foundation';
import { topicNameProblem } from '@nestjs-rocketmq/message';
import type { Problems } from '../options/problems.js';
import { parseDestination } from '../template/destination.js';

/** The topics of patterns with the tags wanted of each; `*` where a pattern names no tag. */
export function topicsOf(
  patterns: Iterable<string>,
  problems: Problems,
): Record<string, string | string[]> {
  const topics = new Map<string, Set<string>>();
  for (const pattern of patterns) {
    try {
      const { topic, tags } = parseDestination(pattern);
      const problem = topicNameProblem(topic);
      if (problem !== undefined) throw new TypeError(problem);
      topics.set(topic, (topics.get(topic) ?? new Set()).add(tags ?? '*'));
    } catch (error) {
      problems.add(
        'ROCKETMQ_PATTERN_INVALID',
        `The pattern ${JSON.stringify(pattern)} of a handler is no topic: ${messageOf(error)}; write ` +
          "@EventPattern('orders') or @EventPattern('orders:placed')",
      );
    }
  }
  const entries = [...topics].map(([topic, tags]) => [topic, tags.has('*') ? '*' : [...tags]]);
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}
